/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VSS_WRITER_H
#define VSS_WRITER_H
/*
 * libvss-writer: lets an application take part in snapshots made by vssd, as a VSS writer. Since 0.1.
 *
 * Contract
 *  1. Binary interface. Everything is opaque or plain C. Structures begin with struct_size; set it to sizeof
 * of the structure (VSS_WRITER_CONFIG_INIT and VSS_WRITER_CALLBACKS_INIT do). Later versions only append
 * members and functions; a member that is not there counts as zero. No exception leaves the library.
 *  2. Ownership. Strings given to the library are copied. Strings it hands out belong to it and live as long
 * as the vss_session or vss_metadata they come from, that is until the handler returns; those of a component
 * until the handler changes that component. All text is UTF-8, no pointer may be NULL unless its function
 * says so.
 *  3. Results. Functions that can fail return VSS_OK (0) or a negative vss_status; on failure nothing has
 * changed.
 *  4. Handlers. A handler returns 0 for "yes" and anything else for "no" (a veto). It may call vss_fail()
 * first to say why; vss_fail() and then 0 reports a failure but lets the sequence go on.
 *  5. Threads. All handlers of one writer run one after another: on one thread of the library's own
 * (default), or inside vss_writer_dispatch() (VSS_WRITER_HOST_LOOP). Functions that take a vss_session or
 * vss_metadata may be called only inside the handler that got it and on its thread. The others are legal on
 * any thread, but not at the same time for one writer, and vss_writer_stop() and vss_writer_free() not inside
 * a handler.
 *  6. Order of one operation: prepare_backup, prepare_snapshot, freeze, thaw, post_snapshot, backup_complete,
 *     backup_shutdown. It may end after any of them; without a snapshot, backup_complete follows
 *     prepare_backup. A restore: pre_restore, post_restore, restore_shutdown; there is no abort in it.
 *     Several operations may run at once; tell them apart by vss_session_id(). Identify may be asked at any
 *     time.
 *  7. After on_freeze exactly one of on_thaw and on_abort follows, whatever happens: if neither Thaw nor
 * Abort comes within the freeze time-out, or vssd or the bus goes away, the library runs on_abort by itself.
 * It runs it after on_freeze has returned: a handler that hangs delays everything behind it. on_abort may
 * also come when nothing was frozen, and after on_thaw when that said no or the set failed afterwards; never
 * after on_post_snapshot. It comes at most once in an operation.
 *  8. After on_abort only on_backup_shutdown follows. on_backup_shutdown is the last event of every operation
 * that reached on_prepare_backup, also when the requester or vssd died: when vssd or the bus goes away, the
 * library runs it by itself after on_abort. on_restore_shutdown is the same for restores.
 *  9. Loss. The library waits for vssd, reconnects and registers again by itself. vssd may be started after
 * the writer.
 * 10. Trust. Events are accepted from the owner of org.vssd.Vss1 on the system bus only.
 * DBUS_SYSTEM_BUS_ADDRESS is honoured.
 * 11. Do not fork in a handler without exec.
 * 12. Parts. metadata.h has what on_identify may call, component.h what is known of the selected components
 * and what a handler may say about them. This header includes both.
 *
 * VSS pages named below are those of https://learn.microsoft.com/windows/win32/api/vswriter.
 */

#include <stddef.h> /* NOLINT(modernize-deprecated-headers): this is C */
#include <stdint.h> /* NOLINT(modernize-deprecated-headers) */

#if defined(__GNUC__)
#define VSS_API __attribute__((visibility("default")))
#else
#define VSS_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A writer. Made by vss_writer_create(), ended by vss_writer_free(). */
typedef struct vss_writer vss_writer;
/* One event of one operation, as a handler sees it. Borrowed: ends with the handler. */
typedef struct vss_session vss_session;
/* The writer metadata document while on_identify builds it. Borrowed: ends with the handler. */
typedef struct vss_metadata vss_metadata;

/* What the functions of this library return. Since 0.1. */
typedef enum vss_status {
  VSS_OK = 0,
  VSS_ERR_INVALID_ARGUMENT = -1, /* NULL, empty, out of range, not UTF-8 */
  VSS_ERR_BAD_STATE = -2,        /* not legal now, in this event, or on this thread */
  VSS_ERR_NOT_FOUND = -3,        /* no such component, volume or file */
  VSS_ERR_ALREADY_EXISTS = -4,   /* the component is there already */
  VSS_ERR_OUT_OF_MEMORY = -5,
  VSS_ERR_SYSTEM = -6 /* the operating system refused; errno says why */
} vss_status;

/*
 * What a handler may report through vss_fail(). In brackets the VSS code. Since 0.1.
 * VSS: IVssBackupComponents::GetWriterStatus.
 */
typedef enum vss_writer_error {
  VSS_E_WRITER_INCONSISTENT_SNAPSHOT = 1, /* the set lacks a volume that the writer needs (0x800423F0) */
  VSS_E_WRITER_OUT_OF_RESOURCES = 2,      /* a resource ran out; again later may help (0x800423F1) */
  VSS_E_WRITER_TIMEOUT = 3,               /* something took too long; again later may help (0x800423F2) */
  VSS_E_WRITER_RETRYABLE = 4,             /* again later may help (0x800423F3) */
  VSS_E_WRITER_NON_RETRYABLE = 5,         /* again will not help (0x800423F4) */
  VSS_E_WRITER_RECOVERY_FAILED =
      6, /* on_post_snapshot could not recover the data on the snapshot (0x800423F5) */
  VSS_E_WRITER_PARTIAL_FAILURE = 7 /* some components failed (0x80042336) */
} vss_writer_error;

/* Text of a vss_status, a vss_writer_error, or any other number. Never NULL, static. Any thread. Since 0.1.
 */
VSS_API const char* vss_strerror(int code);
/* Version of the library, "0.1.0". Static. Any thread. Since 0.1. */
VSS_API const char* vss_version(void);

/* ---- The writer
 * ------------------------------------------------------------------------------------------------- */

/* When a writer freezes: front ends first, then the stores they use, then the system. VSS:
 * VSS_APPLICATION_LEVEL. */
typedef enum vss_level { VSS_LEVEL_FRONT_END = 0, VSS_LEVEL_BACK_END = 1, VSS_LEVEL_SYSTEM = 2 } vss_level;

/* Flags of vss_writer_config. */
#define VSS_WRITER_HOST_LOOP 1u /* no thread of the library: the host calls vss_writer_dispatch() */
#define VSS_WRITER_ACTIVATE 2u  /* ask the bus to start vssd when it is not there */

/* Freeze time-out: default and upper limit, milliseconds. */
#define VSS_FREEZE_TIMEOUT_MS 60000u

/*
 * Which operations a writer takes part in; the numbers are those of VSS. Identify comes in any case, and what
 * follows from an event that was sent. VSS: VSS_SUBSCRIBE_MASK.
 */
#define VSS_SUBSCRIBE_BACKUP 2u
#define VSS_SUBSCRIBE_RESTORE 4u
#define VSS_SUBSCRIBE_ALL 6u

/* What the data is for. VSS: VSS_USAGE_TYPE. */
typedef enum vss_usage {
  VSS_USAGE_UNDEFINED = 0,
  VSS_USAGE_BOOTABLE_SYSTEM_STATE = 1,
  VSS_USAGE_SYSTEM_SERVICE = 2,
  VSS_USAGE_USER_DATA = 3,
  VSS_USAGE_OTHER = 4
} vss_usage;
/* What keeps the data. VSS: VSS_SOURCE_TYPE. */
typedef enum vss_source {
  VSS_SOURCE_UNDEFINED = 0,
  VSS_SOURCE_TRANSACTED_DATABASE = 1,
  VSS_SOURCE_NONTRANSACTED_DATABASE = 2,
  VSS_SOURCE_OTHER = 3
} vss_source;

/* Who the writer is. Since 0.1. VSS: CVssWriter::Initialize, InitializeEx. */
typedef struct vss_writer_config {
  size_t struct_size;
  const char* name;          /* shown to users; required */
  const char* class_id;      /* GUID of this kind of writer, the same on all machines; required */
  const char* instance_name; /* tells writers of one class apart; may be NULL */
  const char* version;       /* of the writer; may be NULL */
  vss_level level;
  uint32_t freeze_timeout_ms; /* longest time between on_freeze and on_thaw, 1 to 60000; 0 is 60000 */
  uint32_t flags;             /* VSS_WRITER_* */
  uint32_t reserved;          /* not read: where this structure had padding before the members below */
  uint32_t subscribe;         /* VSS_SUBSCRIBE_*; 0 is all */
  vss_usage usage;
  vss_source source;
} vss_writer_config;
#define VSS_WRITER_CONFIG_INIT                                                                               \
  {                                                                                                          \
    sizeof(vss_writer_config), NULL, NULL, NULL, NULL, VSS_LEVEL_FRONT_END, 0, 0, 0, 0, VSS_USAGE_UNDEFINED, \
        VSS_SOURCE_UNDEFINED                                                                                 \
  }

/* What on_state_changed reports. */
typedef enum vss_writer_state {
  VSS_WRITER_UNREGISTERED = 0, /* vssd or the bus is not there; message says which */
  VSS_WRITER_REGISTERED = 1,
  VSS_WRITER_REFUSED = 2 /* vssd said no, message says why; tried again every few seconds */
} vss_writer_state;

/*
 * The handlers; each may be NULL, which answers "yes". `user` is what vss_writer_create() got. How long vssd
 * waits: 10 minutes, but for freeze and thaw together the freeze time-out, for backup_shutdown and
 * restore_shutdown 30 s. Since 0.1. VSS: the event handlers of CVssWriter.
 */
typedef struct vss_writer_callbacks {
  size_t struct_size;
  /* Describe what there is to back up. Deterministic, quick, without side effects. Any time. */
  int (*on_identify)(vss_metadata* metadata, void* user);
  /* A backup begins; vss_component_count() tells what was selected. */
  int (*on_prepare_backup)(vss_session* session, void* user);
  /* Long work before the freeze: checkpoint, drain. A failure raises no Abort. */
  int (*on_prepare_snapshot)(vss_session* session, void* user);
  /* Stop changing the volumes of the set. Short. The last chance to say no. */
  int (*on_freeze)(vss_session* session, void* user);
  /* Go on; the snapshots exist. */
  int (*on_thaw)(vss_session* session, void* user);
  /* The snapshots are writable now: recover, remove what must not be kept. A failure raises no Abort. */
  int (*on_post_snapshot)(vss_session* session, void* user);
  /* Back to normal, undo everything. Must work in every state. The answer is only recorded. */
  int (*on_abort)(vss_session* session, void* user);
  /* The files were copied; vss_component_succeeded() tells which. May never come. */
  int (*on_backup_complete)(vss_session* session, void* user);
  /* The operation has ended for good, in whatever way; vss_shutdown_set_id() tells which. */
  int (*on_backup_shutdown)(vss_session* session, void* user);
  /* Registered, refused, gone. For logs. The message ends with the call. */
  void (*on_state_changed)(vss_writer_state state, const char* message, void* user);
  /* A restore begins: stop what is in the way, say where the files are to go. VSS: OnPreRestore. */
  int (*on_pre_restore)(vss_session* session, void* user);
  /* The files are in place, or not: vss_component_file_restore_status(). VSS: OnPostRestore. */
  int (*on_post_restore)(vss_session* session, void* user);
  /* The restore has ended for good, in whatever way; on_post_restore may never have come. Ours, not VSS. */
  int (*on_restore_shutdown)(vss_session* session, void* user);
} vss_writer_callbacks;
#define VSS_WRITER_CALLBACKS_INIT                                                                         \
  {                                                                                                       \
    sizeof(vss_writer_callbacks), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
        NULL                                                                                              \
  }

/*
 * Makes a writer; nothing happens on the bus yet. Both structures are copied; `user` is handed to every
 * handler and must outlive the writer. On success *writer is the caller's, to be given to vss_writer_free().
 * Errors: INVALID_ARGUMENT (no name, class_id is no GUID, time-out over the limit, unknown flag
 * or number), OUT_OF_MEMORY, SYSTEM. Any thread. Since 0.1. VSS: CVssWriter::Initialize.
 */
VSS_API int vss_writer_create(const vss_writer_config* config, const vss_writer_callbacks* callbacks,
                              void* user, vss_writer** writer);

/*
 * Begins: connects, registers when vssd is there, and keeps doing so. Returns at once and also when there is
 * no bus yet. With VSS_WRITER_HOST_LOOP the work is done in vss_writer_dispatch(). Errors: BAD_STATE (started
 * before), OUT_OF_MEMORY, SYSTEM. Since 0.1. VSS: CVssWriter::Subscribe.
 */
VSS_API int vss_writer_start(vss_writer* writer);

/*
 * Ends: for each open operation on_abort (where contract 7 asks for it) and on_backup_shutdown or
 * on_restore_shutdown are run, then the writer is unregistered. Returns when the last handler has returned;
 * no handler runs afterwards. Cannot be started again. Errors: BAD_STATE (called inside a handler). Since
 * 0.1. VSS: CVssWriter::Unsubscribe.
 */
VSS_API int vss_writer_stop(vss_writer* writer);

/* Stops if need be and frees. NULL is ignored. Not inside a handler (it would be ignored). Since 0.1. */
VSS_API void vss_writer_free(vss_writer* writer);

/*
 * Host loop: a descriptor that is readable (POLLIN) whenever vss_writer_dispatch() has something to do,
 * timers included. Stays the same for the life of the writer and belongs to it: do not read or close it.
 * Returns it, or BAD_STATE without VSS_WRITER_HOST_LOOP. Any thread. Since 0.1.
 */
VSS_API int vss_writer_get_fd(const vss_writer* writer);

/*
 * Host loop: does what there is to do, handlers included, and returns; never waits for events, but
 * (re)connecting to the bus may take as long as the bus daemon takes to say hello. Always on one and the same
 * thread. The freeze timer is looked at in each call: a host that does not call lets it pass late. Errors:
 * BAD_STATE (not started, stopped, inside a handler, no VSS_WRITER_HOST_LOOP). Since 0.1.
 */
VSS_API int vss_writer_dispatch(vss_writer* writer);

/* ---- Inside a handler
 * ------------------------------------------------------------------------------------------- */

/*
 * Says what went wrong; the requester gets to see it. The last call counts. `application_code` is the
 * application's own number, 0 if it has none; `message` is for the end user and may be NULL. Errors:
 * INVALID_ARGUMENT (unknown code), BAD_STATE (thread). Since 0.1. VSS: CVssWriterEx2::SetWriterFailureEx.
 */
VSS_API int vss_fail(vss_session* session, vss_writer_error code, int32_t application_code,
                     const char* message);

/* Id of the operation, a GUID. All events. Since 0.1. VSS: CVssWriterEx2::GetSessionId. */
VSS_API const char* vss_session_id(const vss_session* session);

/*
 * Id of the snapshot set being made. Events: freeze, thaw, post_snapshot; else BAD_STATE.
 * Since 0.1. VSS: CVssWriter::GetCurrentSnapshotSetId.
 */
VSS_API int vss_session_set_id(const vss_session* session, const char** set_id);

/*
 * Id of the snapshot set of the operation that ended; the null GUID if it never had one. Event:
 * backup_shutdown; else BAD_STATE. When the library runs the handler because vssd is gone, it is the set that
 * the writer last heard of. Since 0.1. VSS: CVssWriter::OnBackupShutdown.
 */
VSS_API int vss_shutdown_set_id(const vss_session* session, const char** set_id);

/*
 * The volumes of the set as far as they are known: complete from prepare_snapshot on. Paths of mount points
 * or subvolumes; vss_session_volume() is NULL for an index out of range. Since 0.1. VSS:
 * CVssWriter::GetCurrentVolumeCount, GetCurrentVolumeArray.
 */
VSS_API size_t vss_session_volume_count(const vss_session* session);
VSS_API const char* vss_session_volume(const vss_session* session, size_t index);

/*
 * 1 if `path` lies on one of the volumes of the set, 0 if not. The path is absolute; where it does not exist,
 * its nearest existing parent decides. Does stat(2): not for on_freeze if the file server may hang. Errors:
 * INVALID_ARGUMENT, SYSTEM. Since 0.1. VSS: CVssWriter::IsPathAffected.
 */
VSS_API int vss_is_path_affected(const vss_session* session, const char* path);

/*
 * Which of `paths` lie on one of the volumes of the set: affected[i] becomes 1 or 0, and the answer is how many do. What
 * an application asks whose files only make sense together: none is a set that has nothing of it, fewer than `count` is
 * one that lacks a volume, to be refused. A volume that this account cannot look at carries none of them. Otherwise as
 * vss_is_path_affected(). Errors, and then nothing is written: INVALID_ARGUMENT (a path is not absolute), SYSTEM (a path
 * cannot be looked at). Since 0.1. VSS: none.
 */
VSS_API int vss_affected_paths(const vss_session* session, const char* const* paths, size_t count, int* affected);

/*
 * Where the snapshot of a volume (one of vss_session_volume()) is found, writable. Event: post_snapshot; else
 * BAD_STATE. NOT_FOUND: no such volume in the set. Since 0.1. VSS: CVssWriter::GetSnapshotDeviceName.
 */
VSS_API int vss_snapshot_path(const vss_session* session, const char* volume, const char** path);

/*
 * 1 if the snapshots of these paths show one instant, 0 if they do not: on one volume they always do, on several if all
 * of them were held together. What several files that belong together may rely on: data and log of a database, say.
 * Event: prepare_snapshot, where it is what is planned; post_snapshot, where it is what has come of it and may be less;
 * else BAD_STATE. NOT_FOUND: a path lies on no volume of the set (see vss_is_path_affected()). Does stat(2). Errors:
 * INVALID_ARGUMENT (a path is not absolute), SYSTEM. Since 0.1. VSS: none, each of its sets is one instant.
 */
VSS_API int vss_is_one_instant(const vss_session* session, const char* const* paths, size_t count);

/* 1 if the requester selects components, 0 if it takes whole volumes. Since 0.1. VSS: AreComponentsSelected.
 */
VSS_API int vss_components_selected(const vss_session* session);
/* "full", "incremental", "differential", "log", "copy" or "other"; in a restore the type of that backup.
 * Since 0.1. VSS: CVssWriter::GetBackupType. */
VSS_API const char* vss_backup_type(const vss_session* session);
/* "backup" or "app-rollback"; in a restore that of the backup. Since 0.1. VSS: CVssWriter::GetContext. */
VSS_API const char* vss_context(const vss_session* session);
/* Why there is an abort, for logs; "" in other events. Since 0.1. */
VSS_API const char* vss_abort_reason(const vss_session* session);

/*
 * 1 if the requester wants what the system needs to boot, 0 if not. Events: those of a backup; else
 * BAD_STATE. Since 0.1. VSS: CVssWriter::IsBootableSystemStateBackedUp.
 */
VSS_API int vss_bootable_system_state(const vss_session* session);
/*
 * 1 if the requester can save parts of files, 0 if not. Events: those of a backup; else BAD_STATE. Since 0.1.
 * VSS: CVssWriter::IsPartialFileSupportEnabled.
 */
VSS_API int vss_partial_file_support(const vss_session* session);
/*
 * The level in which the writer is being frozen or thawed, a vss_level: that of its configuration. Events:
 * freeze, thaw; else BAD_STATE. Since 0.1. VSS: CVssWriter::GetCurrentLevel.
 */
VSS_API int vss_current_level(const vss_session* session);

/* How files come back. VSS: VSS_RESTORE_TYPE. */
typedef enum vss_restore_type {
  VSS_RESTORE_UNDEFINED = 0,
  VSS_RESTORE_BY_COPY = 1,
  VSS_RESTORE_IMPORT = 2,
  VSS_RESTORE_OTHER = 3
} vss_restore_type;
/*
 * A vss_restore_type. Events: pre_restore, post_restore; else BAD_STATE. Since 0.1. VSS:
 * CVssWriter::GetRestoreType.
 */
VSS_API int vss_get_restore_type(const vss_session* session);

/*
 * 1 once vss_writer_stop() was called: for handlers that take long, which should then give up and report
 * VSS_E_WRITER_NON_RETRYABLE. 0 before. All events; any thread while the handler runs. Since 0.1. VSS:
 * CVssWriterEx2::IsWriterShuttingDown.
 */
VSS_API int vss_is_writer_shutting_down(const vss_session* session);

#ifdef __cplusplus
}
#endif

#include <vss/component.h>
#include <vss/metadata.h>
#endif
