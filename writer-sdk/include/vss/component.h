/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VSS_COMPONENT_H
#define VSS_COMPONENT_H
/*
 * The selected components of this writer, as the backup components document has them: what the requester
 * said, what the writer says. The contract at the head of writer.h holds. Since 0.1.
 *
 * A component is named by `index`, from 0 to vss_component_count() - 1. What the writer sets is in the answer
 * to the event, is kept in the document, and comes back in later events, in later backups (as the requester
 * wishes) and in a restore.
 *
 * Getters: where nothing is said otherwise legal in all events; text is "" where nothing was said, NULL for
 * an index out of range or in an event in which it means nothing; numbers are 0, or BAD_STATE or NOT_FOUND;
 * counts are 0. What they hand out ends with the handler or with the next change of that component.
 * Setters: only in the events named, on the handler's thread. Errors: BAD_STATE (event, thread), NOT_FOUND
 * (index), INVALID_ARGUMENT (text); OUT_OF_MEMORY. In backup_complete the document is read-only. An answer
 * may hold 4 MiB of it; more turns it into a veto.
 * Structures: struct_size is set by the caller, for both directions; the INIT macros do it.
 * VSS pages: IVssWriterComponents, IVssComponent, IVssComponentEx, IVssComponentEx2.
 */

#include <vss/writer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What a component is ---- */

/* How many were selected. Since 0.1. VSS: IVssWriterComponents::GetComponentCount. */
VSS_API size_t vss_component_count(const vss_session* session);
/* Since 0.1. VSS: GetLogicalPath. */
VSS_API const char* vss_component_logical_path(const vss_session* session, size_t index);
/* Since 0.1. VSS: GetComponentName. */
VSS_API const char* vss_component_name(const vss_session* session, size_t index);
/* A vss_component_type, 0 when vssd does not say. Since 0.1. VSS: GetComponentType. */
VSS_API int vss_component_get_type(const vss_session* session, size_t index);
/* 1 if its files were saved; 0 if not, and before backup_complete. Since 0.1. VSS: GetBackupSucceeded. */
VSS_API int vss_component_succeeded(const vss_session* session, size_t index);

/* ---- Backup ---- */

/* What the requester asks for, in the writer's own words. Since 0.1. VSS: GetBackupOptions. */
VSS_API const char* vss_component_backup_options(const vss_session* session, size_t index);
/* The stamp of the backup that this one builds on. Since 0.1. VSS: GetPreviousBackupStamp. */
VSS_API const char* vss_component_previous_backup_stamp(const vss_session* session, size_t index);

/* Tells this backup from others; holds for all components below it. Since 0.1. VSS: GetBackupStamp. */
VSS_API const char* vss_component_backup_stamp(const vss_session* session, size_t index);
/* Events: prepare_backup, post_snapshot. Since 0.1. VSS: SetBackupStamp. */
VSS_API int vss_component_set_backup_stamp(vss_session* session, size_t index, const char* stamp);

/* The writer's own text about this backup. Since 0.1. VSS: GetBackupMetadata. */
VSS_API const char* vss_component_backup_metadata(const vss_session* session, size_t index);
/* Events: prepare_backup, post_snapshot. Since 0.1. VSS: SetBackupMetadata. */
VSS_API int vss_component_set_backup_metadata(vss_session* session, size_t index, const char* text);

/* The writer's own text for the restore. Since 0.1. VSS: GetRestoreMetadata. */
VSS_API const char* vss_component_restore_metadata(const vss_session* session, size_t index);
/* Events: prepare_backup, post_snapshot, pre_restore. Since 0.1. VSS: SetRestoreMetadata. */
VSS_API int vss_component_set_restore_metadata(vss_session* session, size_t index, const char* text);

/* Only parts of a file are saved. */
typedef struct vss_partial_file {
  size_t struct_size;
  const char* path; /* its directory, absolute */
  const char* file_name;
  const char* ranges;   /* "offset:length, ..." in bytes, decimal or 0x..., or the path of a file of ranges */
  const char* metadata; /* the writer's own; NULL is "" */
} vss_partial_file;
#define VSS_PARTIAL_FILE_INIT \
  { sizeof(vss_partial_file), NULL, NULL, NULL, NULL }
VSS_API size_t vss_component_partial_file_count(const vss_session* session, size_t index);
/* Errors: NOT_FOUND. Since 0.1. VSS: GetPartialFile. */
VSS_API int vss_component_partial_file(const vss_session* session, size_t index, size_t number,
                                       vss_partial_file* file);
/*
 * Events: prepare_backup, post_snapshot, and only if vss_partial_file_support(), else BAD_STATE. The file may
 * be in no component; its volume is in the set. Since 0.1. VSS: AddPartialFile.
 */
VSS_API int vss_component_add_partial_file(vss_session* session, size_t index, const vss_partial_file* file);

/* Files of which only those are saved that have changed. */
typedef struct vss_differenced_file {
  size_t struct_size;
  const char* path; /* absolute */
  const char* spec;
  int recursive;
  int64_t last_modified; /* Unix seconds: changed since then; 0: the requester decides */
} vss_differenced_file;
#define VSS_DIFFERENCED_FILE_INIT \
  { sizeof(vss_differenced_file), NULL, NULL, 0, 0 }
VSS_API size_t vss_component_differenced_file_count(const vss_session* session, size_t index);
/* Errors: NOT_FOUND. Since 0.1. VSS: GetDifferencedFile. */
VSS_API int vss_component_differenced_file(const vss_session* session, size_t index, size_t number,
                                           vss_differenced_file* file);
/* Events: prepare_backup, post_snapshot. Since 0.1. VSS: AddDifferencedFilesByLastModifyTime. */
VSS_API int vss_component_add_differenced_file(vss_session* session, size_t index,
                                               const vss_differenced_file* file);

/* ---- Failures of one component ---- */

/*
 * Says that this component failed while others are good; the last call counts. Report
 * VSS_E_WRITER_PARTIAL_FAILURE with vss_fail() as well. `message` may be NULL. Events: prepare_backup,
 * post_snapshot, pre_restore, post_restore. Errors: also INVALID_ARGUMENT (unknown code). Since 0.1. VSS:
 * IVssComponentEx2::SetFailure.
 */
VSS_API int vss_component_fail(vss_session* session, size_t index, vss_writer_error code,
                               int32_t application_code, const char* message);
/* A failure that was reported. */
typedef struct vss_failure {
  size_t struct_size;
  const char* error; /* short name, as in "WriterRetryable" */
  int32_t application_code;
  const char* message;
} vss_failure;
#define VSS_FAILURE_INIT \
  { sizeof(vss_failure), NULL, 0, NULL }
/* Errors: NOT_FOUND (index, or no failure). Since 0.1. VSS: IVssComponentEx2::GetFailure. */
VSS_API int vss_component_failure(const vss_session* session, size_t index, vss_failure* failure);

/* What went wrong, for the end user, by event. Since 0.1. VSS: Get...FailureMsg. */
VSS_API const char* vss_component_prepare_for_backup_failure(const vss_session* session, size_t index);
VSS_API const char* vss_component_post_snapshot_failure(const vss_session* session, size_t index);
VSS_API const char* vss_component_pre_restore_failure(const vss_session* session, size_t index);
VSS_API const char* vss_component_post_restore_failure(const vss_session* session, size_t index);
/* Each in the event of its name only. Since 0.1. VSS: Set...FailureMsg. */
VSS_API int vss_component_set_prepare_for_backup_failure(vss_session* session, size_t index,
                                                         const char* message);
VSS_API int vss_component_set_post_snapshot_failure(vss_session* session, size_t index, const char* message);
VSS_API int vss_component_set_pre_restore_failure(vss_session* session, size_t index, const char* message);
VSS_API int vss_component_set_post_restore_failure(vss_session* session, size_t index, const char* message);

/* ---- Restore. Getters: pre_restore and post_restore only ---- */

/* 1 if it is to be restored, 0 if not. Since 0.1. VSS: IsSelectedForRestore. */
VSS_API int vss_component_selected_for_restore(const vss_session* session, size_t index);
/* 1 if more restores of it follow: no recovery of the data before the last. Since 0.1. VSS:
 * GetAdditionalRestores. */
VSS_API int vss_component_additional_restores(const vss_session* session, size_t index);
/* What the requester asks for, in the writer's own words. Since 0.1. VSS: GetRestoreOptions. */
VSS_API const char* vss_component_restore_options(const vss_session* session, size_t index);
/* The name that it is to have afterwards; "" for its own. Since 0.1. VSS: IVssComponentEx::GetRestoreName. */
VSS_API const char* vss_component_restore_name(const vss_session* session, size_t index);
/* 1 if what is restored wins over what replicas have. Since 0.1. VSS:
 * IVssComponentEx::GetAuthoritativeRestore. */
VSS_API int vss_component_authoritative_restore(const vss_session* session, size_t index);

/* Whether logs are replayed afterwards. VSS: VSS_ROLLFORWARD_TYPE. */
typedef enum vss_roll_forward {
  VSS_ROLL_FORWARD_UNDEFINED = 0,
  VSS_ROLL_FORWARD_NONE = 1,
  VSS_ROLL_FORWARD_ALL = 2,
  VSS_ROLL_FORWARD_PARTIAL = 3
} vss_roll_forward;
/* A vss_roll_forward; *point is up to where (PARTIAL), else ""; may be NULL. Since 0.1. VSS:
 * IVssComponentEx::GetRollForward. */
VSS_API int vss_component_roll_forward(const vss_session* session, size_t index, const char** point);

/* How it went with the files. VSS: VSS_FILE_RESTORE_STATUS. */
typedef enum vss_file_restore_status {
  VSS_FILES_RESTORED_UNDEFINED = 0,
  VSS_FILES_RESTORED_NONE = 1, /* nothing was changed */
  VSS_FILES_RESTORED_ALL = 2,
  VSS_FILES_RESTORED_FAILED = 3 /* some were, some were not: the data is not to be trusted */
} vss_file_restore_status;
/* A vss_file_restore_status; the requester sets it before post_restore. Since 0.1. VSS:
 * GetFileRestoreStatus. */
VSS_API int vss_component_file_restore_status(const vss_session* session, size_t index);

/* Components below it that are restored without the rest. Since 0.1. VSS: GetRestoreSubcomponent. */
VSS_API size_t vss_component_restore_subcomponent_count(const vss_session* session, size_t index);
/* Errors: BAD_STATE, NOT_FOUND. Since 0.1. */
VSS_API int vss_component_restore_subcomponent(const vss_session* session, size_t index, size_t number,
                                               const char** logical_path, const char** name);

/* Files that go elsewhere. */
typedef struct vss_mapping {
  size_t struct_size;
  const char* path;
  const char* spec;
  int recursive;
  const char* destination;
} vss_mapping;
#define VSS_MAPPING_INIT \
  { sizeof(vss_mapping), NULL, NULL, 0, NULL }
/* Where the requester puts files because it wants to. Since 0.1. VSS: GetNewTarget. */
VSS_API size_t vss_component_new_target_count(const vss_session* session, size_t index);
/* Errors: BAD_STATE, NOT_FOUND. Since 0.1. */
VSS_API int vss_component_new_target(const vss_session* session, size_t index, size_t number,
                                     vss_mapping* mapping);
/* The alternate location mappings of the metadata that were used. Since 0.1. VSS:
 * GetAlternateLocationMapping. */
VSS_API size_t vss_component_alternate_location_mapping_count(const vss_session* session, size_t index);
/* Errors: BAD_STATE, NOT_FOUND. Since 0.1. */
VSS_API int vss_component_alternate_location_mapping(const vss_session* session, size_t index, size_t number,
                                                     vss_mapping* mapping);

/* Where the files are to go. VSS: VSS_RESTORE_TARGET. */
typedef enum vss_restore_target {
  VSS_RESTORE_TARGET_UNDEFINED = 0,
  VSS_RESTORE_TARGET_ORIGINAL = 1,         /* as the restore method says */
  VSS_RESTORE_TARGET_ALTERNATE = 2,        /* to the alternate location mappings */
  VSS_RESTORE_TARGET_DIRECTED = 3,         /* as the directed targets say */
  VSS_RESTORE_TARGET_ORIGINAL_LOCATION = 4 /* where they were, whatever the restore method is */
} vss_restore_target;
/* A vss_restore_target. Since 0.1. VSS: GetRestoreTarget. */
VSS_API int vss_component_get_restore_target(const vss_session* session, size_t index);
/* Event: pre_restore. Since 0.1. VSS: SetRestoreTarget. */
VSS_API int vss_component_set_restore_target(vss_session* session, size_t index, vss_restore_target target);

/* Parts of a saved file that go to parts of another; for VSS_RESTORE_TARGET_DIRECTED. */
typedef struct vss_directed_target {
  size_t struct_size;
  const char* source_path; /* directory, absolute */
  const char* source_file;
  const char* source_ranges; /* as in vss_partial_file, without files of ranges */
  const char* destination_path;
  const char* destination_file;
  const char* destination_ranges;
} vss_directed_target;
#define VSS_DIRECTED_TARGET_INIT \
  { sizeof(vss_directed_target), NULL, NULL, NULL, NULL, NULL, NULL }
VSS_API size_t vss_component_directed_target_count(const vss_session* session, size_t index);
/* Errors: BAD_STATE, NOT_FOUND. Since 0.1. VSS: GetDirectedTarget. */
VSS_API int vss_component_directed_target(const vss_session* session, size_t index, size_t number,
                                          vss_directed_target* target);
/* Event: pre_restore. Since 0.1. VSS: AddDirectedTarget. */
VSS_API int vss_component_add_directed_target(vss_session* session, size_t index,
                                              const vss_directed_target* target);

#ifdef __cplusplus
}
#endif
#endif
