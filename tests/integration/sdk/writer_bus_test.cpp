// SPDX-License-Identifier: LGPL-2.1-or-later
// The SDK on a real bus, against a coordinator that does what the test says.
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/integration/sdk/writer_on_bus.hpp"

namespace vss::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const Strings kUntilFreeze = {"PrepareForBackup", "PrepareForSnapshot", "Freeze"};

TEST_F(WriterOnBus, RegistersWithWhatTheConfigurationSays) {
  begin();
  EXPECT_EQ(at<std::string>(registration_.properties, "name"), "recorder");
  EXPECT_EQ(at<std::string>(registration_.properties, "class_id"), kClassId);
  EXPECT_EQ(at<std::string>(registration_.properties, "level"), "front-end");
  EXPECT_EQ(at<std::uint32_t>(registration_.properties, "freeze_timeout"), 60000U);
  for (const char* key : {"subscribe", "usage", "source"}) {
    EXPECT_EQ(registration_.properties.count(key), 0U) << key << " has its default";
  }
  EXPECT_TRUE(wait_until([&] { return !writer_.states().empty(); }, kLimit));
  EXPECT_THAT(writer_.states(), Contains(StartsWith("registered")));
}

TEST_F(WriterOnBus, EveryEventReachesItsHandlerInOrder) {
  begin();
  send_all({"PrepareForBackup", "PrepareForSnapshot", "Freeze", "Thaw", "PostSnapshot", "BackupComplete",
            "BackupShutdown"});
  expect_events({"prepare_backup:aaaaaaaa", "prepare_snapshot:aaaaaaaa", "freeze:aaaaaaaa", "thaw:aaaaaaaa",
                 "post_snapshot:aaaaaaaa", "backup_complete:aaaaaaaa", "backup_shutdown:aaaaaaaa:11111111"});
}

TEST_F(WriterOnBus, IdentifyAnswersTheMetadataDocument) {
  begin();
  const auto document = nlohmann::json::parse(coordinator_->identify(registration_));
  EXPECT_EQ(document["version"], 1);
  EXPECT_EQ(document["writer"]["class_id"], kClassId);
  EXPECT_EQ(document["components"][0]["files"][0]["path"], "/srv/db");
  EXPECT_EQ(document["exclude_files"][0]["path"], "/srv/db/tmp");
}

TEST_F(WriterOnBus, AVetoCarriesCodeAndMessage) {
  writer_.behaviours["freeze"] = [](Session&) { throw Veto(VSS_E_WRITER_RETRYABLE, "busy", 42); };
  begin();
  send_all({"PrepareForBackup", "PrepareForSnapshot"});
  const Dictionary answer = send("Freeze");
  EXPECT_EQ(at<std::string>(answer, "failure"), "WriterRetryable");
  EXPECT_EQ(at<std::int32_t>(answer, "application_code"), 42);
  EXPECT_EQ(at<std::string>(answer, "message"), "busy");
  EXPECT_TRUE(at<bool>(answer, "veto"));
}

TEST_F(WriterOnBus, AFailureWithoutVetoLetsTheSequenceGoOn) {
  writer_.behaviours["freeze"] = [](Session& session) { session.fail(VSS_E_WRITER_PARTIAL_FAILURE, "half"); };
  begin();
  send_all({"PrepareForBackup", "PrepareForSnapshot"});
  const Dictionary answer = send("Freeze");
  EXPECT_EQ(at<std::string>(answer, "failure"), "WriterPartialFailure");
  EXPECT_FALSE(at<bool>(answer, "veto"));
  send_all({"Thaw"});
}

TEST_F(WriterOnBus, AnExceptionInAHandlerIsAVetoWithItsText) {
  writer_.behaviours["prepare_backup"] = [](Session&) { throw std::runtime_error("broken \xff text"); };
  begin();
  const Dictionary answer = send("PrepareForBackup");
  EXPECT_EQ(at<std::string>(answer, "failure"), "WriterNonRetryable");
  EXPECT_THAT(at<std::string>(answer, "message"), StartsWith("broken "));
  EXPECT_TRUE(at<bool>(answer, "veto"));
}

TEST_F(WriterOnBus, TheEndOfTheWindowAbortsByItselfAndALateThawIsRefused) {
  begin();
  send_all({"PrepareForBackup", "PrepareForSnapshot"});
  EXPECT_THAT(send("Freeze", kSession, kSet, {{"window", sdbus::Variant(std::uint32_t{50})}}), ElementsAre());
  const Strings aborted = {"prepare_backup:aaaaaaaa", "prepare_snapshot:aaaaaaaa", "freeze:aaaaaaaa",
                           "abort:aaaaaaaa"};
  expect_events(aborted);
  const Dictionary answer = send("Thaw");
  EXPECT_EQ(at<std::string>(answer, "failure"), "WriterTimeout");
  EXPECT_TRUE(at<bool>(answer, "veto"));
  send_all({"Abort"});
  EXPECT_EQ(writer_.events(), aborted);
}

TEST_F(WriterOnBus, AFreezeThatOutlivesItsWindowIsRefusedAndAbortedAfterwards) {
  std::atomic<bool> released = false;
  writer_.behaviours["freeze"] = [&](Session&) { (void)wait_until([&] { return released.load(); }, kLimit); };
  begin();
  send_all({"PrepareForBackup", "PrepareForSnapshot"});
  std::thread release([&] {
    ::poll(nullptr, 0, 150);
    released = true;
  });
  const Dictionary answer = send("Freeze", kSession, kSet, {{"window", sdbus::Variant(std::uint32_t{50})}});
  release.join();
  EXPECT_EQ(at<std::string>(answer, "failure"), "WriterTimeout");
  EXPECT_TRUE(at<bool>(answer, "veto"));
  expect_events(
      {"prepare_backup:aaaaaaaa", "prepare_snapshot:aaaaaaaa", "freeze:aaaaaaaa", "abort:aaaaaaaa"});
}

TEST_F(WriterOnBus, WhenVssdDiesAFrozenWriterAbortsAtOnceAndRegistersWhenItIsBack) {
  begin();
  send_all(kUntilFreeze);
  const auto died = std::chrono::steady_clock::now();
  coordinator_.reset();
  expect_events({"prepare_backup:aaaaaaaa", "prepare_snapshot:aaaaaaaa", "freeze:aaaaaaaa", "abort:aaaaaaaa",
                 "backup_shutdown:aaaaaaaa:11111111"});
  EXPECT_LT(std::chrono::steady_clock::now() - died, std::chrono::seconds(5));
  coordinator_ = std::make_unique<FakeCoordinator>();
  registration_ = coordinator_->registration();
  EXPECT_EQ(send_error("Thaw"), "org.vssd.Vss1.Error.ObjectNotFound");
  send_all({"PrepareForBackup"});
}

TEST_F(WriterOnBus, AfterPostSnapshotTheDeathOfVssdIsNoAbort) {
  begin();
  send_all({"PrepareForBackup", "PrepareForSnapshot", "Freeze", "Thaw", "PostSnapshot"});
  coordinator_.reset();
  expect_events({"prepare_backup:aaaaaaaa", "prepare_snapshot:aaaaaaaa", "freeze:aaaaaaaa", "thaw:aaaaaaaa",
                 "post_snapshot:aaaaaaaa", "backup_shutdown:aaaaaaaa:11111111"});
}

TEST_F(WriterOnBus, WhenTheBusDiesAFrozenWriterAbortsAndRegistersOnTheNextBus) {
  begin();
  send_all(kUntilFreeze);
  bus_.stop();
  expect_events({"prepare_backup:aaaaaaaa", "prepare_snapshot:aaaaaaaa", "freeze:aaaaaaaa", "abort:aaaaaaaa",
                 "backup_shutdown:aaaaaaaa:11111111"});
  coordinator_.reset();
  bus_.start();
  coordinator_ = std::make_unique<FakeCoordinator>();
  registration_ = coordinator_->registration();
  send_all({"PrepareForBackup"});
}

TEST_F(WriterOnBus, AWriterMayBeStartedBeforeTheBusAndBeforeVssd) {
  bus_.stop();
  subscription_ = std::make_unique<Subscription>(writer_.subscribe());
  EXPECT_TRUE(wait_until([&] { return writer_.states().size() == 1; }, kLimit));
  EXPECT_THAT(writer_.states().front(), StartsWith("unregistered"));
  bus_.start();
  coordinator_ = std::make_unique<FakeCoordinator>();
  registration_ = coordinator_->registration();
  send_all({"PrepareForBackup"});
}

TEST_F(WriterOnBus, OnlyTheOwnerOfTheNameMayCall) {
  begin();
  FakeCoordinator stranger(false);
  try {
    stranger.send(registration_, "PrepareForBackup", kSession, kSet);
    FAIL() << "a stranger was let in";
  } catch (const sdbus::Error& error) {
    EXPECT_EQ(error.getName(), "org.vssd.Vss1.Error.AccessDenied");
  }
  EXPECT_THROW(stranger.identify(registration_), sdbus::Error);
  EXPECT_THAT(writer_.events(), ElementsAre());
}

TEST_F(WriterOnBus, AStrangerIsRefusedAtOnceWhileAHandlerRuns) {
  std::atomic<bool> released = false;
  writer_.behaviours["freeze"] = [&](Session&) { (void)wait_until([&] { return released.load(); }, kLimit); };
  begin();
  send_all({"PrepareForBackup", "PrepareForSnapshot"});
  std::thread freeze([&] { send("Freeze"); });
  EXPECT_TRUE(wait_until([&] { return writer_.events().size() == 3; }, kLimit));
  FakeCoordinator stranger(false);
  EXPECT_THROW(stranger.identify(registration_), sdbus::Error);
  EXPECT_FALSE(released);
  released = true;
  freeze.join();
}

TEST_F(WriterOnBus, TwoSessionsAtOnceKeepTheirSetIds) {
  Strings set_ids;
  const auto note_set = [&](Session& session) {
    set_ids.push_back(session.id().substr(0, 1) + session.set_id().substr(0, 1));
  };
  for (const char* event : {"freeze", "thaw", "post_snapshot"}) writer_.behaviours[event] = note_set;
  begin();
  for (const char* event : {"PrepareForBackup", "PrepareForSnapshot", "Freeze"}) {
    send(event, kSession, kSet);
    send(event, kOtherSession, kOtherSet);
  }
  for (const char* event : {"Thaw", "PostSnapshot"}) {
    send(event, kOtherSession, kOtherSet);
    send(event, kSession, kSet);
  }
  send("BackupShutdown", kOtherSession, kOtherSet);
  send("BackupShutdown", kSession, kSet);
  EXPECT_THAT(set_ids, ElementsAre("a1", "b2", "b2", "a1", "b2", "a1"));
  const Strings events = writer_.events();
  EXPECT_THAT(events, Contains("backup_shutdown:bbbbbbbb:22222222"));
  EXPECT_THAT(events, Contains("backup_shutdown:aaaaaaaa:11111111"));
}

TEST_F(WriterOnBus, TheSetIdIsOnlyToBeHadWhereItMeansSomething) {
  writer_.behaviours["prepare_backup"] = [](Session& session) { (void)session.set_id(); };
  writer_.behaviours["freeze"] = [](Session& session) { (void)session.shutdown_set_id(); };
  begin();
  EXPECT_TRUE(at<bool>(send("PrepareForBackup"), "veto"));
  EXPECT_TRUE(send("PrepareForSnapshot").empty());
  EXPECT_TRUE(at<bool>(send("Freeze"), "veto"));
}

TEST_F(WriterOnBus, TheHandlersSeeWhatTheEventsCarry) {
  using Components = std::vector<std::map<std::string, std::string>>;
  std::string seen;
  writer_.behaviours["post_snapshot"] = [&](Session& session) {
    seen += session.volumes().at(0) + " " + session.snapshot_path("/srv") + " " + session.backup_type() + " ";
    EXPECT_THROW((void)session.snapshot_path("/home"), Error);
  };
  writer_.behaviours["backup_complete"] = [&](Session& session) {
    const auto components = session.components();
    seen += components.at(0).name + (components.at(0).succeeded ? " good" : " bad");
  };
  begin();
  send("PrepareForBackup", kSession, kNull, {{"backup_type", sdbus::Variant(std::string("full"))}});
  send("PrepareForSnapshot", kSession, kSet, {{"volumes", sdbus::Variant(Strings{"/srv"})}});
  send_all({"Freeze", "Thaw"});
  send("PostSnapshot", kSession, kSet,
       {{"snapshots", sdbus::Variant(std::map<std::string, std::string>{{"/srv", "/run/vssd/x"}})}});
  send("BackupComplete", kSession, kSet,
       {{"components",
         sdbus::Variant(Components{{{"logical_path", ""}, {"name", "main"}, {"succeeded", "true"}}})}});
  EXPECT_EQ(seen, "/srv /run/vssd/x full main good");
}

TEST_F(WriterOnBus, WrongOrderAndUnknownSessionsAreCleanErrors) {
  begin();
  EXPECT_EQ(send_error("Freeze"), "org.vssd.Vss1.Error.ObjectNotFound");
  EXPECT_EQ(send_error("BackupShutdown"), "org.vssd.Vss1.Error.ObjectNotFound");
  send_all({"PrepareForBackup"});
  EXPECT_EQ(send_error("Thaw"), "org.vssd.Vss1.Error.BadState");
  EXPECT_EQ(send_error("PrepareForBackup"), "org.vssd.Vss1.Error.BadState");
  EXPECT_EQ(send_error("PrepareForBackup", "no guid"), "org.vssd.Vss1.Error.InvalidArgument");
  EXPECT_THROW(send("PrepareForSnapshot", kSession, kSet, {{"volumes", sdbus::Variant(7)}}), sdbus::Error);
  expect_events({"prepare_backup:aaaaaaaa"});
}

TEST_F(WriterOnBus, AShutdownOfAFrozenWriterAbortsItFirst) {
  begin();
  send_all(kUntilFreeze);
  send_all({"BackupShutdown"});
  expect_events({"prepare_backup:aaaaaaaa", "prepare_snapshot:aaaaaaaa", "freeze:aaaaaaaa", "abort:aaaaaaaa",
                 "backup_shutdown:aaaaaaaa:11111111"});
}

TEST_F(WriterOnBus, ARefusedRegistrationIsReportedAndTriedAgain) {
  coordinator_ = std::make_unique<FakeCoordinator>();
  coordinator_->refuse_with("org.vssd.Vss1.Error.AccessDenied");
  subscription_ = std::make_unique<Subscription>(writer_.subscribe());
  EXPECT_TRUE(wait_until([&] { return coordinator_->refusals() >= 2; }, kLimit));
  coordinator_->refuse_with("");
  (void)coordinator_->registration();
  EXPECT_TRUE(wait_until([&] { return writer_.states().size() == 2; }, kLimit));
  EXPECT_THAT(writer_.states(), ElementsAre(StartsWith("refused: not here"), StartsWith("registered")));
}

TEST_F(WriterOnBus, ARegistrationWhoseAnswerWasLostIsMadeAgainOnANewConnection) {
  coordinator_ = std::make_unique<FakeCoordinator>();
  coordinator_->refuse_with("org.vssd.Vss1.Error.WriterAlreadySubscribed");
  subscription_ = std::make_unique<Subscription>(writer_.subscribe());
  EXPECT_TRUE(wait_until([&] { return coordinator_->refusals() >= 1; }, kLimit));
  coordinator_->refuse_with("");
  registration_ = coordinator_->registration();
  send_all({"PrepareForBackup"});
}

TEST_F(WriterOnBus, StoppingAFrozenWriterAbortsAndUnregisters) {
  begin();
  send_all(kUntilFreeze);
  subscription_->unsubscribe();
  EXPECT_EQ(writer_.events().at(3), "abort:aaaaaaaa");
  EXPECT_EQ(writer_.events().at(4), "backup_shutdown:aaaaaaaa:11111111");
  EXPECT_TRUE(wait_until([&] { return coordinator_->registrations().empty(); }, kLimit));
}

// Thaw arrives about when the window ends: whoever wins, exactly one handler runs and the answer says which.
TEST_F(WriterOnBus, ThawAndTheEndOfTheWindowNeverBothWin) {
  begin();
  int thawed = 0;
  for (int round = 0; round < 200; ++round) {
    char session[40];
    std::snprintf(session, sizeof session, "%08d-0000-4000-8000-000000000000", round);
    send("PrepareForBackup", session);
    send("PrepareForSnapshot", session);
    const bool refused =
        !send("Freeze", session, kSet, {{"window", sdbus::Variant(std::uint32_t{2})}}).empty();
    ::poll(nullptr, 0, round % 3);
    const bool accepted = send("Thaw", session).empty();
    thawed += accepted ? 1 : 0;
    send("BackupShutdown", session);
    const std::string id(session, 8);
    Strings expected = {"prepare_backup:" + id, "prepare_snapshot:" + id, "freeze:" + id,
                        (accepted ? "thaw:" : "abort:") + id, "backup_shutdown:" + id + ":11111111"};
    const Strings all = writer_.events();
    // On a busy machine the window may end before the handler of Freeze could begin; then it does not begin.
    if (refused && std::ranges::find(all, "freeze:" + id) == all.end()) expected.erase(expected.begin() + 2);
    ASSERT_GE(all.size(), expected.size());
    ASSERT_EQ(Strings(all.end() - static_cast<std::ptrdiff_t>(expected.size()), all.end()), expected);
  }
  RecordProperty("thawed", thawed);
}

TEST_F(WriterOnBus, AHostLoopRunsTheHandlersOnTheHostsThread) {
  std::atomic<bool> done = false;
  std::thread::id handler_thread;
  std::thread::id host_thread;
  RecordingWriter writer({.name = "host", .class_id = kClassId, .flags = VSS_WRITER_HOST_LOOP});
  writer.behaviours["freeze"] = [&](Session&) { handler_thread = std::this_thread::get_id(); };
  coordinator_ = std::make_unique<FakeCoordinator>();
  std::thread host([&] {
    host_thread = std::this_thread::get_id();
    auto subscription = writer.subscribe();
    while (!done) {
      pollfd fd{subscription.fd(), POLLIN, 0};
      if (::poll(&fd, 1, 20) > 0) subscription.dispatch();
    }
  });
  registration_ = coordinator_->registration();
  send_all({"PrepareForBackup", "PrepareForSnapshot"});
  send("Freeze", kSession, kSet, {{"window", sdbus::Variant(std::uint32_t{30})}});
  EXPECT_TRUE(wait_until([&] { return writer.events().size() == 4; }, kLimit));
  EXPECT_EQ(writer.events().back(), "abort:aaaaaaaa");
  done = true;
  host.join();
  EXPECT_EQ(handler_thread, host_thread);
}

}  // namespace
}  // namespace vss::test
