// SPDX-License-Identifier: LGPL-2.1-or-later
// kill -9 of whoever takes part, in each phase of a set.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tests/loop/vssd/mariadb_fixture.hpp"
#include "tests/support/requester.hpp"
#include "tests/support/scripted_writer.hpp"

namespace vss::test {
namespace {

// Well below the writer's window, which ends after a minute whatever happens.
constexpr auto kWriteLimit = 30s;
constexpr std::size_t kWriters = 2;
constexpr const char* kWritersSessions =
    "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'mysql'";

enum class Victim { Server, Writer, Requester, Vssd };
struct Row {
  std::string name;
  Victim victim;
  bool one_instant;
  friend void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
};

class MariadbDeath : public MariadbTest, public testing::WithParamInterface<Row> {
 protected:
  MariadbDeath() {
    if (GetParam().one_instant) {
      use_one_filesystem();
    } else {
      use_two_filesystems();
    }
    start();
    // Frozen last and thawed first: while it does not answer, the writer is in that phase too.
    brake_ = std::make_unique<ScriptedWriter>(
        log_, "brake", ScriptedWriter::Setup{.level = VSS_LEVEL_SYSTEM, .data = volumes_of_.data});
    brake_->start();
    start_writer(kWriters);
  }
  ~MariadbDeath() override { brake_.reset(); }

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
    plan.components = {{"MariaDB", "main"}, {"brake", "data"}};
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

  // What the server's writer failed in, when the set is made or given up; "" if it did not.
  static std::string failure(Creation& creation) {
    (void)creation.call->result();
    return failure_of_writer(*creation.requester);
  }

  // Both, of a transactional table and of the others, and a table can be made.
  bool can_be_written() {
    const std::string number = std::to_string(++written_);
    return answer("INSERT INTO ledger.witness VALUES (" + number + ")").empty() &&
           answer("INSERT INTO ledger.plain (client, number) VALUES (0, " + number + ")").empty() &&
           answer("CREATE OR REPLACE TABLE ledger.another (id INT)").empty();
  }

  EventLog log_;
  std::unique_ptr<ScriptedWriter> brake_;
  int written_ = 0;
};

TEST_P(MariadbDeath, InAnyPhaseTheDatabaseGoesOnAndNoLockIsLeft) {
  for (const char* const phase : {"PrepareForSnapshot", "Freeze", "Thaw", "PostSnapshot"}) {
    SCOPED_TRACE(phase);
    const FreezeGuard guard = volumes_.guard(120s);
    log_.clear();
    brake_->on(phase, Reaction::block());
    Creation creation = begin_set();
    ASSERT_TRUE(log_.wait_for(phase));
    const bool has_lock = std::string(phase) != "PostSnapshot";
    const bool is_blocked = has_lock && std::string(phase) != "PrepareForSnapshot";
    if (has_lock) {
      EXPECT_TRUE(wait_until([&] { return answer(kWritersSessions) != "0"; }, 10s)) << writer_->output();
    }
    if (is_blocked) {
      EXPECT_FALSE(can_be_written()) << "blind: nothing is blocked";
    }
    kill(GetParam().victim, creation);
    const auto killed = std::chrono::steady_clock::now();
    EXPECT_TRUE(wait_until([&] { return can_be_written(); }, kWriteLimit)) << writer_->output();
    std::printf("%s: written again after %lld ms\n", phase,
                static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                           std::chrono::steady_clock::now() - killed)
                                           .count()));
    brake_->unblock();
    brake_->on(phase, Reaction::ok());
    const bool loses_it = GetParam().victim == Victim::Server || GetParam().victim == Victim::Writer;
    if (loses_it && has_lock) {
      EXPECT_NE(failure(creation), "") << "a lock that was lost passes for a good one";
    }
    creation.end();
    EXPECT_TRUE(wait_until([&] { return answer(kWritersSessions) == "0"; }, kWriteLimit));
    EXPECT_EQ(answer("BACKUP STAGE START"), "") << "a stage is left";

    if (GetParam().victim == Victim::Vssd) vssd_->restart();
    if (GetParam().victim == Victim::Writer) start_writer(kWriters);
    ASSERT_TRUE(wait_until([&] { return writer_count() == kWriters; }, 30s)) << "a writer did not come back";
    // The set of a dead requester is undone in the background.
    Made made;
    EXPECT_TRUE(wait_until(
        [&] {
          made = make_set_of_server(members(), {"brake"});
          return made.error != "SnapshotSetInProgress";
        },
        20s));
    ASSERT_EQ(made.error, "") << made.message;
    EXPECT_EQ(metadata_of(made).at("consistency"),
              GetParam().one_instant ? "backup-stage-atomic" : "standstill");
    EXPECT_EQ(made.release(), "");
    EXPECT_EQ(leftovers(), std::vector<std::string>());
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Victims, MariadbDeath,
                         testing::Values(Row{"server", Victim::Server, true},
                                         Row{"writer", Victim::Writer, true},
                                         Row{"requester", Victim::Requester, true},
                                         Row{"vssd", Victim::Vssd, true},
                                         Row{"server_at_a_standstill", Victim::Server, false},
                                         Row{"writer_at_a_standstill", Victim::Writer, false},
                                         Row{"requester_at_a_standstill", Victim::Requester, false},
                                         Row{"vssd_at_a_standstill", Victim::Vssd, false}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace vss::test
