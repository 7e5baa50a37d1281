// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A PostgreSQL on volumes of a test, and its writer.

#include "tests/loop/vssd/database_fixture.hpp"
#include "tests/loop/vssd/postgresql_cluster.hpp"

namespace vss::test {

class PostgresTest : public DatabaseTest {
 protected:
  PostgresTest() : DatabaseTest({"PostgreSQL", VSS_WRITER_POSTGRESQL, "postgres"}) {}

  // vssd, and the server, whose WAL is archived.
  void start();
  // `more`: of its configuration, which begins with the section "server".
  void start_writer(std::size_t registered = 1, const std::string& more = "");

  [[nodiscard]] static DatabasePlaces places_below(const DatabasePlaces& volumes);
  [[nodiscard]] DatabasePlaces places() const { return places_below(volumes_of_); }
  // The same places in the snapshots.
  [[nodiscard]] DatabasePlaces shown_by(const Made& made) const;
  [[nodiscard]] std::filesystem::path archive() const { return volumes_.directory() / "archive"; }
  // The first column of the first row; the error if there is none.
  [[nodiscard]] std::string answer(const std::string& sql) const;

  std::unique_ptr<PostgresServer> server_;
};

}  // namespace vss::test
