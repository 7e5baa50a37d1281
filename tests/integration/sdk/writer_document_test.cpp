// SPDX-License-Identifier: LGPL-2.1-or-later
// The document of the components on its way to the handlers and back, and restores, on a real bus.
#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/integration/sdk/writer_on_bus.hpp"

namespace vss::test {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class WriterAndDocument : public WriterOnBus {
 protected:
  // Of one component, or a list of them.
  static Dictionary document(const json& components, Dictionary args = {}) {
    const json list = components.is_array() ? components : json::array({components});
    args["document"] = sdbus::Variant(json{{"components", list}}.dump());
    return args;
  }
  // What the writer has set.
  static json edits(const Dictionary& answer) {
    const std::string text = at<std::string>(answer, "document");
    return text.empty() ? json() : json::parse(text).at("components");
  }
};

const json kComponent = {{"logical_path", "db"},
                         {"name", "main"},
                         {"type", "database"},
                         {"backup_options", "fast"},
                         {"previous_backup_stamp", "41"}};

TEST_F(WriterAndDocument, WhatTheRequesterSaidReachesTheHandlersAndWhatTheyFindReachesVssd) {
  writer_.behaviours["prepare_backup"] = [](Session& session) {
    ASSERT_TRUE(session.is_partial_file_support_enabled());
    ASSERT_TRUE(session.is_bootable_system_state_backed_up());
    Component component = session.components().at(1);
    EXPECT_EQ(component.logical_path + "/" + component.name, "db/main");
    EXPECT_EQ(component.type(), VSS_COMPONENT_DATABASE);
    EXPECT_EQ(component.backup_options() + component.previous_backup_stamp(), "fast41");
    component.set_backup_stamp("42");
    component.set_backup_metadata("\xC3\xA4");
    component.add_partial_file({"/srv/db", "main.ibd", "0:4096", "page 0"});
    component.add_differenced_file({"/srv/db", "*.log", true, 1700000000});
  };
  // Nothing is sent with it: what was set before is still known.
  writer_.behaviours["prepare_snapshot"] = [](Session& session) {
    EXPECT_EQ(session.components().at(1).backup_stamp(), "42");
  };
  writer_.behaviours["post_snapshot"] = [](Session& session) {
    Component component = session.components().at(0);
    EXPECT_EQ(component.partial_files().size(), 1U);
    component.add_partial_file({"/srv/db", "main.ibd", "8192:4096"});
    component.set_restore_metadata("r");
  };
  writer_.behaviours["backup_complete"] = [](Session& session) {
    Component component = session.components().at(0);
    EXPECT_TRUE(component.succeeded);
    EXPECT_THROW(component.set_backup_stamp("43"), Error) << "the document is read-only";
    EXPECT_EQ(component.backup_stamp(), "42");
  };
  begin();
  const json other = {{"logical_path", ""}, {"name", "other"}};
  const Dictionary prepared =
      send("PrepareForBackup", kSession, kNull,
           document(json::array({other, kComponent}), {{"partial_file_support", sdbus::Variant(true)},
                                          {"bootable_system_state", sdbus::Variant(true)}}));
  EXPECT_EQ(prepared.size(), 1U) << "success, and a document";
  const json partial = {
      {"path", "/srv/db"}, {"file_name", "main.ibd"}, {"ranges", "0:4096"}, {"metadata", "page 0"}};
  const json expected = {
      {"logical_path", "db"},
      {"name", "main"},
      {"backup_stamp", "42"},
      {"backup_metadata", "\xC3\xA4"},
      {"partial_files", json::array({partial})},
      {"differenced_files",
       {{{"path", "/srv/db"}, {"spec", "*.log"}, {"recursive", true}, {"last_modified", 1700000000}}}}};
  EXPECT_EQ(edits(prepared), json::array({expected}));
  send_all({"PrepareForSnapshot", "Freeze", "Thaw"});
  const Dictionary done = send("PostSnapshot", kSession, kSet, document(expected));
  json second = partial;
  second["ranges"] = "8192:4096";
  second["metadata"] = "";
  EXPECT_EQ(edits(done), json::array({{{"logical_path", "db"},
                                       {"name", "main"},
                                       {"restore_metadata", "r"},
                                       {"partial_files", {partial, second}}}}));
  json saved = expected;
  saved["backup_succeeded"] = true;
  EXPECT_THAT(send("BackupComplete", kSession, kSet, document(saved)), IsEmpty());
}

TEST_F(WriterAndDocument, TheFailureOfAComponentGoesAlongWithThatOfTheWriter) {
  writer_.behaviours["prepare_backup"] = [](Session& session) {
    Component component = session.components().at(0);
    component.fail(VSS_E_WRITER_RETRYABLE, "index damaged", 7);
    component.set_prepare_for_backup_failure("run repair");
    session.fail(VSS_E_WRITER_PARTIAL_FAILURE, "one of one");
  };
  begin();
  const Dictionary answer = send("PrepareForBackup", kSession, kNull, document(kComponent));
  EXPECT_EQ(at<std::string>(answer, "failure"), "WriterPartialFailure");
  EXPECT_FALSE(at<bool>(answer, "veto"));
  EXPECT_EQ(edits(answer).at(0)["failure"],
            json({{"error", "WriterRetryable"}, {"application_code", 7}, {"message", "index damaged"}}));
  EXPECT_EQ(edits(answer).at(0)["prepare_for_backup_failure"], "run repair");
}

TEST_F(WriterAndDocument, TheDocumentWinsOverTheListOfNames) {
  using Names = std::vector<std::map<std::string, std::string>>;
  Strings seen;
  writer_.behaviours["prepare_backup"] = [&](Session& session) {
    for (const Component& component : session.components()) seen.push_back(component.name);
  };
  begin();
  const Dictionary names = {
      {"components", sdbus::Variant(Names{{{"logical_path", ""}, {"name", "simple"}}})}};
  send("PrepareForBackup", kSession, kNull, names);
  send("PrepareForBackup", kOtherSession, kNull, document(kComponent, names));
  EXPECT_THAT(seen, ElementsAre("simple", "main"));
}

TEST_F(WriterAndDocument, AMalformedDocumentIsRefusedAndNothingHasHappened) {
  begin();
  const std::vector<sdbus::Variant> documents = {
      sdbus::Variant(std::string()),
      sdbus::Variant(std::string("{\"components\":[{}]}")),
      sdbus::Variant(std::string(1000000, '[')),
      sdbus::Variant(std::string((4 << 20) + 1, ' ')),
      sdbus::Variant(7),
  };
  for (std::size_t i = 0; i < documents.size(); ++i) {
    EXPECT_EQ(send_error("PrepareForBackup", kSession, {{"document", documents[i]}}),
              "org.vssd.Vss1.Error.InvalidArgument")
        << i;
  }
  EXPECT_EQ(send_error("PreRestore", kSession, {{"restore_type", sdbus::Variant(std::string("magic"))}}),
            "org.vssd.Vss1.Error.InvalidArgument");
  try {
    send("PrepareForBackup", kSession, kNull, document({{"logical_path", ""}, {"name", 7}}));
    FAIL() << "a name that is a number was taken";
  } catch (const sdbus::Error& error) {
    EXPECT_THAT(error.getMessage(), HasSubstr("/components/0/name: a string is needed"));
  }
  EXPECT_THAT(writer_.events(), IsEmpty());
  send_all({"PrepareForBackup"});
}

TEST_F(WriterAndDocument, ARestoreTellsTheWriterAllAndTakesItsWishes) {
  writer_.behaviours["pre_restore"] = [](Session& session) {
    EXPECT_EQ(session.restore_type(), VSS_RESTORE_BY_COPY);
    EXPECT_EQ(session.backup_type() + " " + session.context(), "incremental backup");
    EXPECT_THROW((void)session.set_id(), Error);
    EXPECT_THROW((void)session.is_partial_file_support_enabled(), Error);
    Component component = session.components().at(0);
    EXPECT_TRUE(component.is_selected_for_restore());
    EXPECT_TRUE(component.has_additional_restores());
    EXPECT_TRUE(component.is_authoritative_restore());
    EXPECT_EQ(component.restore_options() + component.restore_name(), "carefullynew");
    EXPECT_EQ(component.roll_forward().type, VSS_ROLL_FORWARD_PARTIAL);
    EXPECT_EQ(component.roll_forward().point, "noon");
    EXPECT_EQ(component.restore_subcomponents().at(0).second, "table");
    EXPECT_EQ(component.new_targets().at(0).destination, "/srv/new");
    component.set_restore_target(VSS_RESTORE_TARGET_DIRECTED);
    component.add_directed_target({"/srv/db", "a", "0:10", "/srv/db", "b", "5:10"});
    EXPECT_EQ(component.directed_targets().size(), 1U);
  };
  writer_.behaviours["post_restore"] = [](Session& session) {
    Component component = session.components().at(0);
    EXPECT_EQ(component.file_restore_status(), VSS_FILES_RESTORED_FAILED);
    EXPECT_EQ(component.alternate_location_mappings().at(0).destination, "/srv/alternate");
    EXPECT_EQ(component.restore_target(), VSS_RESTORE_TARGET_ALTERNATE);
    EXPECT_THROW(component.set_restore_target(VSS_RESTORE_TARGET_ORIGINAL), Error);
    component.set_post_restore_failure("half of it");
    throw Veto(VSS_E_WRITER_NON_RETRYABLE, "not all files came back");
  };
  begin();
  const Dictionary about = {{"restore_type", sdbus::Variant(std::string("by-copy"))},
                            {"backup_type", sdbus::Variant(std::string("incremental"))},
                            {"context", sdbus::Variant(std::string("backup"))}};
  json component = kComponent;
  component.update({{"selected_for_restore", true},
                    {"additional_restores", true},
                    {"authoritative_restore", true},
                    {"restore_options", "carefully"},
                    {"restore_name", "new"},
                    {"roll_forward", {{"type", "partial"}, {"point", "noon"}}},
                    {"restore_subcomponents", {{{"logical_path", "db/main"}, {"name", "table"}}}},
                    {"new_targets", {{{"path", "/srv/db"}, {"spec", "*"}, {"destination", "/srv/new"}}}}});
  const json wishes = edits(send("PreRestore", kSession, kNull, document(component, about)));
  EXPECT_EQ(wishes, json::array({{{"logical_path", "db"},
                                  {"name", "main"},
                                  {"restore_target", "directed"},
                                  {"directed_targets",
                                   {{{"source_path", "/srv/db"},
                                     {"source_file", "a"},
                                     {"source_ranges", "0:10"},
                                     {"destination_path", "/srv/db"},
                                     {"destination_file", "b"},
                                     {"destination_ranges", "5:10"}}}}}}));
  component.update(
      {{"file_restore_status", "failed"},
       {"restore_target", "alternate"},
       {"alternate_location_mappings",
        {{{"path", "/srv/db"}, {"spec", "*"}, {"recursive", true}, {"destination", "/srv/alternate"}}}}});
  const Dictionary answer = send("PostRestore", kSession, kNull, document(component, about));
  EXPECT_TRUE(at<bool>(answer, "veto"));
  EXPECT_EQ(edits(answer).at(0)["post_restore_failure"], "half of it");
  EXPECT_THAT(send("RestoreShutdown", kSession, kNull), IsEmpty());
  expect_events({"pre_restore:aaaaaaaa", "post_restore:aaaaaaaa", "restore_shutdown:aaaaaaaa"});
}

TEST_F(WriterAndDocument, ARestoreInTheWrongOrderIsACleanError) {
  begin();
  EXPECT_EQ(send_error("PostRestore"), "org.vssd.Vss1.Error.ObjectNotFound");
  EXPECT_EQ(send_error("RestoreShutdown"), "org.vssd.Vss1.Error.ObjectNotFound");
  send_all({"PreRestore"});
  for (const char* event : {"PreRestore", "Abort", "BackupShutdown", "PrepareForBackup", "Freeze"}) {
    EXPECT_EQ(send_error(event), "org.vssd.Vss1.Error.BadState") << event;
  }
  send_all({"RestoreShutdown"});
  EXPECT_EQ(send_error("PostRestore"), "org.vssd.Vss1.Error.ObjectNotFound");
  expect_events({"pre_restore:aaaaaaaa", "restore_shutdown:aaaaaaaa"});
}

TEST_F(WriterAndDocument, WhenVssdDiesARestoreIsShutDownWithoutAbort) {
  begin();
  send_all({"PreRestore"});
  coordinator_.reset();
  expect_events({"pre_restore:aaaaaaaa", "restore_shutdown:aaaaaaaa"});
  coordinator_ = std::make_unique<FakeCoordinator>();
  registration_ = coordinator_->registration();
  EXPECT_EQ(send_error("PostRestore"), "org.vssd.Vss1.Error.ObjectNotFound");
  send_all({"PreRestore", "PostRestore", "RestoreShutdown"});
}

TEST_F(WriterAndDocument, ABackupAndARestoreAtOnceEndEachInItsOwnWay) {
  begin();
  send_all({"PrepareForBackup", "PrepareForSnapshot"});
  send("PreRestore", kOtherSession, kNull);
  subscription_->unsubscribe();
  EXPECT_THAT(
      writer_.events(),
      ElementsAre("prepare_backup:aaaaaaaa", "prepare_snapshot:aaaaaaaa", "pre_restore:bbbbbbbb",
                  "abort:aaaaaaaa", "backup_shutdown:aaaaaaaa:11111111", "restore_shutdown:bbbbbbbb"));
}

// The first set was not made, the second is still under way: BackupShutdown does not mix them up.
TEST_F(WriterAndDocument, OverlappingOperationsEndWithTheirOwnSets) {
  begin();
  send("PrepareForBackup", kSession, kNull);
  send("PrepareForBackup", kOtherSession, kNull);
  send("PrepareForSnapshot", kOtherSession, kOtherSet);
  send("Freeze", kOtherSession, kOtherSet);
  send("BackupShutdown", kSession, kNull);
  send("Thaw", kOtherSession, kOtherSet);
  send("PostSnapshot", kOtherSession, kOtherSet);
  send("BackupShutdown", kOtherSession, kOtherSet);
  Strings ended;
  for (const std::string& event : writer_.events()) {
    if (event.starts_with("backup_shutdown")) ended.push_back(event);
  }
  EXPECT_THAT(ended, ElementsAre("backup_shutdown:aaaaaaaa:00000000", "backup_shutdown:bbbbbbbb:22222222"));
}

TEST_F(WriterAndDocument, ALongHandlerLearnsThatTheWriterIsBeingStopped) {
  std::atomic<bool> before = true;
  std::atomic<bool> learnt = false;
  std::atomic<bool> running = false;
  writer_.behaviours["prepare_snapshot"] = [&](Session& session) {
    before = session.is_writer_shutting_down();
    running = true;
    learnt = wait_until([&] { return session.is_writer_shutting_down(); }, kLimit);
    throw Veto(VSS_E_WRITER_NON_RETRYABLE, "the service stops");
  };
  begin();
  send_all({"PrepareForBackup"});
  std::string refusal;
  std::thread vssd([&] {
    try {
      refusal = at<std::string>(send("PrepareForSnapshot"), "message");
    } catch (const sdbus::Error& error) {
      refusal = error.getName();
    }
  });
  EXPECT_TRUE(wait_until([&] { return running.load(); }, kLimit));
  subscription_->unsubscribe();
  vssd.join();
  EXPECT_FALSE(before);
  EXPECT_TRUE(learnt);
  EXPECT_EQ(refusal, "the service stops");
}

TEST_F(WriterAndDocument, RegistrationSaysWhatIsNotTheDefault) {
  RecordingWriter writer({.name = "restorer",
                          .class_id = kClassId,
                          .subscribe = VSS_SUBSCRIBE_RESTORE,
                          .usage = VSS_USAGE_USER_DATA,
                          .source = VSS_SOURCE_TRANSACTED_DATABASE});
  coordinator_ = std::make_unique<FakeCoordinator>();
  const Subscription subscription = writer.subscribe();
  registration_ = coordinator_->registration();
  EXPECT_THAT(at<Strings>(registration_.properties, "subscribe"), ElementsAre("restore"));
  EXPECT_EQ(at<std::string>(registration_.properties, "usage"), "user-data");
  EXPECT_EQ(at<std::string>(registration_.properties, "source"), "transacted-database");
  const auto document = json::parse(coordinator_->identify(registration_));
  EXPECT_EQ(document["writer"]["usage"], "user-data");
}

}  // namespace
}  // namespace vss::test
