/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VSS_METADATA_H
#define VSS_METADATA_H
/*
 * What on_identify may call: it builds the writer metadata document, which says what the writer has, where,
 * and how it is backed up and restored. The contract at the head of writer.h holds. Since 0.1.
 *
 * All functions: only in the handler and on its thread, else BAD_STATE; on failure nothing has changed;
 * INVALID_ARGUMENT for what the schema of the document forbids. Paths are absolute. `spec` is the name of a
 * file, with * and ?, without '/'. What is named "component" by logical_path and name was added before.
 * Numbers of enumerations and masks are those of VSS. VSS pages: IVssCreateWriterMetadata.
 */

#include <vss/writer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Says why on_identify is about to return "no". Since 0.1. */
VSS_API int vss_metadata_fail(vss_metadata* metadata, const char* message);

/* VSS: VSS_COMPONENT_TYPE. */
typedef enum vss_component_type {
  VSS_COMPONENT_DATABASE = 1,
  VSS_COMPONENT_FILEGROUP = 2
} vss_component_type;

/* Flags of vss_metadata_add_component(). The last three: VSS_COMPONENT_FLAGS. */
#define VSS_COMPONENT_SELECTABLE 0x1u                /* the requester may take it or leave it */
#define VSS_COMPONENT_SELECTABLE_FOR_RESTORE 0x2u    /* the same in a restore */
#define VSS_COMPONENT_NOTIFY_ON_BACKUP_COMPLETE 0x4u /* the writer needs BackupComplete */
#define VSS_COMPONENT_BACKUP_RECOVERY 0x100u         /* recovered on the snapshot in a backup */
#define VSS_COMPONENT_APP_ROLLBACK_RECOVERY 0x200u   /* recovered on the snapshot in an app-rollback */
#define VSS_COMPONENT_NOT_SYSTEM_STATE 0x400u        /* no part of the state of the system */

/*
 * Adds a component, named by logical_path ("" or NULL for the root, "a/b" below b in a) and name (without
 * '/'); the pair is unique. A component is below another whose logical path and name are its logical path:
 * who selects that one has this one, too. caption may be NULL. Errors: INVALID_ARGUMENT (also after 4096
 * components), ALREADY_EXISTS. Since 0.1. VSS: AddComponent.
 */
VSS_API int vss_metadata_add_component(vss_metadata* metadata, vss_component_type type,
                                       const char* logical_path, const char* name, const char* caption,
                                       uint32_t flags);
/* What the writer wants to find again in a restore. Errors: INVALID_ARGUMENT, NOT_FOUND. Since 0.1. */
VSS_API int vss_metadata_set_restore_metadata(vss_metadata* metadata, const char* logical_path,
                                              const char* name, const char* text);

/* What files are. The last two are for components of type database. */
typedef enum vss_file_kind { VSS_FILES = 0, VSS_FILES_DATABASE = 1, VSS_FILES_LOG = 2 } vss_file_kind;

/*
 * When files are wanted, by type of backup. BACKUP_REQUIRED: their present state must be restorable after a
 * backup of that type. SNAPSHOT_REQUIRED: they are to be copied from the snapshot. VSS:
 * VSS_FILE_SPEC_BACKUP_TYPE.
 */
#define VSS_BACKUP_REQUIRED_FULL 0x1u
#define VSS_BACKUP_REQUIRED_DIFFERENTIAL 0x2u
#define VSS_BACKUP_REQUIRED_INCREMENTAL 0x4u
#define VSS_BACKUP_REQUIRED_LOG 0x8u
#define VSS_BACKUP_REQUIRED_ALL 0xFu
#define VSS_SNAPSHOT_REQUIRED_FULL 0x100u
#define VSS_SNAPSHOT_REQUIRED_DIFFERENTIAL 0x200u
#define VSS_SNAPSHOT_REQUIRED_INCREMENTAL 0x400u
#define VSS_SNAPSHOT_REQUIRED_LOG 0x800u
#define VSS_SNAPSHOT_REQUIRED_ALL 0xF00u
#define VSS_CREATED_DURING_BACKUP 0x10000u /* not there yet; the writer makes them during the backup */
#define VSS_REQUIRED_DEFAULT 0xF0Fu        /* in all types of backup, from the snapshot */

/*
 * Adds files to a component: those in the directory `path` whose name matches `spec` ("*", "*.db", "name"),
 * with those of the directories below it if `recursive` is not 0. Errors: INVALID_ARGUMENT, NOT_FOUND
 * (component). Since 0.1. VSS: AddFilesToFileGroup.
 */
VSS_API int vss_metadata_add_files(vss_metadata* metadata, const char* logical_path, const char* name,
                                   const char* path, const char* spec, int recursive);
/*
 * The same with all there is to say: their kind; where they are found for a backup instead of `path`
 * (alternate_path, may be NULL); when they are wanted. Errors: INVALID_ARGUMENT (also a kind that the type of
 * the component does not have), NOT_FOUND (component). Since 0.1. VSS: AddFilesToFileGroup, AddDatabaseFiles,
 * AddDatabaseLogFiles.
 */
VSS_API int vss_metadata_add_file_set(vss_metadata* metadata, const char* logical_path, const char* name,
                                      vss_file_kind kind, const char* path, const char* spec, int recursive,
                                      const char* alternate_path, uint32_t required);

/* Names files not to be copied; wins over components. Errors: INVALID_ARGUMENT. Since 0.1. VSS:
 * AddExcludeFiles. */
VSS_API int vss_metadata_add_exclude(vss_metadata* metadata, const char* path, const char* spec,
                                     int recursive);
/*
 * Names files that are deleted from the snapshot while it is writable. Errors: INVALID_ARGUMENT. Since 0.1.
 * VSS: IVssCreateWriterMetadataEx::AddExcludeFilesFromSnapshot.
 */
VSS_API int vss_metadata_add_exclude_from_snapshot(vss_metadata* metadata, const char* path, const char* spec,
                                                   int recursive);
/*
 * Says where files may go in a restore when their place is taken. `path`, `spec` and `recursive` are those of
 * files of a component added before. Errors: INVALID_ARGUMENT, NOT_FOUND (no such files), ALREADY_EXISTS.
 * Since 0.1. VSS: AddAlternateLocationMapping.
 */
VSS_API int vss_metadata_add_alternate_location_mapping(vss_metadata* metadata, const char* path,
                                                        const char* spec, int recursive,
                                                        const char* destination);
/*
 * A component needs one of another writer (class_id, a GUID): a backup has both or neither; no order follows.
 * Errors: INVALID_ARGUMENT (also the writer's own class), NOT_FOUND (component), ALREADY_EXISTS. Since 0.1.
 * VSS: AddComponentDependency.
 */
VSS_API int vss_metadata_add_dependency(vss_metadata* metadata, const char* logical_path, const char* name,
                                        const char* class_id, const char* on_logical_path,
                                        const char* on_name);

/* What the writer can do beside a full backup. VSS: VSS_BACKUP_SCHEMA. */
#define VSS_SCHEMA_DIFFERENTIAL 0x1u
#define VSS_SCHEMA_INCREMENTAL 0x2u
#define VSS_SCHEMA_EXCLUSIVE_INCREMENTAL_DIFFERENTIAL 0x4u /* one of both between two full backups */
#define VSS_SCHEMA_LOG 0x8u
#define VSS_SCHEMA_COPY 0x10u
#define VSS_SCHEMA_TIMESTAMPED 0x20u /* backup stamps */
#define VSS_SCHEMA_LAST_MODIFY 0x40u /* differenced files */
#define VSS_SCHEMA_LSN 0x80u         /* partial files */
#define VSS_SCHEMA_NEW_TARGET 0x100u
#define VSS_SCHEMA_RESTORE_WITH_MOVE 0x200u
#define VSS_SCHEMA_INDEPENDENT_SYSTEM_STATE 0x400u
#define VSS_SCHEMA_ROLL_FORWARD_RESTORE 0x1000u
#define VSS_SCHEMA_RESTORE_RENAME 0x2000u
#define VSS_SCHEMA_AUTHORITATIVE_RESTORE 0x4000u
#define VSS_SCHEMA_PARALLEL_RESTORES 0x8000u
/* The last call counts. Errors: INVALID_ARGUMENT (unknown bit). Since 0.1. VSS: SetBackupSchema. */
VSS_API int vss_metadata_set_backup_schema(vss_metadata* metadata, uint32_t schema);

/* When the writer wants PreRestore and PostRestore. VSS: VSS_WRITERRESTORE_ENUM. */
typedef enum vss_writer_restore {
  VSS_WRITER_RESTORE_NEVER = 0,
  VSS_WRITER_RESTORE_IF_REPLACE_FAILS = 1,
  VSS_WRITER_RESTORE_ALWAYS = 2
} vss_writer_restore;
/*
 * Says how the data is restored: `method` is "restore-if-not-there", "restore-if-can-replace",
 * "stop-restart-service" (stop it, restore, start it), "restore-to-alternate-location", "restore-at-reboot",
 * "restore-at-reboot-if-cannot-replace", "custom" or "restore-stop-start" (restore, then stop and start it).
 * `service` (the unit to be stopped) and `user_procedure` (address of instructions) may be NULL. The last
 * call counts. Errors: INVALID_ARGUMENT. Since 0.1. VSS: SetRestoreMethod.
 */
VSS_API int vss_metadata_set_restore_method(vss_metadata* metadata, const char* method, const char* service,
                                            const char* user_procedure, vss_writer_restore writer_restore,
                                            int reboot_required);

#ifdef __cplusplus
}
#endif
#endif
