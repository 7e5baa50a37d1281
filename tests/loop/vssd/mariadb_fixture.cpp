// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/loop/vssd/mariadb_fixture.hpp"

namespace vss::test {

void MariadbTest::use_two_filesystems() {
  DatabaseTest::use_two_filesystems();
  rights_ = Rights::SeveralInstants;
}

void MariadbTest::start() {
  start_vssd("[writers]\naccounts = [\"mysql\"]\n");
  server_ = make_mariadb(places(), volumes_.directory() / "server", rights_);
}

void MariadbTest::start_writer(std::size_t registered, const std::string& more) {
  run_writer("instance = \"main\"\n[server]\nsocket = \"" + server_->socket().string() +
                 "\"\ndata_directory = \"" + places().data.string() + "\"\n" + more,
             registered);
}

DatabasePlaces MariadbTest::places_below(const DatabasePlaces& volumes) {
  return {volumes.data / "data", volumes.log / "log", volumes.far / "far"};
}

DatabasePlaces MariadbTest::shown_by(const Made& made) const {
  return places_below(
      {made.of(volumes_of_.data).path, made.of(volumes_of_.log).path, made.of(volumes_of_.far).path});
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
