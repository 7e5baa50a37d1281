// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What a handler may ask and say in which event, by both faces of the SDK: vss.md 3.3 and 3.9.

#include <vss/writer.hpp>

namespace vss::test {

struct HelperRow {
  const char* source;
  const char* name;
  // One cell per event: X legal, o BadState.
  const char* cells;
  // A vss_status; what has no status of its own answers BAD_STATE where it hands out nothing.
  int (*c)(vss_session*);
  // Throws vss::Error.
  void (*cpp)(Session&);
};

// The columns.
inline constexpr const char* kHelperEvents[] = {
    "PrepareForBackup", "PrepareForSnapshot", "Freeze",     "Thaw",        "PostSnapshot",   "Abort",
    "BackupComplete",   "BackupShutdown",     "PreRestore", "PostRestore", "RestoreShutdown"};

[[nodiscard]] inline int there(const char* text) { return text == nullptr ? VSS_ERR_BAD_STATE : VSS_OK; }
// The one component that the writer has, where it is told of it.
[[nodiscard]] inline Component first(Session& session) { return {session.handle(), 0}; }

// clang-format off
inline const HelperRow kHelperRows[] = {
  //                                                  PrepareForBackup
  //                                                  |PrepareForSnapshot
  //                                                  ||Freeze
  //                                                  |||Thaw
  //                                                  ||||PostSnapshot
  //                                                  |||||Abort
  //                                                  ||||||BackupComplete
  //                                                  |||||||BackupShutdown
  //                                                  ||||||||PreRestore
  //                                                  |||||||||PostRestore
  //                                                  ||||||||||RestoreShutdown
  {"vss.md 3.3, GetCurrentSnapshotSetId; seed 0", "session_set_id", "ooXXXoooooo",
   [](vss_session* s) { const char* id = nullptr; return vss_session_set_id(s, &id); },
   [](Session& s) { (void)s.set_id(); }},
  {"vss.md 3.2, OnBackupShutdown", "shutdown_set_id", "oooooooXooo",
   [](vss_session* s) { const char* id = nullptr; return vss_shutdown_set_id(s, &id); },
   [](Session& s) { (void)s.shutdown_set_id(); }},
  {"vss.md 3.3, GetSnapshotDeviceName", "snapshot_path", "ooooXoooooo",
   [](vss_session* s) {
     const char* path = nullptr;
     const char* volume = vss_session_volume(s, 0);
     return vss_snapshot_path(s, volume == nullptr ? "/" : volume, &path);
   },
   [](Session& s) { (void)s.snapshot_path(s.volumes().empty() ? "/" : s.volumes()[0]); }},
  {"writer.h, vss_is_one_instant", "is_one_instant", "oXooXoooooo",
   [](vss_session* s) {
     const char* volume = vss_session_volume(s, 0);
     return vss_is_one_instant(s, &volume, volume == nullptr ? 0 : 1);
   },
   [](Session& s) { (void)s.is_one_instant(s.volumes()); }},
  {"vss.md 3.3, GetCurrentLevel", "current_level", "ooXXooooooo",
   [](vss_session* s) { return vss_current_level(s); }, [](Session& s) { (void)s.current_level(); }},
  {"vss.md 3.3, IsBootableSystemStateBackedUp", "bootable_system_state", "XXXXXXXXooo",
   [](vss_session* s) { return vss_bootable_system_state(s); },
   [](Session& s) { (void)s.is_bootable_system_state_backed_up(); }},
  {"vss.md 3.3, IsPartialFileSupportEnabled", "partial_file_support", "XXXXXXXXooo",
   [](vss_session* s) { return vss_partial_file_support(s); },
   [](Session& s) { (void)s.is_partial_file_support_enabled(); }},
  {"vss.md 3.3, GetRestoreType", "restore_type", "ooooooooXXo",
   [](vss_session* s) { return vss_get_restore_type(s); }, [](Session& s) { (void)s.restore_type(); }},
  {"vss.md 3.3, GetBackupType", "backup_type", "XXXXXXXXXXX",
   [](vss_session* s) { return there(vss_backup_type(s)); }, [](Session& s) { (void)s.backup_type(); }},
  {"vss.md 3.3, GetContext", "context", "XXXXXXXXXXX",
   [](vss_session* s) { return there(vss_context(s)); }, [](Session& s) { (void)s.context(); }},
  {"vss.md 3.3, AreComponentsSelected", "components_selected", "XXXXXXXXXXX",
   [](vss_session* s) { return vss_components_selected(s); }, [](Session& s) { (void)s.are_components_selected(); }},
  {"vss.md 3.3, GetCurrentVolumeArray", "volumes", "XXXXXXXXXXX",
   [](vss_session* s) { return static_cast<int>(vss_session_volume_count(s)); }, [](Session& s) { (void)s.volumes(); }},
  {"vss.md 3.3, IsPathAffected", "is_path_affected", "XXXXXXXXXXX",
   [](vss_session* s) { return vss_is_path_affected(s, "/"); }, [](Session& s) { (void)s.is_path_affected("/"); }},
  {"writer.h, vss_affected_paths", "affected_paths", "XXXXXXXXXXX",
   [](vss_session* s) {
     const char* path = "/";
     int affected = 0;
     return vss_affected_paths(s, &path, 1, &affected);
   },
   [](Session& s) { (void)s.unaffected_paths({"/"}); }},
  {"vss.md 3.3, Ex2::GetSessionId", "session_id", "XXXXXXXXXXX",
   [](vss_session* s) { return there(vss_session_id(s)); }, [](Session& s) { (void)s.id(); }},
  {"vss.md 3.3, Ex2::IsWriterShuttingDown", "is_writer_shutting_down", "XXXXXXXXXXX",
   [](vss_session* s) { return vss_is_writer_shutting_down(s); }, [](Session& s) { (void)s.is_writer_shutting_down(); }},
  {"vss.md 3.5, SetWriterFailureEx", "fail", "XXXXXXXXXXX",
   [](vss_session* s) { return vss_fail(s, VSS_E_WRITER_RETRYABLE, 1, "tried"); },
   [](Session& s) { s.fail(VSS_E_WRITER_RETRYABLE, "tried", 1); }},
  {"vss.md 3.9, GetBackupMetadata", "backup_metadata", "XXXXXXXXXXX",
   [](vss_session* s) { return there(vss_component_backup_metadata(s, 0)); },
   [](Session& s) { (void)first(s).backup_metadata(); }},
  {"vss.md 3.9, GetBackupStamp", "backup_stamp", "XXXXXXXXXXX",
   [](vss_session* s) { return there(vss_component_backup_stamp(s, 0)); },
   [](Session& s) { (void)first(s).backup_stamp(); }},
  {"vss.md 3.9, IsSelectedForRestore", "selected_for_restore", "ooooooooXXo",
   [](vss_session* s) { return vss_component_selected_for_restore(s, 0); },
   [](Session& s) { (void)first(s).is_selected_for_restore(); }},
  {"vss.md 3.9, GetAdditionalRestores", "additional_restores", "ooooooooXXo",
   [](vss_session* s) { return vss_component_additional_restores(s, 0); },
   [](Session& s) { (void)first(s).has_additional_restores(); }},
  {"vss.md 3.9, GetRestoreOptions", "restore_options", "ooooooooXXo",
   [](vss_session* s) { return there(vss_component_restore_options(s, 0)); },
   [](Session& s) { (void)first(s).restore_options(); }},
  {"vss.md 3.9, Ex::GetRestoreName", "restore_name", "ooooooooXXo",
   [](vss_session* s) { return there(vss_component_restore_name(s, 0)); },
   [](Session& s) { (void)first(s).restore_name(); }},
  {"vss.md 3.9, Ex::GetAuthoritativeRestore", "authoritative_restore", "ooooooooXXo",
   [](vss_session* s) { return vss_component_authoritative_restore(s, 0); },
   [](Session& s) { (void)first(s).is_authoritative_restore(); }},
  {"vss.md 3.9, Ex::GetRollForward", "roll_forward", "ooooooooXXo",
   [](vss_session* s) { return vss_component_roll_forward(s, 0, nullptr); },
   [](Session& s) { (void)first(s).roll_forward(); }},
  {"vss.md 3.9, GetFileRestoreStatus", "file_restore_status", "ooooooooXXo",
   [](vss_session* s) { return vss_component_file_restore_status(s, 0); },
   [](Session& s) { (void)first(s).file_restore_status(); }},
  {"vss.md 3.9, GetRestoreTarget", "restore_target", "ooooooooXXo",
   [](vss_session* s) { return vss_component_get_restore_target(s, 0); },
   [](Session& s) { (void)first(s).restore_target(); }},
  {"vss.md 3.9, SetBackupStamp", "set_backup_stamp", "XoooXoooooo",
   [](vss_session* s) { return vss_component_set_backup_stamp(s, 0, "1"); },
   [](Session& s) { first(s).set_backup_stamp("1"); }},
  {"vss.md 3.9, SetBackupMetadata", "set_backup_metadata", "XoooXoooooo",
   [](vss_session* s) { return vss_component_set_backup_metadata(s, 0, "text"); },
   [](Session& s) { first(s).set_backup_metadata("text"); }},
  {"vss.md 3.9, SetRestoreMetadata", "set_restore_metadata", "XoooXoooXoo",
   [](vss_session* s) { return vss_component_set_restore_metadata(s, 0, "text"); },
   [](Session& s) { first(s).set_restore_metadata("text"); }},
  {"vss.md 3.9, AddPartialFile", "add_partial_file", "XoooXoooooo",
   [](vss_session* s) {
     const vss_partial_file file{sizeof(vss_partial_file), "/srv", "file", "0:1", ""};
     return vss_component_add_partial_file(s, 0, &file);
   },
   [](Session& s) { first(s).add_partial_file({"/srv", "file", "0:1", ""}); }},
  {"vss.md 3.9, AddDifferencedFiles", "add_differenced_file", "XoooXoooooo",
   [](vss_session* s) {
     const vss_differenced_file file{sizeof(vss_differenced_file), "/srv", "*", 0, 1};
     return vss_component_add_differenced_file(s, 0, &file);
   },
   [](Session& s) { first(s).add_differenced_file({"/srv", "*", false, 1}); }},
  {"vss.md 3.5, IVssComponentEx2::SetFailure", "component_fail", "XoooXoooXXo",
   [](vss_session* s) { return vss_component_fail(s, 0, VSS_E_WRITER_RETRYABLE, 1, "tried"); },
   [](Session& s) { first(s).fail(VSS_E_WRITER_RETRYABLE, "tried", 1); }},
  {"vss.md 3.9, SetPrepareForBackupFailureMsg", "set_prepare_for_backup_failure", "Xoooooooooo",
   [](vss_session* s) { return vss_component_set_prepare_for_backup_failure(s, 0, "tried"); },
   [](Session& s) { first(s).set_prepare_for_backup_failure("tried"); }},
  {"vss.md 3.9, SetPostSnapshotFailureMsg", "set_post_snapshot_failure", "ooooXoooooo",
   [](vss_session* s) { return vss_component_set_post_snapshot_failure(s, 0, "tried"); },
   [](Session& s) { first(s).set_post_snapshot_failure("tried"); }},
  {"vss.md 3.9, SetPreRestoreFailureMsg", "set_pre_restore_failure", "ooooooooXoo",
   [](vss_session* s) { return vss_component_set_pre_restore_failure(s, 0, "tried"); },
   [](Session& s) { first(s).set_pre_restore_failure("tried"); }},
  {"vss.md 3.9, SetPostRestoreFailureMsg", "set_post_restore_failure", "oooooooooXo",
   [](vss_session* s) { return vss_component_set_post_restore_failure(s, 0, "tried"); },
   [](Session& s) { first(s).set_post_restore_failure("tried"); }},
  {"vss.md 3.9, SetRestoreTarget", "set_restore_target", "ooooooooXoo",
   [](vss_session* s) { return vss_component_set_restore_target(s, 0, VSS_RESTORE_TARGET_ORIGINAL); },
   [](Session& s) { first(s).set_restore_target(VSS_RESTORE_TARGET_ORIGINAL); }},
  {"vss.md 3.9, AddDirectedTarget", "add_directed_target", "ooooooooXoo",
   [](vss_session* s) {
     const vss_directed_target target{sizeof(vss_directed_target), "/srv", "file", "0:1", "/srv", "other", "0:1"};
     return vss_component_add_directed_target(s, 0, &target);
   },
   [](Session& s) { first(s).add_directed_target({"/srv", "file", "0:1", "/srv", "other", "0:1"}); }},
};
// clang-format on

}  // namespace vss::test
