// SPDX-License-Identifier: LGPL-2.1-or-later
// kill -9 of whoever takes part, in each phase of a set in backup mode.
#include <nlohmann/json.hpp>

#include "tests/loop/vssd/postgresql_fixture.hpp"
#include "tests/support/requester.hpp"
#include "tests/support/scripted_writer.hpp"

namespace vss::test {
namespace {

constexpr auto kWriteLimit = 10s;
constexpr std::size_t kWriters = 2;
// A session in backup mode would be one of these.
constexpr const char* kWritersSessions =
    "select count(*) from pg_stat_activity where application_name = 'vss-writer-postgresql'";

enum class Victim { Server, Writer, Requester, Vssd };
struct Row {
  const char* name;
  Victim victim;
  friend void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
};

class PostgresDeath : public PostgresTest, public testing::WithParamInterface<Row> {
 protected:
  PostgresDeath() {
    use_two_filesystems();
    start();
    // Frozen last and thawed first: while it does not answer, the writer is in that phase too.
    brake_ = std::make_unique<ScriptedWriter>(
        log_, "brake", ScriptedWriter::Setup{.level = VSS_LEVEL_SYSTEM, .data = volumes_of_.data});
    brake_->start();
    start_writer(kWriters);
  }
  ~PostgresDeath() override { brake_.reset(); }

  struct Creation {
    std::unique_ptr<Requester> requester;
    std::optional<PendingCall> call;
    // The bus sees the same as of the requester's death. An answer does not outlive its connection.
    void end() {
      call.reset();
      requester.reset();
    }
  };
  // Up to the call that makes the set, which is under way when this returns.
  [[nodiscard]] Creation begin_set() const {
    auto requester = std::make_unique<Requester>();
    Requester::Plan plan;
    plan.provider.clear();
    plan.select_components = true;
    plan.components = {{"PostgreSQL", "main"}, {"brake", "data"}};
    for (const auto& member : members()) plan.volumes.push_back(member);
    const Reply<> prepared = requester->run_until(plan, "DoSnapshotSet");
    EXPECT_TRUE(prepared) << prepared.error().message;
    std::optional<PendingCall> call = requester->begin("DoSnapshotSet");
    return {std::move(requester), std::move(call)};
  }

  void kill(Victim victim, Creation& creation) {
    switch (victim) {
      case Victim::Server:
        server_->kill9();
        server_->start();
        break;
      case Victim::Writer:
        writer_->kill9();
        break;
      case Victim::Requester:
        creation.end();
        break;
      case Victim::Vssd:
        vssd_->kill9();
        break;
    }
  }

  // What the writer of the cluster failed in, when the set is made or given up; "" if it did not.
  static std::string failure(Creation& creation) {
    (void)creation.call->result();
    const auto writers = creation.requester->backup<Dicts>("GatherWriterStatus");
    if (!writers) return "";
    for (const Dict& writer : *writers) {
      if (get<std::string>(writer, "name") == "PostgreSQL") return get<std::string>(writer, "failure");
    }
    return "";
  }

  // The first column of the first row; the error if there is none.
  std::string answer(const std::string& sql) const {
    try {
      return server_->connect().run(sql);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }

  EventLog log_;
  std::unique_ptr<ScriptedWriter> brake_;
};

TEST_P(PostgresDeath, InAnyPhaseTheDatabaseGoesOnAndNoBackupModeIsLeft) {
  for (const char* const phase : {"PrepareForSnapshot", "Freeze", "Thaw", "PostSnapshot"}) {
    SCOPED_TRACE(phase);
    const FreezeGuard guard = volumes_.guard(120s);
    log_.clear();
    brake_->on(phase, Reaction::block());
    Creation creation = begin_set();
    ASSERT_TRUE(log_.wait_for(phase));
    // The session that there must be none of afterwards; in PostSnapshot it may have ended already.
    const bool in_backup_mode = std::string(phase) != "PostSnapshot";
    if (in_backup_mode) {
      EXPECT_TRUE(wait_until([&] { return answer(kWritersSessions) == "1"; }, 10s)) << writer_->output();
    }
    kill(GetParam().victim, creation);
    EXPECT_TRUE(wait_until(
        [&] { return answer("insert into journal(amount) values (0) returning 'done'") == "done"; },
        kWriteLimit));
    brake_->unblock();
    brake_->on(phase, Reaction::ok());
    const bool loses_it = GetParam().victim == Victim::Server || GetParam().victim == Victim::Writer;
    if (loses_it && in_backup_mode) {
      EXPECT_NE(failure(creation), "") << "a backup mode that was lost passes for a good one";
    }
    creation.end();
    EXPECT_TRUE(wait_until([&] { return answer(kWritersSessions) == "0"; }, kWriteLimit))
        << answer(kWritersSessions);

    if (GetParam().victim == Victim::Vssd) vssd_->restart();
    if (GetParam().victim == Victim::Writer) start_writer(kWriters);
    ASSERT_TRUE(wait_until([&] { return writer_count() == kWriters; }, 30s)) << "a writer did not come back";
    // The set of a dead requester is undone in the background.
    Made made;
    EXPECT_TRUE(wait_until(
        [&] {
          made = make_set_of_cluster(members(), {"brake"});
          return made.error != "SnapshotSetInProgress";
        },
        20s));
    ASSERT_EQ(made.error, "") << made.message;
    EXPECT_EQ(metadata_of(made).at("consistency"), "backup-mode");
    EXPECT_EQ(made.release(), "");
    EXPECT_EQ(leftovers(), std::vector<std::string>());
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Victims, PostgresDeath,
                         testing::Values(Row{"server", Victim::Server}, Row{"writer", Victim::Writer},
                                         Row{"requester", Victim::Requester}, Row{"vssd", Victim::Vssd}),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace vss::test
