// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A MariaDB on volumes of a test, and its writer.

#include "tests/loop/vssd/database_fixture.hpp"
#include "tests/loop/vssd/mariadb_ledger.hpp"
#include "tests/loop/vssd/mariadb_server.hpp"

namespace vss::test {

class MariadbTest : public DatabaseTest {
 protected:
  MariadbTest() : DatabaseTest({"MariaDB", VSS_WRITER_MARIADB, kMariadbAccount}) {}

  void use_two_filesystems() override;
  // vssd, and the server.
  void start();
  // `more`: of its configuration, which begins with the section "server".
  void start_writer(std::size_t registered = 1, const std::string& more = "");

  [[nodiscard]] static DatabasePlaces places_below(const DatabasePlaces& volumes);
  [[nodiscard]] DatabasePlaces places() const { return places_below(volumes_of_); }
  // The same places in the snapshots.
  [[nodiscard]] DatabasePlaces shown_by(const Made& made) const;
  // The first row; the error if there is none. Does not wait for locks.
  [[nodiscard]] std::string answer(const std::string& sql) const;

  std::unique_ptr<MariadbServer> server_;
  Rights rights_ = Rights::OneInstant;  // that the volumes need
};

}  // namespace vss::test
