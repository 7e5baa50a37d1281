// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/integration/vssd/daemon_fixture.hpp"

#include <sys/mount.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/support/mount_namespace.hpp"

namespace vss::test {
namespace {

// Snapshots are mounted: only in a namespace of the test's own. Before any thread starts.
class OwnNamespace : public ::testing::Environment {
  void SetUp() override { private_mount_namespace(); }
};
const auto* const kNamespace = ::testing::AddGlobalTestEnvironment(new OwnNamespace);

std::size_t files_in(const std::filesystem::path& directory) {
  std::error_code error;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    if (at->is_regular_file(error)) ++count;
  }
  return count;
}

}  // namespace

DaemonTest::DaemonTest() {
  ::setenv("DBUS_SYSTEM_BUS_ADDRESS", bus_.address().c_str(), 1);
  std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
  const std::filesystem::path disk = directory_.path() / "disk";
  std::filesystem::create_directory(disk);
  // In memory: how busy the disk of the machine is makes no difference.
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=1g") != 0) throw std::runtime_error("mount tmpfs");
  volume_ = std::make_unique<LoopFilesystem>(LoopFilesystem::create(disk, "volume", "ext4", 8));
  script("");
}

DaemonTest::~DaemonTest() {
  for (const auto& writer : writers_) writer->unblock();
  script("");
  writers_.clear();
  observer_.reset();
  vssd_.reset();
  volume_.reset();
}

void DaemonTest::start(const std::string& config) {
  VssdProcess::Options options;
  options.config = config;
  options.environment["VSSD_FAKE_PROVIDER_SCRIPT"] = (directory_.path() / "fake").string();
  vssd_ = std::make_unique<VssdProcess>(bus_, std::move(options));
}

void DaemonTest::script(const std::string& lines) const {
  const std::filesystem::path file = directory_.path() / "fake";
  std::ofstream(file.string() + ".new") << lines;
  std::filesystem::rename(file.string() + ".new", file);
}

std::vector<std::string> DaemonTest::provider_log() const {
  std::vector<std::string> operations;
  std::ifstream lines((directory_.path() / "fake").string() + ".log");
  for (std::string line; std::getline(lines, line);) {
    const std::string operation = line.substr(0, line.find(' '));
    if (operation == "is_volume_supported" || operation == "load" || operation == "check_health") continue;
    operations.push_back(line);
  }
  return operations;
}

std::size_t DaemonTest::health_checks() const {
  std::size_t count = 0;
  std::ifstream lines((directory_.path() / "fake").string() + ".log");
  for (std::string line; std::getline(lines, line);) count += line.starts_with("check_health") ? 1 : 0;
  return count;
}

std::vector<std::string> DaemonTest::provider_operations() const {
  std::vector<std::string> operations;
  for (const std::string& line : provider_log()) operations.push_back(line.substr(0, line.find(' ')));
  return operations;
}

bool DaemonTest::wait_for_operation(const std::string& operation) const {
  return wait_until([&] { return ::testing::Value(provider_operations(), ::testing::Contains(operation)); },
                    std::chrono::seconds(20));
}

std::size_t DaemonTest::provider_snapshots() const {
  return files_in((directory_.path() / "fake").string() + ".snapshots");
}

std::size_t DaemonTest::catalogue_entries() const {
  std::error_code error;
  std::size_t count = 0;
  for (std::filesystem::recursive_directory_iterator at(vssd_->state_dir(), error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() == ".json") ++count;
  }
  return count;
}

ScriptedWriter& DaemonTest::add_writer(const std::string& name, vss_level level) {
  ScriptedWriter::Setup setup;
  setup.level = level;
  setup.data = volume();
  return add_writer(name, setup);
}

ScriptedWriter& DaemonTest::add_writer(const std::string& name, ScriptedWriter::Setup setup) {
  setup.face = faces_[writers_.size() % faces_.size()];
  writers_.push_back(std::make_unique<ScriptedWriter>(log_, name, std::move(setup)));
  writers_.back()->start();
  return *writers_.back();
}

void DaemonTest::add_writers(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    ScriptedWriter::Setup setup;
    setup.face = faces_[i % faces_.size()];
    writers_.push_back(std::make_unique<ScriptedWriter>(log_, "writer " + std::to_string(i), setup));
    writers_.back()->begin();
  }
  for (const auto& writer : writers_) {
    if (!writer->wait_registered(std::chrono::seconds(30))) throw std::runtime_error("not registered");
  }
}

Requester::Plan DaemonTest::plan() const {
  Requester::Plan plan;
  plan.volumes = {volume()};
  return plan;
}

std::string DaemonTest::make_set_in(const std::string& context, Requester& requester) const {
  Requester::Plan way = plan();
  way.context = context;
  const Reply<> made = requester.run_until(way);
  EXPECT_TRUE(made) << made.error().message;
  return made ? requester.property("SnapshotSetId") : "";
}

CallError DaemonTest::fail_to_make_set(Requester& requester) const {
  const Reply<> prepared = requester.run_until(plan(), "DoSnapshotSet");
  EXPECT_TRUE(prepared) << prepared.error().message;
  const Reply<> made = requester.backup("DoSnapshotSet");
  EXPECT_FALSE(made);
  return made ? CallError{} : made.error();
}

Dict DaemonTest::status() {
  if (!observer_) observer_ = std::make_unique<Requester>();
  auto status = observer_->manager<Dict>("GetStatus");
  if (!status) {  // the bus may have gone and come back
    observer_ = std::make_unique<Requester>();
    status = observer_->manager<Dict>("GetStatus");
  }
  if (!status) throw std::runtime_error("GetStatus: " + status.error().message);
  return *status;
}

std::size_t DaemonTest::sessions() { return get<Dicts>(status(), "sessions").size(); }

bool DaemonTest::wait_for_no_session() {
  return wait_until([this] { return sessions() == 0; }, std::chrono::seconds(20));
}

bool DaemonTest::wait_for_idle_providers() {
  Requester requester;
  const auto is_idle = [](const Dict& provider) { return get<std::string>(provider, "busy").empty(); };
  return wait_until(
      [&] { return std::ranges::all_of(requester.manager<Dicts>("ListProviders").value(), is_idle); },
      std::chrono::seconds(20));
}

void DaemonTest::expect_nothing_left() {
  EXPECT_TRUE(wait_for_no_session());
  const Dict now = status();
  EXPECT_EQ(get<std::string>(now, "lock_holder"), "");
  EXPECT_FALSE(get<bool>(now, "holding"));
  EXPECT_EQ(provider_snapshots(), 0U);
  EXPECT_EQ(catalogue_entries(), 0U);
  const auto snapshots = observer_->manager<Dicts>("ListSnapshots", Dict{});
  ASSERT_TRUE(snapshots);
  EXPECT_TRUE(snapshots->empty());
}

void DaemonTest::expect_next_backup_works() {
  Requester next;
  Requester::Plan again = plan();
  again.options["lock_timeout"] = sdbus::Variant{std::uint32_t{5000}};
  const Reply<> prepared = next.run_until(again, "DoSnapshotSet");
  ASSERT_TRUE(prepared) << prepared.error().message;
  const auto made = next.backup<Dict>("DoSnapshotSet");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(get<Dicts>(*made, "snapshots").size(), 1U);
  EXPECT_EQ(name_of(next.backup("BackupComplete")), "");
  EXPECT_EQ(name_of(next.backup("Release")), "");
}

}  // namespace vss::test
