// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Every member of dbus/org.vssd.Vss1.*.xml: the test that exercises it, and where a user reaches it.
// members_test.cpp compares the table with the documents, with the tests and with vssctl.

namespace vss::test {

struct MemberRow {
  const char* interface;
  const char* member;
  const char* test;         // "Suite.Name"
  const char* reach;        // a command of vssctl, or a file (it has a '/')
  const char* called = "";  // what the file calls it, where that is not the name of the member
};

inline constexpr const char* kCpp = "writer-sdk/examples/file_writer.cpp";
inline constexpr const char* kC = "writer-sdk/examples/file_writer.c";

// clang-format off
inline constexpr MemberRow kMembers[] = {
  {"Manager", "Version",              "MemberTable.ThePropertiesAreReadable",              "monitor"},
  {"Manager", "CreateBackup",         "BackupStates.EveryCallInEveryStateWithWriters",     "create"},
  {"Manager", "CreateRestore",        "RestoreStates.EveryCallInEveryState",               "restore"},
  {"Manager", "RegisterWriter",       "MemberTable.TheSignalsAreSent",                     kC, "vss_writer_start"},
  {"Manager", "UnregisterWriter",     "MemberTable.TheSignalsAreSent",                     kC, "vss_writer_free"},
  {"Manager", "ListWriters",          "WriterHistory.AFailureIsKeptWithAllThatIsKnownOfIt", "list"},
  {"Manager", "ListWriterFailures",   "WriterStatus.EachOfTheSixteenStatesIsSeenWhereVssHasIt", "list"},
  {"Manager", "ResetWriter",          "WriterHistory.ResetForgetsAndTouchesNothingElse",   "reset-writer"},
  {"Manager", "ListProviders",        "ProviderFailure.FailsTheSetAndTellsTheWritersOnce", "list"},
  {"Manager", "ListVolumes",          "Access.EverybodyMayLook",                           "list"},
  {"Manager", "IsVolumeSupported",    "BadInput.PathsThatNameNoVolume",                    "create"},
  {"Manager", "ListSnapshots",        "CoordinatorCrash.InAContextThatKeepsThem",          "list"},
  {"Manager", "DeleteSnapshots",      "CoordinatorCrash.InAContextThatKeepsThem",          "delete"},
  {"Manager", "ExposeSnapshot",       "Exposure.APersistentSnapshotIsExposedAndTakenAway", "expose"},
  {"Manager", "UnexposeSnapshot",     "Exposure.APersistentSnapshotIsExposedAndTakenAway", "unexpose"},
  {"Manager", "BreakSnapshotSet",     "LivingVolumes.ABrokenSetIsForgottenAndItsVolumesStay", "break"},
  {"Manager", "RevertToSnapshot",     "LivingVolumes.ARevertIsDoneOrPendingOrRunningAndSaysSo", "revert"},
  {"Manager", "QueryRevertStatus",    "LivingVolumes.ARevertIsDoneOrPendingOrRunningAndSaysSo", "revert-status"},
  {"Manager", "ListStorage",          "LivingVolumes.StorageIsListedAndLimited",           "list"},
  {"Manager", "ResizeStorage",        "LivingVolumes.StorageIsListedAndLimited",           "resize-storage"},
  {"Manager", "CollectGarbage",       "ProviderFailure.FailsTheSetAndTellsTheWritersOnce", "gc"},
  {"Manager", "GetStatus",            "ManySessions.LeaveNothing",                         "status"},
  {"Manager", "WriterAdded",          "MemberTable.TheSignalsAreSent",                     "monitor"},
  {"Manager", "WriterRemoved",        "MemberTable.TheSignalsAreSent",                     "monitor"},
  {"Manager", "SnapshotSetCreated",   "MemberTable.TheSignalsAreSent",                     "monitor"},
  {"Manager", "SnapshotSetDeleted",   "MemberTable.TheSignalsAreSent",                     "monitor"},
  {"Manager", "SnapshotInvalidated",  "SnapshotHealth.IsToldOncePerTransitionAndIsInTheProperties", "monitor"},
  {"Manager", "Event",                "MemberTable.TheSignalsAreSent",                     "monitor"},

  {"Backup", "State",                 "BackupStates.EveryCallInEveryStateWithWriters",     "script"},
  {"Backup", "SessionId",             "ParallelSessions.EachEventCarriesTheIdsOfItsOwnSession", "script"},
  {"Backup", "SnapshotSetId",         "ParallelSessions.EachEventCarriesTheIdsOfItsOwnSession", "script"},
  {"Backup", "Context",               "BackupStates.TheContextIsSetOnce",                  "script"},
  {"Backup", "SetContext",            "BackupStates.TheContextIsSetOnce",                  "create"},
  {"Backup", "SetBackupState",        "WriterHelpers.AreLegalInTheEventsOfTheTableAndBadStateInAllOthers", "create"},
  {"Backup", "EnableWriterClasses",   "MemberTable.WritersAreChosenByClassAndInstance",    "script"},
  {"Backup", "DisableWriterClasses",  "MemberTable.WritersAreChosenByClassAndInstance",    "script"},
  {"Backup", "DisableWriterInstances", "MemberTable.WritersAreChosenByClassAndInstance",   "script"},
  {"Backup", "GatherWriterMetadata",  "AbortRules.AWriterThatFailsUnderThePolicyStrict",   "create"},
  {"Backup", "AddComponent",          "RequesterDeathOf.AWriterWithNothingSelectedHearsNothing", "create"},
  {"Backup", "GetWriterComponents",   "MemberTable.WhatIsSaidOfAComponentIsInTheDocument", "script"},
  {"Backup", "SetBackupOptions",      "MemberTable.WhatIsSaidOfAComponentIsInTheDocument", "script"},
  {"Backup", "SetPreviousBackupStamp", "MemberTable.WhatIsSaidOfAComponentIsInTheDocument", "script"},
  {"Backup", "StartSnapshotSet",      "BackupStates.EveryCallInEveryStateWithWriters",     "create"},
  {"Backup", "AddToSnapshotSet",      "BackupStates.EveryCallInEveryStateWithWriters",     "create"},
  {"Backup", "PrepareForBackup",      "AbortRules.AWriterThatFailsUnderThePolicyStrict",   "create"},
  {"Backup", "DoSnapshotSet",         "AbortRules.AWriterThatFailsUnderThePolicyStrict",   "create"},
  {"Backup", "GatherWriterStatus",    "WriterStatus.EachFailureReachesTheRequesterAsTheWriterSaidIt", "create"},
  {"Backup", "GetSnapshotProperties", "Sequence.DocumentStatusAndPropertiesTellWhatHappened", "script"},
  {"Backup", "SetBackupSucceeded",    "Sequence.DocumentStatusAndPropertiesTellWhatHappened", "run"},
  {"Backup", "BackupComplete",        "AbortRules.AWriterThatFailsUnderThePolicyLenient",  "create"},
  {"Backup", "AbortBackup",           "AbortRules.TheRequesterAborts",                     "run"},
  {"Backup", "DeleteSnapshots",       "BackupStates.EveryCallInEveryStateWithWriters",     "script"},
  {"Backup", "SaveDocument",          "AbortRules.ARestoreHasNoAbort",                     "script"},
  {"Backup", "Cancel",                "BackupStates.WhileALongCallRunsOnlyItsEndCanBeAskedFor", "create"},
  {"Backup", "Release",               "BackupStates.AnObjectThatIsReleasedIsGone",         "create"},
  {"Backup", "Progress",              "MemberTable.TheSignalsAreSent",                     "create"},

  {"Restore", "State",                "RestoreStates.EveryCallInEveryState",               "script"},
  {"Restore", "SessionId",            "MemberTable.ThePropertiesAreReadable",              "script"},
  {"Restore", "SetRestoreState",      "RestoreStates.EveryCallInEveryState",               "restore"},
  {"Restore", "GatherWriterMetadata", "RestoreStates.EveryCallInEveryState",               "restore"},
  {"Restore", "SetSelectedForRestore", "RestoreStates.EveryCallInEveryState",              "restore"},
  {"Restore", "AddRestoreSubcomponent", "RestoreStates.EveryCallInEveryState",             "restore"},
  {"Restore", "SetRestoreOptions",    "RestoreOnTheBus.ADocumentIsAllThatAnotherRunOfVssdNeeds", "restore"},
  {"Restore", "SetAdditionalRestores", "RestoreStates.EveryCallInEveryState",              "restore"},
  {"Restore", "SetRestoreName",       "RestoreStates.EveryCallInEveryState",               "script"},
  {"Restore", "SetAuthoritativeRestore", "RestoreStates.EveryCallInEveryState",            "restore"},
  {"Restore", "SetRollForward",       "RestoreStates.EveryCallInEveryState",               "script"},
  {"Restore", "AddNewTarget",         "RestoreStates.EveryCallInEveryState",               "restore"},
  {"Restore", "PreRestore",           "RestoreCrash.OfTheRequester",                       "restore"},
  {"Restore", "AddAlternativeLocationMapping", "RestoreStates.EveryCallInEveryState",      "restore"},
  {"Restore", "SetFileRestoreStatus", "RestoreOnTheBus.ADocumentIsAllThatAnotherRunOfVssdNeeds", "restore"},
  {"Restore", "SetRangesFilePath",    "RestoreStates.EveryCallInEveryState",               "script"},
  {"Restore", "PostRestore",          "RestoreCrash.OfTheRequester",                       "restore"},
  {"Restore", "GatherWriterStatus",   "WriterStatus.EachFailureReachesTheRequesterAsTheWriterSaidIt", "restore"},
  {"Restore", "GetWriterComponents",  "RestoreStates.EveryCallInEveryState",               "script"},
  {"Restore", "SaveDocument",         "RestoreStates.EveryCallInEveryState",               "restore"},
  {"Restore", "Cancel",               "RestoreStates.EveryCallInEveryState",               "restore"},
  {"Restore", "Release",              "RestoreCrash.OfAWriter",                            "restore"},
  {"Restore", "Progress",             "MemberTable.TheSignalsAreSent",                     "restore"},

  // What vssd calls at writers: by a command that makes it do so, or by an example that answers.
  {"Writer", "Identify",              "AbortRules.AWriterThatFailsUnderThePolicyStrict",   kCpp, "on_identify"},
  {"Writer", "PrepareForBackup",      "AbortRules.AWriterThatFailsUnderThePolicyStrict",   "create"},
  {"Writer", "PrepareForSnapshot",    "AbortRules.AWriterThatFailsUnderThePolicyStrict",   kCpp, "on_prepare_snapshot"},
  {"Writer", "Freeze",                "AbortRules.AWriterThatFailsUnderThePolicyStrict",   kC, "on_freeze"},
  {"Writer", "Thaw",                  "AbortRules.AWriterThatFailsUnderThePolicyStrict",   kC, "on_thaw"},
  {"Writer", "PostSnapshot",          "AbortRules.AWriterThatFailsUnderThePolicyStrict",   "create"},
  {"Writer", "Abort",                 "AbortRules.TheRequesterAborts",                     kC, "on_abort"},
  {"Writer", "BackupComplete",        "AbortRules.AWriterThatFailsUnderThePolicyStrict",   "create"},
  {"Writer", "BackupShutdown",        "RequesterDeath.EveryoneIsToldOnceAndWhatWasTemporaryIsGone", "create"},
  {"Writer", "PreRestore",            "RestoreCrash.OfTheRequester",                       "restore"},
  {"Writer", "PostRestore",           "RestoreCrash.OfTheRequester",                       "restore"},
  {"Writer", "RestoreShutdown",       "RestoreCrash.OfTheRequester",                       "restore"},
};
// clang-format on

}  // namespace vss::test
