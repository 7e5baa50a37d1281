// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/loop/vssd/postgresql_fixture.hpp"

namespace vss::test {

void PostgresTest::start() {
  start_vssd("[writers]\naccounts = [\"postgres\"]\n");
  server_ = make_cluster(places(), volumes_.directory() / "server", archive());
}

void PostgresTest::start_writer(std::size_t registered, const std::string& more) {
  run_writer(postgres_writer_configuration(*server_, more), registered);
}

DatabasePlaces PostgresTest::places_below(const DatabasePlaces& volumes) {
  return {volumes.data / "data", volumes.log / "wal", volumes.far / "space"};
}

DatabasePlaces PostgresTest::shown_by(const Made& made) const {
  return places_below(
      {made.of(volumes_of_.data).path, made.of(volumes_of_.log).path, made.of(volumes_of_.far).path});
}

std::string PostgresTest::answer(const std::string& sql) const {
  try {
    return server_->connect().run(sql);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

}  // namespace vss::test
