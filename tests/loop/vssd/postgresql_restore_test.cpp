// SPDX-License-Identifier: LGPL-2.1-or-later
// A cluster that is lost and comes back by `vssctl restore`: the writer refuses while a server runs, and does
// afterwards what the server needs. vss.md 1.5.

#include "tests/loop/vssd/postgresql_fixture.hpp"
#include "tests/support/text_file.hpp"

namespace vss::test {
namespace {

namespace fs = std::filesystem;

constexpr auto kArchivedLimit = 60s;

struct Layout {
  std::string name;
  bool one_instant;
};

std::string name_of(const testing::TestParamInfo<Layout>& layout) { return layout.param.name; }

class PostgresRestore : public PostgresTest, public testing::WithParamInterface<Layout> {
 protected:
  void archive_everything() {
    SqlSession session = server_->connect();
    const std::string current = session.run("select pg_walfile_name(pg_current_wal_lsn())");
    session.run("select pg_switch_wal()");
    const auto archived = [&] {
      return session.run("select left(coalesce(last_archived_wal, ''), 24) from pg_stat_archiver") >= current;
    };
    ASSERT_TRUE(wait_until(archived, kArchivedLimit));
  }

  // Nothing of what steered recovery is left: a standby that is made of this cluster would have it too.
  void restore_and_start(const DatabasePlaces& snapshots) {
    const Ended restored = restore(copy_back(snapshots, places()));
    EXPECT_EQ(restored.status, 0) << restored.output;
    server_->start();
    EXPECT_TRUE(wait_until([&] { return answer("select pg_is_in_recovery()") == "f"; }, 60s));
    EXPECT_EQ(fs::exists(places().data / "backup_label.old"), !GetParam().one_instant)
        << "the server has used the label";
    EXPECT_EQ(text_of(places().data / "postgresql.auto.conf"),
              text_of(snapshots.data / "postgresql.auto.conf"));
  }
};

TEST_P(PostgresRestore, BringsBackWhatWasSavedAndTheServerRecovers) {
  use_filesystems(GetParam().one_instant);
  start();
  server_->connect().run("alter system set log_checkpoints = on");
  auto witness = std::make_unique<Witness>(*server_);
  ASSERT_TRUE(wait_until([&] { return witness->acknowledged() > 20; }, 60s));
  start_writer(1, "[restore]\nrestore_command = \"cp " + archive().string() + "/%f %p\"\n");
  const FreezeGuard guard = volumes_.guard();
  const std::uint64_t before = witness->acknowledged();
  const DatabasePlaces snapshots = places_below(save(GetParam().one_instant));
  witness.reset();
  const std::uint64_t last = std::stoull(server_->connect().run("select max(number) from witness"));
  archive_everything();

  const Ended refused = restore("true");
  EXPECT_NE(refused.status, 0);
  EXPECT_NE(refused.output.find("stop it and restore again"), std::string::npos) << refused.output;

  server_->stop();
  const Ended incomplete = restore(copy_back(snapshots, places(), places().far));
  EXPECT_NE(incomplete.status, 0);
  EXPECT_NE(incomplete.output.find("restored in " + places().far.string()), std::string::npos)
      << incomplete.output;

  for (int i = 0; i < 2 && !HasFailure(); ++i) {
    SCOPED_TRACE(i);
    restore_and_start(snapshots);
    SqlSession session = server_->connect();
    const auto number = [&](const char* what) {
      return std::stoull(session.run(std::string("select ") + what + " from witness"));
    };
    EXPECT_GE(number("max(number)"), before);
    EXPECT_LE(number("max(number)"), last);
    EXPECT_EQ(number("count(*)"), number("max(number)")) << "none is missing in between";
    session.run("insert into witness values (0)");
    server_->stop();
  }
  EXPECT_EQ(run_vssctl({"delete", "--yes", "--all"}).status, 0);
}

INSTANTIATE_TEST_SUITE_P(Volumes, PostgresRestore,
                         testing::Values(Layout{"OfOneInstant", true}, Layout{"OfTwoInstants", false}),
                         &name_of);

}  // namespace
}  // namespace vss::test
