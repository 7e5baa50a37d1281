// SPDX-License-Identifier: LGPL-2.1-or-later
// Restores: vss.md 1.5, against fakes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/fakes.hpp"

namespace vss::core {
namespace {
using fakes::Behaviour;
using fakes::World;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kAllSchemas = R"("new-target","restore-with-move","roll-forward-restore","restore-rename",)"
                                R"("authoritative-restore")";

std::string metadata(const std::string& schemas, const std::string& method) {
  return R"({"version":1,"backup_schema":[)" + schemas +
         R"(],"components":[)"
         R"({"logical_path":"","name":"data","selectable":true,"files":[{"path":"/v","spec":"*","recursive":true}]},)"
         R"({"logical_path":"data","name":"table","selectable_for_restore":true},)"
         R"({"logical_path":"data","name":"index","files":[{"path":"/v/index","spec":"*.i"}]}],)"
         R"("alternate_location_mappings":[{"path":"/v/log","spec":"*.log","destination":"/else"}])" +
         method + "}";
}

std::string with_method(const std::string& method, const std::string& writer_restore) {
  return R"(,"restore_method":{"method":")" + method + R"(","writer_restore":")" + writer_restore + "\"}";
}

class Restore : public testing::Test {
 protected:
  // A backup of the writer, saved.
  std::string backup(const std::string& document) {
    writer->document = document;
    const auto made = world.session();
    EXPECT_TRUE(made->set_backup_state({true, false, "full", false}));
    EXPECT_TRUE(world.await(made->gather_writer_metadata()));
    EXPECT_TRUE(made->add_component(writer->info().instance_id, {"", "data"}));
    EXPECT_TRUE(world.await(made->start_snapshot_set()));
    EXPECT_TRUE(world.await(made->add_to_snapshot_set("/v", "")));
    writer->answers["PrepareForBackup"] =
        R"({"components":[{"logical_path":"","name":"data","backup_stamp":"7",
        "partial_files":[{"path":"/v","file_name":"f","ranges":"0:9"}]}]})";
    EXPECT_TRUE(world.await(made->prepare_for_backup()));
    EXPECT_TRUE(world.await(made->do_snapshot_set()));
    EXPECT_TRUE(world.await(made->backup_complete()));
    std::string text = made->save_document().value();
    world.await(world.coordinator.release(made));
    writer->events.clear();
    return text;
  }
  void open(const std::string& text) {
    Result<RestoreDocument> parsed = RestoreDocument::parse(text);
    ASSERT_TRUE(parsed) << parsed.error().message;
    session = *world.coordinator.create_restore({":1.7", "test", 0, 1, ""}, std::move(*parsed));
  }
  void open_gathered(const std::string& text) {
    open(text);
    ASSERT_TRUE(world.await(session->gather_writer_metadata()));
  }
  [[nodiscard]] ComponentAddress data() const { return {{writer->info().class_id, ""}, {"", "data"}}; }
  [[nodiscard]] std::string component() { return session->get_writer_components(data().writer).value(); }
  static std::optional<ErrorCode> code(const Status& status) {
    return status ? std::nullopt : std::optional(status.error().code);
  }
  Status pre() { return world.await(session->pre_restore()); }
  Status post() { return world.await(session->post_restore()); }

  World world;
  std::shared_ptr<fakes::FakeWriter> writer = world.add_writer("w");
  std::shared_ptr<RestoreSession> session;
};

TEST_F(Restore, TheDocumentGoesThroughUnchangedToTheLetter) {
  const std::string text = backup(metadata(kAllSchemas, ""));
  open_gathered(text);
  EXPECT_EQ(session->save_document().value(), text);
}

TEST_F(Restore, GoesWithoutTheDocumentsOfWritersThatAreTooLargeTogether) {
  open(backup(metadata("", "")));
  for (int i = 0; i < 3; ++i)
    world.add_writer("large")->document = metadata("", "") + std::string(std::size_t{24} << 10, ' ');
  ASSERT_TRUE(world.await(session->gather_writer_metadata()));
  EXPECT_EQ(session->writers().all().size(), 4U);
  for (const auto& participant : session->writers().all()) EXPECT_EQ(participant->document, "");
  ASSERT_TRUE(session->set_selected_for_restore(data(), true, {}));
  EXPECT_TRUE(pre());
}

TEST_F(Restore, WhatAnotherVersionHasAddedStays) {
  std::string text = backup(metadata(kAllSchemas, ""));
  text.insert(1, R"("from_tomorrow":{"a":[1,2.5]},)");
  open_gathered(text);
  ASSERT_TRUE(session->set_selected_for_restore(data(), true, {}));
  EXPECT_THAT(session->save_document().value(), HasSubstr("from_tomorrow"));
}

TEST_F(Restore, AWriterHearsPreRestorePostRestoreAndTheEndAndWritesWhereItWantsItsFiles) {
  open_gathered(backup(metadata(kAllSchemas, "")));
  ASSERT_TRUE(session->set_restore_state("import"));
  ASSERT_TRUE(session->set_selected_for_restore(data(), true, {}));
  ASSERT_TRUE(session->set_restore_options(data(), "options"));
  ASSERT_TRUE(session->set_additional_restores(data(), true));
  ASSERT_TRUE(session->set_roll_forward(data(), "partial", "noon"));
  ASSERT_TRUE(session->set_restore_name(data(), "copy"));
  ASSERT_TRUE(session->set_authoritative_restore(data(), true));
  ASSERT_TRUE(session->add_new_target(data(), {"/v", "*", true}, "/new"));
  ASSERT_TRUE(session->add_new_target(data(), {"/v/index", "*.i", false}, "/new index"));
  ASSERT_TRUE(session->add_restore_subcomponent(data(), {"data", "table"}));
  writer->answers["PreRestore"] =
      R"({"components":[{"logical_path":"","name":"data","restore_target":"directed","directed_targets":[
          {"source_path":"/v","source_file":"f","source_ranges":"0:9","destination_path":"/w",
           "destination_file":"g","destination_ranges":"0:9"}]}]})";
  ASSERT_TRUE(pre());
  EXPECT_EQ(writer->told["PreRestore"].restore_type, "import");
  EXPECT_EQ(writer->told["PreRestore"].backup_type, "full");
  EXPECT_THAT(component(), HasSubstr(R"("restore_target":"directed")"));
  ASSERT_TRUE(session->set_file_restore_status(data(), "all"));
  ASSERT_TRUE(session->add_alternative_location_mapping(data(), {"/v", "*", true}, "/else"));
  ASSERT_TRUE(session->add_alternative_location_mapping(data(), {"/v/log", "*.log", false}, "/else"));
  ASSERT_TRUE(session->set_ranges_file_path(data(), 0, "/ranges"));
  ASSERT_TRUE(post());
  const auto told = writer->told["PostRestore"].components.at(0).content;
  EXPECT_EQ(told.value("file_restore_status", ""), "all");
  EXPECT_EQ(told.value("backup_stamp", ""), "7");
  EXPECT_EQ(told.at("partial_files")[0].value("ranges", ""), "File=/ranges");
  EXPECT_EQ(told.at("roll_forward").value("point", ""), "noon");
  EXPECT_EQ(told.at("restore_subcomponents")[0].value("name", ""), "table");
  EXPECT_EQ(session->state(), RestoreState::Completed);
  world.await(world.coordinator.release(session));
  EXPECT_THAT(writer->events, ElementsAre("PreRestore", "PostRestore", "RestoreShutdown"));
}

TEST_F(Restore, AWriterWithNothingSelectedHearsNothing) {
  open_gathered(backup(metadata("", "")));
  ASSERT_TRUE(pre());
  ASSERT_TRUE(post());
  world.await(world.coordinator.release(session));
  EXPECT_THAT(writer->events, testing::IsEmpty());
}

TEST_F(Restore, ADeadRequesterIsTheEndForTheWriterTooAndNothingIsAborted) {
  open_gathered(backup(metadata("", "")));
  ASSERT_TRUE(session->set_selected_for_restore(data(), true, {}));
  ASSERT_TRUE(pre());
  world.coordinator.requester_gone(":1.7");
  world.settle();
  EXPECT_THAT(writer->events, ElementsAre("PreRestore", "RestoreShutdown"));
  EXPECT_THAT(world.coordinator.restores(), testing::IsEmpty());
}

TEST_F(Restore, AWriterThatWasStartedAgainInBetweenIsMissed) {
  open_gathered(backup(metadata("", "")));
  ASSERT_TRUE(session->set_selected_for_restore(data(), true, {}));
  ASSERT_TRUE(pre());
  writer->alive = false;
  EXPECT_EQ(code(post()), ErrorCode::WriterNotResponding);
}

// Which events a writer gets by its restore method; file status that the requester reports.
struct MethodRow {
  const char* name;
  std::string method;
  std::string writer_restore;
  std::string status;
  std::vector<std::string> events;
};
class ByMethod : public Restore, public testing::WithParamInterface<MethodRow> {};

TEST_P(ByMethod, AWriterHearsWhatItsRestoreMethodAsksFor) {
  const MethodRow& row = GetParam();
  open_gathered(backup(metadata("", with_method(row.method, row.writer_restore))));
  ASSERT_TRUE(session->set_selected_for_restore(data(), true, {}));
  ASSERT_TRUE(pre());
  ASSERT_TRUE(session->set_file_restore_status(data(), row.status));
  ASSERT_TRUE(post());
  EXPECT_EQ(writer->events, row.events);
}
INSTANTIATE_TEST_SUITE_P(
    Table, ByMethod,
    testing::Values(
        MethodRow{"Always", "custom", "always", "all", {"PreRestore", "PostRestore"}},
        MethodRow{"Never", "custom", "never", "failed", {}},
        MethodRow{"ReplacedWell", "restore-if-can-replace", "if-replace-fails", "all", {"PreRestore"}},
        MethodRow{"ReplaceFailed",
                  "restore-if-can-replace",
                  "if-replace-fails",
                  "failed",
                  {"PreRestore", "PostRestore"}},
        MethodRow{"NotThereFailed",
                  "restore-if-not-there",
                  "if-replace-fails",
                  "failed",
                  {"PreRestore", "PostRestore"}},
        MethodRow{
            "OtherMethod", "stop-restart-service", "if-replace-fails", "all", {"PreRestore", "PostRestore"}}),
    [](const auto& row) { return row.param.name; });

TEST_F(Restore, AFailureOfAWriterIsInItsStatusAndNotInTheCall) {
  open_gathered(backup(metadata("", "")));
  ASSERT_TRUE(session->set_selected_for_restore(data(), true, {}));
  writer->script["PreRestore"] = {Behaviour::Kind::Fail};
  ASSERT_TRUE(pre());
  EXPECT_EQ(session->writers().all()[0]->state, WriterState::FailedAtPreRestore);
  ASSERT_TRUE(post());
  EXPECT_EQ(session->writers().all()[0]->state, WriterState::FailedAtPreRestore);
}

TEST_F(Restore, BadDecisionsAreRefusedAndChangeNothing) {
  const std::string text = backup(metadata("", ""));
  open_gathered(text);
  const ComponentAddress nobody{{Guid::random(), ""}, {"", "data"}};
  const ComponentAddress nothing{data().writer, {"", "other"}};
  const FileSet files{"/v", "*", false};
  const std::pair<Status, ErrorCode> rows[] = {
      {session->set_selected_for_restore(nobody, true, {}), ErrorCode::ObjectNotFound},
      {session->set_selected_for_restore(nothing, true, {}), ErrorCode::ObjectNotFound},
      {session->set_selected_for_restore(data(), true, Guid::random()), ErrorCode::NotSupported},
      {session->set_restore_name(data(), "x"), ErrorCode::NotSupported},
      {session->set_authoritative_restore(data(), true), ErrorCode::NotSupported},
      {session->set_roll_forward(data(), "all", ""), ErrorCode::NotSupported},
      {session->add_new_target(data(), files, "/x"), ErrorCode::NotSupported},
      {session->set_restore_options(data(), std::string(65 << 10, 'x')), ErrorCode::InvalidArgument},
      {session->set_restore_state("sideways"), ErrorCode::InvalidArgument},
      {session->add_restore_subcomponent(data(), {"data", "index"}), ErrorCode::InvalidArgument},
      {session->add_restore_subcomponent(data(), {"", "data"}), ErrorCode::ObjectNotFound},
      {session->set_file_restore_status(data(), "all"), ErrorCode::BadState},
      {post(), ErrorCode::BadState},
  };
  for (const auto& [status, expected] : rows) EXPECT_EQ(code(status), expected);
  EXPECT_EQ(session->save_document().value(), text);
}

TEST_F(Restore, AfterPreRestoreTheFilesAreReportedInFullOrRefused) {
  open_gathered(backup(metadata(kAllSchemas, "")));
  EXPECT_EQ(code(session->set_roll_forward(data(), "sometimes", "")), ErrorCode::InvalidArgument);
  ASSERT_TRUE(session->set_restore_options(data(), "once"));
  EXPECT_EQ(code(session->set_restore_options(data(), "twice")), ErrorCode::ObjectAlreadyExists);
  const FileSet strangers[] = {
      {"/v", "*", false}, {"/w", "*", true}, {"/v", "f", true}, {"/v/log", "*.log", false}};
  for (const FileSet& files : strangers) {
    EXPECT_EQ(code(session->add_new_target(data(), files, "/x")), ErrorCode::ObjectNotFound) << files.path;
  }
  EXPECT_EQ(code(session->set_roll_forward(data(), "partial", "")), ErrorCode::InvalidArgument);
  EXPECT_EQ(code(session->add_new_target(data(), {"relative", "*", false}, "/x")),
            ErrorCode::InvalidArgument);
  ASSERT_TRUE(pre());
  EXPECT_EQ(code(session->set_file_restore_status(data(), "all")),
            ErrorCode::ObjectNotFound);  // not selected
  EXPECT_EQ(code(session->set_ranges_file_path(data(), 1, "/x")), ErrorCode::ObjectNotFound);
  EXPECT_EQ(code(session->set_ranges_file_path(data(), 0, "x")), ErrorCode::InvalidArgument);
  EXPECT_EQ(code(session->add_alternative_location_mapping(data(), {"/v", "a/b", false}, "/x")),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(code(session->add_alternative_location_mapping(data(), {"/v/log", "*", false}, "/x")),
            ErrorCode::ObjectNotFound);
  EXPECT_EQ(code(session->set_restore_options(data(), "late")), ErrorCode::BadState);
}

TEST_F(Restore, ItGoesIntoAnotherInstanceWhenTheWriterSupportsMoving) {
  const std::string text = backup(metadata(kAllSchemas, ""));
  const auto second = world.add_writer("second");
  second->mutable_info().class_id = writer->info().class_id;
  second->mutable_info().instance_name = "b";
  open_gathered(text);
  ASSERT_TRUE(session->set_selected_for_restore(data(), true, second->info().instance_id));
  ASSERT_TRUE(pre());
  EXPECT_THAT(second->events, ElementsAre("PreRestore"));
  EXPECT_THAT(writer->events, testing::IsEmpty());
}

TEST_F(Restore, AWriterThatDidNotSubscribeToRestoresIsNotThereForThem) {
  const std::string text = backup(metadata("", ""));
  writer->mutable_info().subscribes_restore = false;
  open_gathered(text);
  EXPECT_EQ(code(session->set_selected_for_restore(data(), true, {})), ErrorCode::ObjectNotFound);
}

TEST_F(Restore, MalformedDocumentsAreRefusedWithThePlaceOfTheFault) {
  const std::string good =
      R"({"version":1,"session_id":"1c6f2dcb-8f43-4a3f-9a0e-6a1f0b6d3a55","context":"backup",)"
      R"("backup_type":"full","writers":[)";
  const std::string writer_head =
      R"({"class_id":"1c6f2dcb-8f43-4a3f-9a0e-6a1f0b6d3a55","name":"w","components":)";
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "[";
  for (int i = 0; i < 100; ++i) deep += "]";
  deep += "}";
  const std::pair<std::string, std::string> rows[] = {
      {"", "parse"},
      {good, "parse"},
      {R"({"version":2})", "/version"},
      {R"({"version":1})", "Missing required property"},
      {good + R"({"class_id":"x"}]})", "/writers/0"},
      {good + writer_head + R"([{"name":"a"}]}]})", "/writers/0/components/0"},
      {good + writer_head + R"([],"metadata":"{}"}]})", "/writers/0/metadata"},
      {good + "]," + R"("x":)" + deep, "deeper"},
  };
  for (const auto& [text, place] : rows) {
    const auto parsed = RestoreDocument::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::InvalidDocument);
    EXPECT_THAT(parsed.error().message, HasSubstr(place));
  }
}

// vss.md 1.5, cell by cell.
TEST(RestoreTable, AgreesWithTheOrderOfVss) {
  using enum RestoreState;
  const RestoreState columns[] = {Initialized, Gathered, PreRestored, Completed};
  const std::pair<RestoreCall, std::string_view> rows[] = {
      {RestoreCall::GatherWriterMetadata, "o---"},
      {RestoreCall::SetRestoreState, "oo--"},
      {RestoreCall::SetSelectedForRestore, "-o--"},
      {RestoreCall::SetRestoreOptions, "-o--"},
      {RestoreCall::SetAdditionalRestores, "-o--"},
      {RestoreCall::AddNewTarget, "-o--"},
      {RestoreCall::PreRestore, "-o--"},
      {RestoreCall::SetFileRestoreStatus, "--o-"},
      {RestoreCall::PostRestore, "--o-"},
      {RestoreCall::GatherWriterStatus, "oooo"},
      {RestoreCall::SaveDocument, "oooo"},
      {RestoreCall::Release, "oooo"},
  };
  for (const auto& [call, cells] : rows) {
    for (std::size_t i = 0; i < std::size(columns); ++i)
      EXPECT_EQ(restore_cell(call, columns[i]), cells[i])
          << to_string(call) << " in " << to_string(columns[i]);
  }
  EXPECT_THAT(explain_bad_state(RestoreCall::PostRestore, Gathered),
              HasSubstr("PreRestore has to come first"));
  EXPECT_THAT(explain_bad_state(RestoreCall::SetRestoreOptions, Completed), HasSubstr("too late"));
  EXPECT_THAT(explain_bad_state(RestoreCall::PostRestore, PreRestoring), HasSubstr("still running"));
}

}  // namespace
}  // namespace vss::core
