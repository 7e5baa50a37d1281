// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/loop/vssd/database_fixture.hpp"

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/account.hpp"

namespace vss::test {
namespace {

using nlohmann::json;

constexpr auto kProgramLimit = 120s;
// Well below the writer's window, which ends after a minute whatever happens.
constexpr auto kGoesOnLimit = 30s;

}  // namespace

DatabaseTest::DatabaseTest(Product product) : product_(std::move(product)) {
  // The account of the server has to come to its files.
  std::filesystem::permissions(volumes_.directory(), std::filesystem::perms(0711));
}

DatabaseTest::~DatabaseTest() {
  writer_.reset();
  brake_.reset();
}

void DatabaseTest::use_one_filesystem() {
  const LoopFilesystem& btrfs = volumes_.add("btrfs", "btrfs", 2000);
  const Paths made = Volumes::add_subvolumes(btrfs, 3);
  volumes_of_ = {made[0], made[1], made[2]};
  scratch_of_ = btrfs.mount_point();
}

void DatabaseTest::use_two_filesystems() {
  const LoopFilesystem& data = volumes_.add("btrfs-data", "btrfs", 2000);
  const LoopFilesystem& log = volumes_.add("btrfs-log", "btrfs", 2000);
  const Paths other = Volumes::add_subvolumes(log, 2);
  volumes_of_ = {Volumes::add_subvolumes(data, 1)[0], other[0], other[1]};
  scratch_of_ = log.mount_point();
}

std::vector<std::pair<std::filesystem::path, std::string>> DatabaseTest::late_volumes() {
  return {{volumes_.add("late", "btrfs", 300).mount_point(), "add that volume"},
          {volumes_of_.far, "begin it anew"}};
}

void DatabaseTest::run_writer(const std::string& configuration, std::size_t registered) {
  const std::string config = volumes_.directory() / "writer.toml";
  std::ofstream(config) << configuration;
  writer_.reset();
  ASSERT_TRUE(wait_until([&] { return writer_count() < registered; }, 30s)) << "the last one is still there";
  writer_.emplace(as_account(product_.account, {product_.program, "--config", config}),
                  ChildProcess::Environment{},
                  volumes_.directory() / ("writer.log." + std::to_string(++programs_started_)));
  ASSERT_TRUE(wait_until([&] { return writer_count() == registered; }, 30s)) << writer_->output();
}

Made DatabaseTest::make_set_of_database(const Paths& volumes, const std::vector<std::string>& others,
                                        std::function<void()> late) const {
  Wish wish;
  wish.components[product_.writer] = "main";
  for (const std::string& writer : others) wish.components[writer] = "data";
  wish.late = std::move(late);
  return make_set(volumes, wish);
}

json DatabaseTest::metadata_of(const Made& made) const {
  const auto document = made.requester->backup<std::string>("SaveDocument");
  if (!document) throw std::runtime_error("SaveDocument: " + document.error().message);
  const json parsed = json::parse(*document);
  for (const auto& writer : parsed.at("writers")) {
    if (writer.at("name") != product_.writer) continue;
    const auto& component = writer.at("components").at(0);
    EXPECT_EQ(component.at("logical_path"), "");
    EXPECT_EQ(component.at("name"), "main");
    return json::parse(component.at("backup_metadata").get<std::string>());
  }
  throw std::runtime_error("the writer is not in the document: " + *document);
}

std::string DatabaseTest::failure_of_writer(Requester& requester) const {
  const auto writers = requester.backup<Dicts>("GatherWriterStatus");
  if (!writers) return "";
  for (const Dict& writer : *writers) {
    const auto failure = get<std::string>(writer, "failure");
    if (get<std::string>(writer, "name") == product_.writer && !failure.empty())
      return failure + ": " + get<std::string>(writer, "message");
  }
  return "";
}

DatabaseTest::Ended DatabaseTest::run_vssctl(std::vector<std::string> words) {
  words.insert(words.begin(), VSSCTL_PROGRAM);
  ChildProcess process(words, {},
                       volumes_.directory() / ("vssctl.log." + std::to_string(++programs_started_)));
  const std::optional<int> status = process.wait(kProgramLimit);
  return {status.value_or(-1), process.output()};
}

DatabasePlaces DatabaseTest::save(bool one_instant) {
  const Ended made =
      run_vssctl({"create", "--json", "--persistent", "--component", product_.writer, "--document", document_,
                  "-v", volumes_of_.data, "-v", volumes_of_.log, "-v", volumes_of_.far});
  EXPECT_EQ(made.status, 0) << made.output;
  const json set = json::parse(made.output.substr(0, made.output.find('\n')));
  EXPECT_EQ(set.at("consistency"), one_instant ? "cut" : "per-volume");
  std::map<std::string, std::string> paths;
  for (const json& snapshot : set.at("snapshots")) paths[snapshot.at("volume")] = snapshot.at("path");
  return {paths.at(volumes_of_.data), paths.at(volumes_of_.log), paths.at(volumes_of_.far)};
}

std::string DatabaseTest::delete_all(const DatabasePlaces& places) {
  return "find " + places.data.string() + " " + places.log.string() + " " + places.far.string() +
         " -mindepth 1 -delete\n";
}

std::string DatabaseTest::copy_back(const DatabasePlaces& from, const DatabasePlaces& to,
                                    const std::filesystem::path& left_out) {
  std::string script = "set -e\n" + delete_all(to);
  for (const auto& [source, target] :
       {std::pair(from.data, to.data), std::pair(from.log, to.log), std::pair(from.far, to.far)}) {
    if (target != left_out) script += "cp -a " + source.string() + "/. " + target.string() + "\n";
  }
  return script;
}

void DatabaseTest::add_brake() {
  brake_ = std::make_unique<ScriptedWriter>(
      log_, "brake", ScriptedWriter::Setup{.level = VSS_LEVEL_SYSTEM, .data = volumes_of_.data});
  brake_->start();
}

DatabaseTest::Creation DatabaseTest::begin_set_until(const std::string& phase) {
  log_.clear();
  brake_->on(phase, Reaction::block());
  auto requester = std::make_unique<Requester>();
  Requester::Plan plan;
  plan.provider.clear();
  plan.select_components = true;
  plan.components = {{product_.writer, "main"}, {"brake", "data"}};
  for (const auto& member : members()) plan.volumes.push_back(member);
  const Reply<> prepared = requester->run_until(plan, "DoSnapshotSet");
  EXPECT_TRUE(prepared) << prepared.error().message;
  std::optional<PendingCall> call = requester->begin("DoSnapshotSet");
  EXPECT_TRUE(log_.wait_for(phase));
  return {std::move(requester), std::move(call)};
}

void DatabaseTest::let_go_on(const std::string& phase) {
  brake_->unblock();
  brake_->on(phase, Reaction::ok());
}

void DatabaseTest::kill(Victim victim, Creation& creation, const DeathChecks& checks) {
  switch (victim) {
    case Victim::Server:
      return checks.kill_server();
    case Victim::Writer:
      return writer_->kill9();
    case Victim::Requester:
      return creation.end();
    case Victim::Vssd:
      return vssd_->kill9();
  }
}

void DatabaseTest::expect_life_after_death(Victim victim, const DeathChecks& checks,
                                           const std::function<void()>& start_writer) {
  const std::size_t writers = writer_count();
  for (const std::string phase : {"PrepareForSnapshot", "Freeze", "Thaw", "PostSnapshot"}) {
    SCOPED_TRACE(phase);
    const FreezeGuard guard = volumes_.guard(120s);
    Creation creation = begin_set_until(phase);
    if (HasFailure()) return;
    checks.before(phase);
    kill(victim, creation, checks);
    const auto killed = std::chrono::steady_clock::now();
    EXPECT_TRUE(wait_until(checks.can_be_written, kGoesOnLimit)) << writer_->output();
    std::printf("%s: written again after %lld ms\n", phase.c_str(),
                static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                           std::chrono::steady_clock::now() - killed)
                                           .count()));
    let_go_on(phase);
    if (checks.is_lost(phase)) {
      (void)creation.call->result();
      EXPECT_NE(failure_of_writer(*creation.requester), "") << "what was lost passes for a good one";
    }
    creation.end();
    checks.nothing_is_left();

    if (victim == Victim::Vssd) vssd_->restart();
    if (victim == Victim::Writer) start_writer();
    ASSERT_TRUE(wait_until([&] { return writer_count() == writers; }, 30s)) << "a writer did not come back";
    // The set of a dead requester is undone in the background.
    Made made;
    EXPECT_TRUE(wait_until(
        [&] {
          made = make_set_of_database(members(), {"brake"});
          return made.error != "SnapshotSetInProgress";
        },
        20s));
    ASSERT_EQ(made.error, "") << made.message;
    EXPECT_EQ(failure_of_writer(*made.requester), "");
    EXPECT_EQ(metadata_of(made).at("consistency"), checks.consistency);
    EXPECT_EQ(made.release(), "");
    EXPECT_EQ(leftovers(), std::vector<std::string>());
    if (HasFailure()) return;
  }
}

}  // namespace vss::test
