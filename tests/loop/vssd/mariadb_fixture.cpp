// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/loop/vssd/mariadb_fixture.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/account.hpp"
#include "tests/support/requester.hpp"

namespace vss::test {

MariadbTest::MariadbTest() {
  // The account mysql has to come to its files.
  std::filesystem::permissions(volumes_.directory(), std::filesystem::perms(0711));
}

void MariadbTest::use_one_filesystem() {
  const LoopFilesystem& btrfs = volumes_.add("btrfs", "btrfs", 2000);
  const Paths made = Volumes::add_subvolumes(btrfs, 3);
  volumes_of_ = {made[0], made[1], made[2]};
  scratch_of_ = btrfs.mount_point();
}

void MariadbTest::use_two_filesystems() {
  const LoopFilesystem& data = volumes_.add("btrfs-data", "btrfs", 2000);
  const LoopFilesystem& log = volumes_.add("btrfs-log", "btrfs", 2000);
  const Paths other = Volumes::add_subvolumes(log, 2);
  volumes_of_ = {Volumes::add_subvolumes(data, 1)[0], other[0], other[1]};
  scratch_of_ = log.mount_point();
  rights_ = Rights::SeveralInstants;
}

void MariadbTest::start() {
  start_vssd("[writers]\naccounts = [\"mysql\"]\n");
  server_ = make_mariadb(places(), volumes_.directory() / "server", rights_);
}

void MariadbTest::start_writer(std::size_t registered, const std::string& more) {
  const auto config = volumes_.directory() / "writer.toml";
  std::ofstream(config) << "instance = \"main\"\n[server]\nsocket = \"" << server_->socket().string()
                        << "\"\ndata_directory = \"" << places().data.string()
                        << "\"\n[snapshot]\nmode = \"auto\"\n"
                        << more;
  writer_.reset();
  writer_.emplace(as_account(kMariadbAccount, {VSS_WRITER_MARIADB, "--config", config}),
                  ChildProcess::Environment{},
                  volumes_.directory() / ("writer.log." + std::to_string(++writers_started_)));
  ASSERT_TRUE(wait_until([&] { return writer_count() == registered; }, 30s)) << writer_->output();
}

Made MariadbTest::make_set_of_server(const Paths& volumes, const std::vector<std::string>& others) {
  Wish wish;
  wish.components["MariaDB"] = "main";
  for (const std::string& writer : others) wish.components[writer] = "data";
  return make_set(volumes, wish);
}

MariadbPlaces MariadbTest::places_below(const MariadbPlaces& volumes) {
  return {volumes.data / "data", volumes.log / "log", volumes.far / "far"};
}

MariadbPlaces MariadbTest::shown_by(const Made& made) const {
  return places_below(
      {made.of(volumes_of_.data).path, made.of(volumes_of_.log).path, made.of(volumes_of_.far).path});
}

nlohmann::json MariadbTest::metadata_of(const Made& made) {
  const auto document = made.requester->backup<std::string>("SaveDocument");
  if (!document) throw std::runtime_error("SaveDocument: " + document.error().message);
  const nlohmann::json parsed = nlohmann::json::parse(*document);
  for (const auto& writer : parsed.at("writers")) {
    if (writer.at("name") != "MariaDB") continue;
    const auto& component = writer.at("components").at(0);
    EXPECT_EQ(component.at("name"), "main");
    return nlohmann::json::parse(component.at("backup_metadata").get<std::string>());
  }
  throw std::runtime_error("the writer is not in the document: " + *document);
}

std::string MariadbTest::failure_of_writer(Requester& requester) {
  const auto writers = requester.backup<Dicts>("GatherWriterStatus");
  if (!writers) return "";
  for (const Dict& writer : *writers) {
    const auto failure = get<std::string>(writer, "failure");
    if (get<std::string>(writer, "name") == "MariaDB" && !failure.empty())
      return failure + ": " + get<std::string>(writer, "message");
  }
  return "";
}

std::string MariadbTest::answer(const std::string& sql) const {
  try {
    MariadbSession session = server_->connect();
    session.run("SET SESSION lock_wait_timeout = 1, max_statement_time = 1");
    return session.run(sql);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

}  // namespace vss::test
