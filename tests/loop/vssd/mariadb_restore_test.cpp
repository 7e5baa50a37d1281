// SPDX-License-Identifier: LGPL-2.1-or-later
// A server whose files are lost and come back by `vssctl restore`: the writer refuses while a server runs,
// and looks afterwards whether all is there. vss.md 1.5.
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/loop/vssd/mariadb_fixture.hpp"
#include "tests/support/run_program.hpp"

namespace vss::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Layout {
  std::string name;
  bool one_instant;
};

std::string name_of(const testing::TestParamInfo<Layout>& layout) { return layout.param.name; }

class MariadbRestore : public MariadbTest, public testing::WithParamInterface<Layout> {
 protected:
  // What its component says in the document.
  [[nodiscard]] json metadata() const {
    const json document = json::parse(std::ifstream(document_));
    for (const json& writer : document.at("writers")) {
      if (writer.at("name") == "MariaDB")
        return json::parse(writer.at("components").at(0).at("backup_metadata").get<std::string>());
    }
    throw std::runtime_error("the writer is not in the document");
  }

  // The same document, as a server of another product would have left it.
  [[nodiscard]] std::string document_of(const std::string& product) const {
    json document = json::parse(std::ifstream(document_));
    for (json& writer : document.at("writers")) {
      for (json& component : writer.at("components")) {
        json record = json::parse(component.at("backup_metadata").get<std::string>());
        record["product"] = product;
        component["backup_metadata"] = record.dump();
      }
    }
    const std::string path = volumes_.directory() / (product + ".json");
    std::ofstream(path) << document;
    return path;
  }

  // The binary logs from that of the document on, in order.
  [[nodiscard]] std::string save_binary_logs() const {
    const fs::path saved = volumes_.directory() / "binlogs";
    fs::create_directories(saved);
    std::set<std::string> files;
    for (const auto& entry : fs::directory_iterator(places().log)) {
      const std::string name = entry.path().filename();
      if (!name.starts_with("binlog.0") || name < metadata().at("binlog_file")) continue;
      fs::copy_file(entry.path(), saved / name);
      files.insert(saved / name);
    }
    std::string words;
    for (const std::string& file : files) words += " " + file;
    return words;
  }
  void replay(const std::string& logs) const {
    run_program({"/bin/sh", "-ec",
                 "mariadb-binlog --no-defaults --start-position=" + metadata().at("binlog_position").dump() +
                     logs + " | mariadb --no-defaults --socket=" + server_->socket().string()});
  }

  // One whose program stops the server.
  void start_writer_that_stops_it() {
    writer_.reset();
    ASSERT_TRUE(wait_until([&] { return writer_count() == 0; }, 30s));
    const std::string pid_file = volumes_.directory() / "server/pid";
    start_writer(1,
                 "[restore]\nstop_command = ['/bin/sh', '-c', 'pid=$(cat " + pid_file +
                     "); kill $pid; while grep -qs State:.[RSD] /proc/$pid/status; do sleep 0.1; done']\n");
  }
};

TEST_P(MariadbRestore, BringsBackWhatWasSavedAndTheServerRecovers) {
  use_filesystems(GetParam().one_instant);
  start();
  auto witness = std::make_unique<MariadbWitness>(*server_);
  ASSERT_TRUE(wait_until([&] { return witness->acknowledged() > 20; }, 60s));
  start_writer();
  const FreezeGuard guard = volumes_.guard();
  const std::uint64_t before = witness->acknowledged();
  const DatabasePlaces snapshots = places_below(save(GetParam().one_instant));
  const std::uint64_t after = witness->acknowledged();
  ASSERT_TRUE(wait_until([&] { return witness->acknowledged() > after + 10; }, 60s));
  witness.reset();
  const auto number = [&](const char* what) {
    return std::stoull(server_->connect().run(std::string("SELECT ") + what + " FROM ledger.witness"));
  };
  const std::uint64_t last = number("MAX(number)");

  const std::string logs = save_binary_logs();

  for (const bool is_deleted : {false, true}) {
    SCOPED_TRACE(is_deleted);
    if (is_deleted) run_program({"/bin/sh", "-ec", delete_all(places())});
    const Ended refused = restore("true");
    EXPECT_NE(refused.status, 0);
    EXPECT_NE(refused.output.find("stop it and restore again"), std::string::npos) << refused.output;
  }

  start_writer_that_stops_it();
  const Ended foreign = restore(document_of("MySQL"), delete_all(places()));
  EXPECT_NE(foreign.status, 0);
  EXPECT_NE(foreign.output.find("install MySQL"), std::string::npos) << foreign.output;
  EXPECT_NO_THROW((void)server_->connect()) << "it was stopped for nothing";

  const Ended incomplete = restore(copy_back(snapshots, places(), places().log));
  EXPECT_NE(incomplete.status, 0);
  EXPECT_NE(incomplete.output.find("restored in " + places().log.string()), std::string::npos)
      << incomplete.output;
  EXPECT_THROW((void)server_->connect(), std::runtime_error) << "it was not stopped";

  const Ended restored = restore(copy_back(snapshots, places()));
  EXPECT_EQ(restored.status, 0) << restored.output;
  server_->start();
  EXPECT_GE(number("MAX(number)"), before);
  EXPECT_LT(number("MAX(number)"), last);
  EXPECT_EQ(number("COUNT(*)"), number("MAX(number)")) << "none is missing in between";
  // What was applied twice would be a duplicate key, and what was left out a gap.
  replay(logs);
  EXPECT_EQ(number("MAX(number)"), last);
  EXPECT_EQ(number("COUNT(*)"), last);
  server_->connect().run("INSERT INTO ledger.witness VALUES (0)");
  EXPECT_EQ(run_vssctl({"delete", "--yes", "--all"}).status, 0);
}

INSTANTIATE_TEST_SUITE_P(Volumes, MariadbRestore,
                         testing::Values(Layout{"OfOneInstant", true}, Layout{"OfTwoInstants", false}),
                         &name_of);

}  // namespace
}  // namespace vss::test
