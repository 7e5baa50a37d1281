// SPDX-License-Identifier: LGPL-2.1-or-later
// Components in a session: what is selected, what writers are told of them and write into them, and that
// nothing of a writer is left out in silence.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/fakes.hpp"

namespace vss::core {
namespace {
using fakes::World;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// One component "data" with a file set.
std::string document(const std::string& path, const std::string& more = "") {
  return R"({"version":1,"backup_schema":["incremental"],"components":[)"
         R"({"logical_path":"","name":"data","type":"database","selectable":true,)"
         R"("files":[{"path":")" +
         path + R"(","spec":"*")" + more + "}]}]}";
}

class BackupComponents : public testing::Test {
 protected:
  void begin(bool select, BackupOptions options = {}) {
    session = world.session(options);
    ASSERT_TRUE(session->set_backup_state({select, true, "incremental", true}));
    ASSERT_TRUE(world.await(session->gather_writer_metadata()));
  }
  void start_set(const std::vector<std::string>& volumes) {
    ASSERT_TRUE(world.await(session->start_snapshot_set()));
    for (const std::string& volume : volumes)
      ASSERT_TRUE(world.await(session->add_to_snapshot_set(volume, "")));
  }
  Status add(const fakes::FakeWriter& to) { return session->add_component(to.info().instance_id, data); }
  Status prepare() { return world.await(session->prepare_for_backup()); }
  static std::optional<ErrorCode> code(const Status& status) {
    return status ? std::nullopt : std::optional(status.error().code);
  }

  World world;
  std::shared_ptr<fakes::FakeWriter> writer = world.add_writer("w");
  std::shared_ptr<BackupSession> session;
  const ComponentId data{"", "data"};
};

TEST_F(BackupComponents, WhatTheRequesterSetsReachesTheWriterAndWhatTheWriterSetsReachesTheDocument) {
  begin(true);
  const Guid id = writer->info().instance_id;
  EXPECT_EQ(code(session->set_backup_options(id, data, "x")), ErrorCode::ObjectNotFound);  // not added yet
  ASSERT_TRUE(add(*writer));
  ASSERT_TRUE(session->set_backup_options(id, data, "fast"));
  ASSERT_TRUE(session->set_previous_backup_stamp(id, data, "monday"));
  EXPECT_EQ(code(session->set_backup_options(id, data, std::string(65 << 10, 'x'))),
            ErrorCode::InvalidArgument);
  start_set({"/v"});
  writer->answers["PrepareForBackup"] =
      R"({"components":[{"logical_path":"","name":"data","backup_metadata":"m","backup_stamp":"1"}]})";
  writer->answers["PostSnapshot"] =
      R"({"components":[{"logical_path":"","name":"data","backup_stamp":"2"}]})";
  ASSERT_TRUE(prepare());
  const EventArgs& told = writer->told["PrepareForBackup"];
  EXPECT_EQ(told.components[0].content.value("backup_options", ""), "fast");
  EXPECT_EQ(told.components[0].content.value("previous_backup_stamp", ""), "monday");
  EXPECT_TRUE(told.bootable_system_state);
  EXPECT_TRUE(told.partial_file_support);
  EXPECT_EQ(code(session->set_backup_options(id, data, "late")), ErrorCode::BadState);
  ASSERT_TRUE(world.await(session->do_snapshot_set()));
  ASSERT_TRUE(session->set_backup_succeeded(id, data, true));
  ASSERT_TRUE(world.await(session->backup_complete()));
  EXPECT_EQ(writer->told["BackupComplete"].components[0].succeeded(), true);
  EXPECT_EQ(
      session->get_writer_components(id).value(),
      R"({"components":[{"logical_path":"","name":"data","backup_options":"fast",)"
      R"("previous_backup_stamp":"monday","backup_metadata":"m","backup_stamp":"2","backup_succeeded":true}]})");
  EXPECT_THAT(session->save_document().value(), HasSubstr("\"backup_stamp\": \"2\""));
  EXPECT_EQ(code(session->set_backup_succeeded(id, data, false)), ErrorCode::BadState);  // read-only now
}

TEST_F(BackupComponents, AnAnswerThatIsNoDocumentIsAFailureOfTheWriter) {
  begin(true);
  ASSERT_TRUE(add(*writer));
  start_set({"/v"});
  writer->answers["PrepareForBackup"] =
      R"({"components":[{"logical_path":"","name":"data","backup_succeeded":true}]})";
  ASSERT_TRUE(prepare());
  const Participant& participant = *session->writers().all()[0];
  EXPECT_EQ(participant.state, WriterState::FailedAtPrepareBackup);
  EXPECT_EQ(participant.failure->code, ErrorCode::UnexpectedWriterError);
  EXPECT_FALSE(participant.components[0].succeeded());
}

TEST_F(BackupComponents, AFailedComponentIsInTheStatusAndTheWriterGoesOn) {
  begin(true);
  ASSERT_TRUE(add(*writer));
  start_set({"/v"});
  writer->answers["PrepareForBackup"] =
      R"({"components":[{"logical_path":"","name":"data","failure":{"error":"WriterRetryable","message":"locked"}}]})";
  ASSERT_TRUE(prepare());
  ASSERT_TRUE(world.await(session->do_snapshot_set()));
  EXPECT_EQ(session->writers().all()[0]->failure->code, ErrorCode::WriterPartialFailure);
  EXPECT_THAT(writer->events, Contains("PostSnapshot"));
}

// select, policy, path of the data, expected code, expected warning.
struct PlacementRow {
  const char* name;
  bool select;
  bool strict;
  std::string document;
  std::optional<ErrorCode> error;
  std::string warning;
};

class Verify : public BackupComponents, public testing::WithParamInterface<PlacementRow> {};

TEST_P(Verify, DataOutsideOfTheSetAreNeverLeftOutInSilence) {
  const PlacementRow& row = GetParam();
  writer->document = row.document;
  BackupOptions options;
  options.strict = row.strict;
  begin(row.select, options);
  if (row.select) {
    ASSERT_TRUE(add(*writer));
  }
  start_set({"/v", "/w"});
  EXPECT_EQ(code(prepare()), row.error);
  if (row.error) {
    EXPECT_THAT(writer->events, Not(Contains("PrepareForBackup")));
    EXPECT_EQ(session->state(), SessionState::SetFilled);  // nothing has changed: a volume can still be added
  }
  std::string warnings;
  for (const std::string& warning : session->warnings()) warnings += warning;
  EXPECT_THAT(warnings, HasSubstr(row.warning));
  EXPECT_EQ(warnings.empty(), row.warning.empty());
}

const std::string kBoth = R"({"version":1,"components":[{"logical_path":"","name":"data","selectable":true,
    "files":[{"path":"/v","spec":"*"},{"path":"/x","spec":"*"}]}]})";
INSTANTIATE_TEST_SUITE_P(
    Table, Verify,
    testing::Values(
        PlacementRow{"Inside", true, true, document("/v"), {}, ""},
        PlacementRow{"Outside", true, true, document("/x"), ErrorCode::UnselectedVolume, ""},
        PlacementRow{"HalfOutside", true, true, kBoth, ErrorCode::UnselectedVolume, ""},
        PlacementRow{"OutsideLenient", true, false, document("/x"), {}, "/x"},
        PlacementRow{"OutsideButNotFromASnapshot",
                     true,
                     true,
                     document("/x", R"(,"snapshot_required":["full"])"),
                     {},
                     ""},
        PlacementRow{
            "OutsideButCopiedFromInside", true, true, document("/x", R"(,"alternate_path":"/w")"), {}, ""},
        PlacementRow{"WholeVolumesInside", false, true, document("/v"), {}, ""},
        PlacementRow{"WholeVolumesHalfOutside", false, true, kBoth, ErrorCode::UnselectedVolume, ""},
        PlacementRow{"WholeVolumesElsewhere", false, true, document("/x"), {}, "has no data on the volumes"},
        PlacementRow{"WholeVolumesNoFiles", false, true, R"({"version":1})", {}, ""}),
    [](const auto& row) { return row.param.name; });

TEST_F(BackupComponents, WhatIsMountedBelowRecursiveDataBelongsToThem) {
  writer->document = document("/v", R"(,"recursive":true)");
  Volume below;
  below.path = below.mount_point = below.superblock = "/v/deep/mount";
  world.volumes.mounted = {below};
  begin(true);
  ASSERT_TRUE(add(*writer));
  start_set({"/v"});
  const Status prepared = prepare();
  EXPECT_EQ(code(prepared), ErrorCode::UnselectedVolume);
  EXPECT_THAT(prepared.error().message, HasSubstr("/v/deep/mount"));
  ASSERT_TRUE(world.await(session->add_to_snapshot_set("/v/deep/mount", "")));
  EXPECT_TRUE(prepare());
}

TEST_F(BackupComponents, APathThatDoesNotExistLiesWhereItsNearestParentDoes) {
  writer->document = document("/v/not/yet");
  world.volumes.missing = {"/v/not/yet", "/v/not"};
  begin(true);
  ASSERT_TRUE(add(*writer));
  start_set({"/v"});
  EXPECT_TRUE(prepare());
}

TEST_F(BackupComponents, ABackupThatNeedsNoSnapshotGoesFromPrepareForBackupToBackupComplete) {
  writer->document = document("/v", R"(,"snapshot_required":[])");
  begin(true);
  ASSERT_TRUE(add(*writer));
  ASSERT_TRUE(prepare());
  EXPECT_EQ(code(world.await(session->do_snapshot_set())), ErrorCode::BadState);
  ASSERT_TRUE(session->set_backup_succeeded(writer->info().instance_id, data, true));
  ASSERT_TRUE(world.await(session->backup_complete()));
  world.await(world.coordinator.release(session));
  EXPECT_THAT(writer->events, ElementsAre("PrepareForBackup", "BackupComplete", "BackupShutdown"));
  EXPECT_EQ(writer->sets.back(), Guid());
}

TEST_F(BackupComponents, WithoutASetDataThatNeedASnapshotAreRefused) {
  writer->document = document("/v");
  begin(true);
  ASSERT_TRUE(add(*writer));
  const Status prepared = prepare();
  EXPECT_EQ(code(prepared), ErrorCode::BadState);
  EXPECT_THAT(prepared.error().message, HasSubstr("StartSnapshotSet"));
  EXPECT_EQ(session->state(), SessionState::Gathered);
}

TEST_F(BackupComponents, WithASetBackupCompleteWaitsForDoSnapshotSet) {
  begin(false);
  start_set({"/v"});
  ASSERT_TRUE(prepare());
  const Status completed = world.await(session->backup_complete());
  EXPECT_EQ(code(completed), ErrorCode::BadState);
  EXPECT_THAT(completed.error().message, HasSubstr("DoSnapshotSet"));
}

TEST_F(BackupComponents, FilesThatAWriterExcludesAreDeletedFromTheWritableSnapshotOnly) {
  writer->document = R"({"version":1,"exclude_files_from_snapshot":[
      {"path":"/v/tmp","spec":"*.swap"},{"path":"/x","spec":"*"}]})";
  begin(false);
  start_set({"/v"});
  ASSERT_TRUE(prepare());
  ASSERT_TRUE(world.await(session->do_snapshot_set()));
  EXPECT_THAT(world.snapshot_files.removed, ElementsAre("/run/vssd/snapshots/x /tmp *.swap"));
  EXPECT_THAT(session->warnings(), testing::IsEmpty());
}

TEST_F(BackupComponents, WithoutAutoRecoveryNothingEverWritesToASnapshot) {
  struct Row {
    const char* context;
    const char* flag;
    bool warns;
  };
  const Row rows[] = {{"backup", "backup-recovery", true},
                      {"backup", "app-rollback-recovery", false},
                      {"app-rollback", "app-rollback-recovery", true},
                      {"app-rollback", "backup-recovery", false}};
  for (const auto& [context, flag, warns] : rows) {
    SCOPED_TRACE(std::string(context) + " " + flag);
    World other;
    const auto recovering = other.add_writer("w");
    recovering->document = R"({"version":1,"components":[{"logical_path":"","name":"data","flags":[")" +
                           std::string(flag) +
                           R"("]}],"exclude_files_from_snapshot":[{"path":"/v/tmp","spec":"*.swap"}]})";
    BackupOptions options;
    options.auto_recovery = false;
    const auto made = other.session(options);
    ASSERT_TRUE(made->set_context(context));
    ASSERT_TRUE(made->set_backup_state({}));
    ASSERT_TRUE(other.await(made->gather_writer_metadata()));
    ASSERT_TRUE(other.await(made->start_snapshot_set()));
    ASSERT_TRUE(other.await(made->add_to_snapshot_set("/v", "")));
    ASSERT_TRUE(other.await(made->prepare_for_backup()));
    ASSERT_TRUE(other.await(made->do_snapshot_set()));
    EXPECT_THAT(other.trace, testing::Not(testing::Contains("mount rw")));
    EXPECT_THAT(recovering->events, testing::Contains("PostSnapshot"));
    EXPECT_THAT(other.snapshot_files.removed, testing::IsEmpty());
    if (warns) {
      EXPECT_THAT(made->warnings(), ElementsAre(HasSubstr("could not recover")));
    } else {
      EXPECT_THAT(made->warnings(), testing::IsEmpty());
    }
  }
}

// VSS: vss.md 2.8. A copy is the exception: as a full backup it would truncate logs.
TEST_F(BackupComponents, ABackupOfATypeThatTheWriterDoesNotSupportIsAFullOneForIt) {
  struct Row {
    const char* type;
    const char* schema;
    const char* told;
  };
  const Row rows[] = {{"incremental", "", "full"},
                      {"incremental", R"("incremental")", "incremental"},
                      {"incremental", R"("exclusive-incremental-differential")", "incremental"},
                      {"incremental", R"("differential")", "full"},
                      {"differential", R"("incremental","differential")", "differential"},
                      {"differential", R"("exclusive-incremental-differential")", "differential"},
                      {"log", R"("exclusive-incremental-differential")", "full"},
                      {"log", R"("log")", "log"},
                      {"copy", "", "copy"},
                      {"full", "", "full"},
                      {"other", "", "other"}};
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(row.type) + " " + row.schema);
    World other;
    const auto one = other.add_writer("w");
    one->document = std::string(R"({"version":1,"backup_schema":[)") + row.schema +
                    R"(],"components":[{"logical_path":"","name":"data","selectable":true,"files":[)"
                    R"({"path":"/v","spec":"*","snapshot_required":["full"]}]}]})";
    const auto made = other.session();
    ASSERT_TRUE(made->set_backup_state({true, false, row.type, false}));
    ASSERT_TRUE(other.await(made->gather_writer_metadata()));
    ASSERT_TRUE(made->add_component(one->info().instance_id, data));
    // Files that only a full backup takes from a snapshot: without a set it is refused, and only then.
    const bool full = std::string(row.told) == "full" || std::string(row.told) == "copy" ||
                      std::string(row.told) == "other";
    const Status prepared = other.await(made->prepare_for_backup());
    if (full) {
      EXPECT_EQ(code(prepared), ErrorCode::BadState);
      ASSERT_TRUE(other.await(made->start_snapshot_set()));
      ASSERT_TRUE(other.await(made->add_to_snapshot_set("/v", "")));
      ASSERT_TRUE(other.await(made->prepare_for_backup()));
    }
    EXPECT_EQ(one->told["PrepareForBackup"].backup_type, row.told);
  }
}

// What vssd would have to answer is more than the bus carries.
TEST_F(BackupComponents, DocumentsThatAreTooLargeTogetherChangeNothing) {
  std::vector<Guid> large;
  for (int i = 0; i < 3; ++i) {
    const auto one = world.add_writer("large");
    one->document = document("/v/data") + std::string(std::size_t{24} << 10, ' ');
    large.push_back(one->info().instance_id);
  }
  world.add_writer("broken")->document = "{";
  session = world.session();
  ASSERT_TRUE(session->set_backup_state({}));
  const SessionState before = session->state();
  for (int attempt = 0; attempt < 2; ++attempt)
    EXPECT_EQ(code(world.await(session->gather_writer_metadata())), ErrorCode::OutOfMemory);
  EXPECT_EQ(session->state(), before);
  EXPECT_THAT(session->writers().all(), testing::IsEmpty());

  ASSERT_TRUE(session->disable_writer_instances(large));
  ASSERT_TRUE(world.await(session->gather_writer_metadata()));
  EXPECT_EQ(session->writers().all().size(), 1U);
  EXPECT_THAT(session->warnings(), ElementsAre(HasSubstr("broken is left out")))
      << "of the last attempt only";
}

TEST_F(BackupComponents, ExcludedFilesThatStayAreAWarning) {
  writer->document = R"({"version":1,"exclude_files_from_snapshot":[{"path":"/v","spec":"*"}]})";
  world.snapshot_files.fails = true;
  begin(false);
  start_set({"/v"});
  ASSERT_TRUE(prepare());
  ASSERT_TRUE(world.await(session->do_snapshot_set()));
  EXPECT_THAT(session->warnings(), ElementsAre(HasSubstr("leave out")));
}

TEST_F(BackupComponents, TheResultTellsHowLongEachWriterProviderAndStepTook) {
  begin(false);
  start_set({"/v"});
  ASSERT_TRUE(prepare());
  ASSERT_TRUE(world.await(session->do_snapshot_set()));
  const CreationTimes& times = session->set()->times();
  for (const char* phase : {"record", "freeze", "hold", "thaw", "publish"})
    EXPECT_TRUE(times.phases().contains(phase)) << phase;
  for (const char* operation : {"end_prepare", "pre_commit", "commit", "post_final_commit"})
    EXPECT_TRUE(times.providers().at("fake").contains(operation)) << operation;
  EXPECT_TRUE(session->writers().all()[0]->took_ms.contains(WriterEvent::Freeze));
}

}  // namespace
}  // namespace vss::core
