// SPDX-License-Identifier: LGPL-2.1-or-later
// Failures of writers are history: listed, forgotten on demand, and in nobody's way. vss.md 8.2 P1, P2.

#include <unistd.h>

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class WriterHistory : public DaemonTest {
 protected:
  WriterHistory() { start(); }

  Dicts failures(const std::string& instance = "") {
    return requester_.manager<Dicts>("ListWriterFailures", instance).value();
  }
  Dict only_writer() { return requester_.manager<Dicts>("ListWriters").value().at(0); }
  std::string instance() { return get<std::string>(only_writer(), "instance_id"); }
  bool wait_for_writers(std::size_t count) {
    return wait_until([&] { return requester_.manager<Dicts>("ListWriters").value().size() == count; },
                      std::chrono::seconds(20));
  }
  // A whole operation up to `last`, released; the state of the writer at its end.
  std::string backup(const std::string& last = "") {
    const Reply<> made = requester_.run_until(plan(), last);
    session_ = requester_.property("SessionId");
    const Dicts states = requester_.backup<Dicts>("GatherWriterStatus").value();
    EXPECT_EQ(name_of(requester_.backup("AbortBackup")), "");
    EXPECT_EQ(name_of(requester_.backup("Release")), "");
    return states.empty() ? "left out" : get<std::string>(states.front(), "state");
  }

  Requester requester_;
  std::string session_;
};

TEST_F(WriterHistory, AFailureIsKeptWithAllThatIsKnownOfIt) {
  add_writer("writer").on("Freeze", Reaction::veto(VSS_E_WRITER_RETRYABLE, "not now"));
  EXPECT_THAT(failures(), IsEmpty());
  EXPECT_EQ(backup(), "failed-at-freeze");
  const Dicts kept = failures(instance());
  ASSERT_THAT(kept, SizeIs(1));
  const Dict& failure = kept.front();
  EXPECT_EQ(get<std::string>(failure, "session_id"), session_);
  EXPECT_EQ(get<std::string>(failure, "event"), "Freeze");
  EXPECT_EQ(get<std::string>(failure, "failure"), "WriterRetryable");
  EXPECT_EQ(get<std::uint32_t>(failure, "failure_code"), 0x800423F3U);
  EXPECT_EQ(get<std::int32_t>(failure, "application_code"), 0);
  EXPECT_EQ(get<std::string>(failure, "message"), "not now");
  EXPECT_EQ(get<std::string>(failure, "name"), "writer");
  EXPECT_EQ(get<std::string>(failure, "class_id"), class_id_of("writer"));
  EXPECT_EQ(get<std::string>(failure, "instance_id"), instance());
  EXPECT_EQ(get<std::uint32_t>(failure, "pid"), static_cast<std::uint32_t>(::getpid()));
  EXPECT_EQ(get<std::string>(failure, "unit"), get<std::string>(only_writer(), "unit"));
  EXPECT_GT(get<std::uint64_t>(failure, "time"), 1'700'000'000U);
  EXPECT_EQ(get<std::string>(only_writer(), "last_failure"), "WriterRetryable: not now");
  EXPECT_EQ(get<std::string>(only_writer(), "last_failure_event"), "Freeze");
}

TEST_F(WriterHistory, AFailedWriterTakesPartInTheNextSessionAsStable) {
  ScriptedWriter& writer = add_writer("writer");
  for (const char* event : {"PrepareForBackup", "PrepareForSnapshot", "Freeze", "Thaw", "PostSnapshot"}) {
    SCOPED_TRACE(event);
    writer.on(event, Reaction::veto(VSS_E_WRITER_NON_RETRYABLE, "never"));
    EXPECT_THAT(backup(), HasSubstr("failed-at"));
    writer.on(event, Reaction::ok());
    EXPECT_EQ(backup("DoSnapshotSet"), "stable") << "before DoSnapshotSet";
    EXPECT_EQ(backup(), "waiting-for-backup-complete") << "after it";
  }
  EXPECT_THAT(failures(), SizeIs(5));
  expect_nothing_left();
}

TEST_F(WriterHistory, WhoIsLeftOutInIdentifyIsNamedWithTheReasonInTheWarningsOfTheSet) {
  add_writer("writer").on("Identify", Reaction::veto(VSS_E_WRITER_NON_RETRYABLE, "nobody answers"));
  ASSERT_TRUE(requester_.run_until(plan(), "DoSnapshotSet"));
  const Reply<Dict> made = requester_.backup<Dict>("DoSnapshotSet");
  ASSERT_TRUE(made);
  EXPECT_THAT(get<std::vector<std::string>>(*made, "warnings"),
              ElementsAre(AllOf(HasSubstr("writer writer is left out"), HasSubstr("nobody answers"))));
}

TEST_F(WriterHistory, TheLastSixteenOfAWriterAreKeptAcrossItsProcesses) {
  for (int i = 0; i < 20; ++i) {
    ScriptedWriter writer(log_, "writer");
    writer.on("PrepareForBackup", Reaction::veto(VSS_E_WRITER_RETRYABLE, std::to_string(i)));
    writer.start();
    ASSERT_TRUE(wait_for_writers(1)) << "the one before is gone";
    EXPECT_EQ(backup("DoSnapshotSet"), "failed-at-prepare-backup");
  }
  ASSERT_TRUE(wait_for_writers(0));
  const Dicts kept = failures();
  ASSERT_THAT(kept, SizeIs(16));
  EXPECT_EQ(get<std::string>(kept.front(), "message"), "4");
  EXPECT_EQ(get<std::string>(kept.back(), "message"), "19");
  EXPECT_THAT(failures(get<std::string>(kept[3], "instance_id")), SizeIs(16)) << "by an id of the past";
  add_writer("writer");
  EXPECT_THAT(failures(instance()), SizeIs(16));
  EXPECT_EQ(get<std::string>(only_writer(), "last_failure"), "WriterRetryable: 19");
}

TEST_F(WriterHistory, AWriterThatDiedOfItIsInTheHistory) {
  WriterProcess bad("bad", {{"Freeze", "exit"}});
  ASSERT_TRUE(wait_for_writers(1));
  backup();
  ASSERT_TRUE(wait_for_writers(0));
  const Dicts kept = failures();
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_EQ(get<std::string>(kept[0], "event"), "Freeze");
  EXPECT_EQ(get<std::uint32_t>(kept[0], "pid"), static_cast<std::uint32_t>(bad.pid()));
  EXPECT_EQ(name_of(requester_.manager("ResetWriter", get<std::string>(kept[0], "instance_id"))), "");
  EXPECT_THAT(failures(), IsEmpty());
}

TEST_F(WriterHistory, ResetForgetsAndTouchesNothingElse) {
  ScriptedWriter& writer = add_writer("writer");
  writer.on("PrepareForBackup", Reaction::veto(VSS_E_WRITER_RETRYABLE, "no"));
  Requester other;
  ASSERT_TRUE(other.run_until(plan(), "DoSnapshotSet"));
  const std::string id = instance();
  log_.clear();
  ASSERT_THAT(failures(), SizeIs(1));
  ASSERT_EQ(name_of(requester_.manager("ResetWriter", id)), "");
  EXPECT_THAT(failures(), IsEmpty());
  EXPECT_THAT(failures(id), IsEmpty());
  EXPECT_EQ(get<std::string>(only_writer(), "last_failure"), "");
  EXPECT_EQ(get<std::uint64_t>(only_writer(), "last_failure_time"), 0U);
  EXPECT_EQ(instance(), id) << "it is still registered";
  EXPECT_THAT(log_.all(), IsEmpty()) << "and was told nothing";
  const Dicts states = other.backup<Dicts>("GatherWriterStatus").value();
  EXPECT_EQ(get<std::string>(states.front(), "state"), "failed-at-prepare-backup") << "of its session";
}

TEST_F(WriterHistory, BadIdsAreErrors) {
  for (const char* method : {"ListWriterFailures", "ResetWriter"}) {
    EXPECT_EQ(name_of(requester_.manager(method, std::string("no guid"))), "InvalidArgument") << method;
    EXPECT_EQ(name_of(requester_.manager(method, std::string(kNullId))), "ObjectNotFound") << method;
  }
  EXPECT_EQ(name_of(requester_.manager("ResetWriter", std::string())), "InvalidArgument");
  Requester nobody(65534);
  EXPECT_TRUE(nobody.manager("ListWriterFailures", std::string())) << "everybody may look";
}

}  // namespace
}  // namespace vss::test
