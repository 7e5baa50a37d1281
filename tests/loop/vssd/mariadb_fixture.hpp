// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A MariaDB on volumes of a test, and its writer.

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "tests/loop/vssd/mariadb_ledger.hpp"
#include "tests/loop/vssd/mariadb_server.hpp"
#include "tests/loop/vssd/vssd_fixture.hpp"

namespace vss::test {

class MariadbTest : public VssdTest {
 protected:
  MariadbTest();

  // The volumes of data, logs and far tables: three subvolumes of one btrfs, or the first on another btrfs
  // than the other two.
  void use_one_filesystem();
  void use_two_filesystems();
  // vssd, and the server.
  void start();
  // Returns when it is registered, as one of `registered` writers. `more`: of its configuration.
  void start_writer(std::size_t registered = 1, const std::string& more = "");

  // A set of these volumes with the server's component and those of other writers, which are called "data".
  [[nodiscard]] static Made make_set_of_server(const Paths& volumes, const std::vector<std::string>& others);
  [[nodiscard]] Paths members() const { return {volumes_of_.data, volumes_of_.log, volumes_of_.far}; }
  [[nodiscard]] MariadbPlaces places() const { return places_below(volumes_of_); }
  [[nodiscard]] static MariadbPlaces places_below(const MariadbPlaces& volumes);
  // The same places in the snapshots.
  [[nodiscard]] MariadbPlaces shown_by(const Made& made) const;
  // What the writer says about its component in the backup document.
  [[nodiscard]] static nlohmann::json metadata_of(const Made& made);
  // What the server's writer has failed in, code and message; "" if it has not.
  [[nodiscard]] static std::string failure_of_writer(Requester& requester);
  // For copies: on the filesystem of the logs, in no volume of a set.
  [[nodiscard]] std::filesystem::path scratch() const { return scratch_of_ / "scratch"; }
  // The first row; the error if there is none. Does not wait for locks.
  [[nodiscard]] std::string answer(const std::string& sql) const;

  MariadbPlaces volumes_of_;
  std::filesystem::path scratch_of_;
  std::unique_ptr<MariadbServer> server_;
  std::optional<ChildProcess> writer_;
  Rights rights_ = Rights::OneInstant;  // that the volumes need

 private:
  int writers_started_ = 0;
};

}  // namespace vss::test
