// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A PostgreSQL on volumes of a test, and its writer.

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "tests/loop/vssd/postgresql_cluster.hpp"
#include "tests/loop/vssd/vssd_fixture.hpp"

namespace vss::test {

class PostgresTest : public VssdTest {
 protected:
  PostgresTest();

  // The volumes of data, WAL and tablespace: three subvolumes of one btrfs, or the first on another btrfs
  // than the other two.
  void use_one_filesystem();
  void use_two_filesystems();
  // vssd, and the server, whose WAL is archived.
  void start();
  // Returns when it is registered, as one of `registered` writers. `more`: of its configuration.
  void start_writer(std::size_t registered = 1, const std::string& more = "");

  // A set of these volumes with the cluster's component and those of other writers, which are called "data".
  [[nodiscard]] static Made make_set_of_cluster(const Paths& volumes, const std::vector<std::string>& others);
  [[nodiscard]] Paths members() const { return {volumes_of_.data, volumes_of_.wal, volumes_of_.space}; }
  [[nodiscard]] PostgresPlaces places() const { return places_below(volumes_of_); }
  // The same places in the snapshots.
  [[nodiscard]] PostgresPlaces shown_by(const Made& made) const;
  // What the writer says about its component in the backup document.
  [[nodiscard]] static nlohmann::json metadata_of(const Made& made);
  // For copies: on the filesystem of the WAL, in no volume of a set.
  [[nodiscard]] std::filesystem::path scratch() const { return scratch_of_ / "scratch"; }
  [[nodiscard]] std::filesystem::path archive() const { return volumes_.directory() / "archive"; }

  PostgresPlaces volumes_of_;
  std::filesystem::path scratch_of_;
  std::unique_ptr<PostgresServer> server_;
  std::optional<ChildProcess> writer_;

 private:
  [[nodiscard]] static PostgresPlaces places_below(const PostgresPlaces& volumes);
  int writers_started_ = 0;
};

}  // namespace vss::test
