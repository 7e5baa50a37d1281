// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/loop/vssd/postgresql_fixture.hpp"

#include <nlohmann/json.hpp>

#include "tests/support/requester.hpp"

namespace vss::test {

PostgresTest::PostgresTest() {
  // The account postgres has to come to its files.
  std::filesystem::permissions(volumes_.directory(), std::filesystem::perms(0711));
}

void PostgresTest::use_one_filesystem() {
  const LoopFilesystem& btrfs = volumes_.add("btrfs", "btrfs", 2000);
  const Paths made = Volumes::add_subvolumes(btrfs, 3);
  volumes_of_ = {made[0], made[1], made[2]};
  scratch_of_ = btrfs.mount_point();
}

void PostgresTest::use_two_filesystems() {
  const LoopFilesystem& data = volumes_.add("btrfs-data", "btrfs", 2000);
  const LoopFilesystem& wal = volumes_.add("btrfs-wal", "btrfs", 2000);
  const Paths other = Volumes::add_subvolumes(wal, 2);
  volumes_of_ = {Volumes::add_subvolumes(data, 1)[0], other[0], other[1]};
  scratch_of_ = wal.mount_point();
}

void PostgresTest::start() {
  start_vssd("[writers]\naccounts = [\"postgres\"]\n");
  server_ = make_cluster(places(), volumes_.directory() / "server", archive());
}

void PostgresTest::start_writer(std::size_t registered, const std::string& more) {
  const auto config = volumes_.directory() / "writer.toml";
  configure_postgres_writer(*server_, config, more);
  writer_.reset();
  writer_.emplace(as_postgres({VSS_WRITER_POSTGRESQL, "--config", config}), ChildProcess::Environment{},
                  volumes_.directory() / ("writer.log." + std::to_string(++writers_started_)));
  ASSERT_TRUE(wait_until([&] { return writer_count() == registered; }, 30s)) << writer_->output();
}

Made PostgresTest::make_set_of_cluster(const Paths& volumes, const std::vector<std::string>& others) {
  Wish wish;
  wish.components["PostgreSQL"] = "main";
  for (const std::string& writer : others) wish.components[writer] = "data";
  return make_set(volumes, wish);
}

PostgresPlaces PostgresTest::places_below(const PostgresPlaces& volumes) {
  return {volumes.data / "data", volumes.wal / "wal", volumes.space / "space"};
}

PostgresPlaces PostgresTest::shown_by(const Made& made) const {
  return places_below(
      {made.of(volumes_of_.data).path, made.of(volumes_of_.wal).path, made.of(volumes_of_.space).path});
}

nlohmann::json PostgresTest::metadata_of(const Made& made) {
  const auto document = made.requester->backup<std::string>("SaveDocument");
  if (!document) throw std::runtime_error("SaveDocument: " + document.error().message);
  const nlohmann::json parsed = nlohmann::json::parse(*document);
  for (const auto& writer : parsed.at("writers")) {
    if (writer.at("name") != "PostgreSQL") continue;
    const auto& component = writer.at("components").at(0);
    EXPECT_EQ(component.at("logical_path"), "");
    EXPECT_EQ(component.at("name"), "main");
    return nlohmann::json::parse(component.at("backup_metadata").get<std::string>());
  }
  throw std::runtime_error("the writer is not in the document: " + *document);
}

}  // namespace vss::test
