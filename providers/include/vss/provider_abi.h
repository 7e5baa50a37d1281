/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VSS_PROVIDER_ABI_H
#define VSS_PROVIDER_ABI_H
/*
 * The C ABI between vssd and its snapshot providers. Follows IVssSoftwareSnapshotProvider and
 * IVssProviderCreateSnapshotSet. Since 0.1.
 *
 * Contract
 *  1. A provider is a shared object <libdir>/vssd/providers/<name>.so, owned by root. It exports exactly one function,
 *     vss_provider_describe(), which has no side effects. It is loaded with RTLD_NOW | RTLD_LOCAL and never unloaded.
 *  2. abi_major must be equal; a greater abi_minor on either side is fine: struct_size tells which members exist.
 *     Structures only grow at their end. is_volume_supported, begin_prepare, commit, abort, remove, query and
 *     mount_info must be there; any other operation of minor 0 or 1 that is NULL has nothing to do and succeeds. One of
 *     minor 2 that is NULL is not supported, and who asked for it is told so.
 *  3. Threads: the operations of set creation (begin_prepare .. abort) come one after another, from one thread.
 *     is_volume_supported, query, remove, mount_info and all operations of minor 2 may come at the same time from a
 *     second thread, one after another; check_health from a third one, so that it need not wait for any of them.
 *  4. Operations block. The host waits for a limited time only and then counts the operation as failed; the operation
 *     goes on, and abort follows it as soon as it returns.
 *  5. Between the first hold and the last release (that is, in commit) an operation must not write or open files,
 *     except what the capture itself is, and must not log. No operation calls back into the host except through the
 *     functions given to it.
 *  6. Strings are UTF-8 and NUL-terminated. What the host passes is valid during the call only. What the provider
 *     reports goes through functions of the host, which copy it: nobody frees memory of the other side.
 *  7. Errors: 0 is success, otherwise VSS_PROVIDER_E_*; before returning one, the provider reports a message through
 *     report_error. Any other value counts as VSS_PROVIDER_E_UNEXPECTED. No exception leaves an operation.
 *  8. Order for one set (vss.md 4.3): begin_prepare per volume, end_prepare, pre_commit, commit (one or more calls,
 *     each with some of the members), post_commit, pre_final_commit, post_final_commit. abort may follow any of them
 *     and removes everything of the set; its own failure is only logged. A begin_prepare with another set id means
 *     that the earlier set is dead.
 */
#include <stddef.h> /* NOLINT(modernize-deprecated-headers): C, not C++ */
#include <stdint.h> /* NOLINT(modernize-deprecated-headers) */

#ifdef __cplusplus
extern "C" {
#endif

#define VSS_PROVIDER_ABI_MAJOR 1u
#define VSS_PROVIDER_ABI_MINOR 2u
#define VSS_PROVIDER_EXPORT __attribute__((visibility("default")))

/* The codes that a provider may return (Windows: error handling in shadow copy providers). */
enum vss_provider_status {
  VSS_PROVIDER_OK = 0,
  VSS_PROVIDER_E_INVALID_ARGUMENT = 1,
  VSS_PROVIDER_E_ACCESS_DENIED = 2,
  VSS_PROVIDER_E_OUT_OF_MEMORY = 3,
  VSS_PROVIDER_E_BAD_STATE = 4,
  VSS_PROVIDER_E_OBJECT_NOT_FOUND = 5,
  VSS_PROVIDER_E_INSUFFICIENT_STORAGE = 6,
  VSS_PROVIDER_E_VOLUME_NOT_SUPPORTED = 7,
  VSS_PROVIDER_E_MAXIMUM_NUMBER_OF_SNAPSHOTS = 8,
  VSS_PROVIDER_E_VETO = 9, /* cannot now; report_error says why */
  VSS_PROVIDER_E_UNEXPECTED = 10,
  /* commit only: the volume cannot be captured under this kind of hold (the kernel said EBUSY, say). From now on
     is_volume_supported answers with another kind. The host releases everything, calls abort, asks
     is_volume_supported again and begins anew with begin_prepare: once. Since minor 1. */
  VSS_PROVIDER_E_HOLD_REFUSED = 11,

  /* Since minor 2. */
  VSS_PROVIDER_E_VOLUME_IN_USE = 12,     /* revert: data would be lost; with `force` it would be done all the same */
  VSS_PROVIDER_E_NOT_SUPPORTED = 13,     /* not with this storage, or this volume, whatever its state */
  VSS_PROVIDER_E_REVERT_IN_PROGRESS = 14 /* an earlier revert of this volume is not done */
};

/* How writes to a volume are stopped while it is captured. */
enum vss_hold_ability {
  VSS_HOLD_FREEZE = 0,     /* FIFREEZE of the filesystem; commit happens while it is frozen */
  VSS_HOLD_SUSPEND = 1,    /* device-mapper suspend of the device; commit happens while it is suspended */
  VSS_HOLD_IMPOSSIBLE = 2, /* the capture needs a running filesystem: the unholdable kind */
  VSS_HOLD_NOT_NEEDED = 3  /* nothing is ever written: no hold, and no harm to the level */
};

/* How a snapshot fares while it is in use. Since minor 1. */
enum vss_snapshot_health {
  VSS_HEALTH_GOOD = 0,
  VSS_HEALTH_AT_RISK = 1, /* its store fills up and cannot grow: it will be lost */
  VSS_HEALTH_LOST = 2     /* what it shows is no longer what was captured */
};

/* How far the revert of a volume is. Since minor 2. */
enum vss_revert_state {
  VSS_REVERT_NONE = 0,           /* nobody reverts it */
  VSS_REVERT_PENDING_REBOOT = 1, /* when it is mounted or activated next, at the latest by a reboot */
  VSS_REVERT_RUNNING = 2,        /* the volume shows the snapshot; storage is being rearranged below it */
  VSS_REVERT_DONE = 3
};

/* add_storage: a number that the provider cannot tell. Since minor 2. */
#define VSS_STORAGE_UNKNOWN UINT64_MAX

/* One volume, as vssd found it. All strings may be "" but not NULL. */
struct vss_volume {
  size_t struct_size;
  const char *path;        /* root of the volume: a mount point or the root of a btrfs subvolume */
  const char *mount_point; /* the mount through which it is reached */
  const char *filesystem;  /* "btrfs", "ext4", ... */
  const char *device;      /* node of the block device */
  const char *uuid;        /* of the filesystem */
  const char *superblock;  /* identity of the superblock; equal for all mounts and subvolumes of one filesystem */
  const char *backing_file; /* file behind a loop device, "" otherwise */
  uint64_t subvolume_id;   /* btrfs, 0 otherwise */
};

/* One member of a set. Ids are GUIDs in text form. */
struct vss_member {
  size_t struct_size;
  const char *set_id;
  const char *snapshot_id;
  struct vss_volume volume;
  const char *data; /* what the provider gave to set_data for this snapshot, "" before */
};

/* Functions of the host, valid during the operation they are given to; to be called from its thread only. */
struct vss_provider_host {
  size_t struct_size;
  void *context;
  /* Message that goes with the error which the operation is about to return. */
  void (*report_error)(void *context, const char *message);
  /* One line for the log; level 0 debug, 1 info, 2 warning. Not in commit. */
  void (*log)(void *context, int level, const char *message);
  /* The answer of is_volume_supported. hold: enum vss_hold_ability. group: members with an equal, non-empty group are
     captured by one commit call. reason: why not, when supported is 0. */
  void (*set_support)(void *context, int supported, int hold, const char *group, const char *reason);
  /* What the provider needs to find the snapshot again (kept in the catalogue, at most 4096 bytes). Legal in
     begin_prepare, end_prepare, commit, post_commit, pre_final_commit and post_final_commit. */
  void (*set_data)(void *context, const char *snapshot_id, const char *data);
  /* Something of the volume that the snapshot does not contain, e.g. a nested subvolume. Legal in begin_prepare. */
  void (*add_not_included)(void *context, const char *snapshot_id, const char *path);
  /* The members of this commit call do not show one instant (legal in commit): reason says why. */
  void (*set_not_one_instant)(void *context, const char *reason);
  /* The answer of mount_info: arguments of mount(2). device: node of the snapshot, "" if it has none. */
  void (*set_mount)(void *context, const char *source, const char *filesystem, const char *options, const char *device);
  /* True once the host no longer waits for this operation: long work should stop. Any thread. */
  int (*is_cancelled)(void *context);

  /* Since minor 1. */

  /* The value of a key of the section [provider.<name>] of vssd.conf as text (a number in decimal, a boolean as
     "true" or "false"), NULL if it is not there. Legal in load; valid until load returns. A key of the section that
     load does not ask for is an error of the configuration: the provider is not used then. */
  const char *(*setting)(void *context, const char *key);
  /* The answer of check_health. health: enum vss_snapshot_health. seconds_left: until it is lost if all goes on as it
     does, -1 if unknown. reason: what and why, "" when good. */
  void (*set_health)(void *context, int health, int64_t seconds_left, const char *reason);

  /* Since minor 2. */

  /* The answer of break_snapshot: where the volume lives now. location: for people, and for mount(8) or lvm(8); the
     provider's manual says what it is. device: node of the volume, "" if it has none of its own. */
  void (*set_location)(void *context, const char *location, const char *device);
  /* The answer of revert and revert_status. state: enum vss_revert_state. percent: how much is done, 0 to 100, -1 if
     that cannot be told. message: what it waits for, "" if nothing. */
  void (*set_revert)(void *context, int state, int percent, const char *message);
  /* One place where snapshots of a volume are stored; storage() calls it once per place. volume: the path it was asked
     with. location: name of the place. used, allocated: bytes that snapshots fill, and that are set apart for them, or
     VSS_STORAGE_UNKNOWN. maximum: bytes that it may grow to, 0 if nothing limits it. */
  void (*add_storage)(void *context, const char *volume, const char *location, uint64_t used, uint64_t allocated,
                      uint64_t maximum);
};

struct vss_provider_ops {
  size_t struct_size;

  /* Called once after loading. runtime_dir: root-only directory on tmpfs for this provider, made by the host.
     Failure: the provider is not used. */
  int (*load)(const struct vss_provider_host *host, const char *runtime_dir);

  /* Capability, not present possibility. Answers through set_support. */
  int (*is_volume_supported)(const struct vss_provider_host *host, const struct vss_volume *volume);

  /* Quick; checks limits and space, may start work. Fails AddToSnapshotSet. */
  int (*begin_prepare)(const struct vss_provider_host *host, const struct vss_member *member);

  /* May be long: makes stores and destinations, opens every descriptor that commit needs. */
  int (*end_prepare)(const struct vss_provider_host *host, const char *set_id);

  /* Writers are frozen, volumes not yet held. Minimal. */
  int (*pre_commit)(const struct vss_provider_host *host, const char *set_id);

  /* The capture of these members, in as few steps as possible; they are held (or unholdable), all of one group or a
     single one. Goal: far below a second; the limit is 10 s for all providers together. The thread has the
     lowest real-time priority meanwhile, where vssd may give it; threads that it starts have not. */
  int (*commit)(const struct vss_provider_host *host, const char *set_id, const struct vss_member *members,
                size_t count);

  /* All commits of the set succeeded and writes go on. Minimal: writers are still frozen. */
  int (*post_commit)(const struct vss_provider_host *host, const char *set_id);

  /* Writers are thawed. The snapshots become writable for PostSnapshot. */
  int (*pre_final_commit)(const struct vss_provider_host *host, const char *set_id);

  /* The snapshots become read-only, for good. The host has unmounted them, and mounts them again afterwards. */
  int (*post_final_commit)(const struct vss_provider_host *host, const char *set_id);

  /* Removes everything of the set, in whatever state. Idempotent. */
  int (*abort)(const struct vss_provider_host *host, const char *set_id);

  /* Removes one snapshot (unmounted by the host before). One that does not exist is success. */
  int (*remove)(const struct vss_provider_host *host, const struct vss_member *snapshot);

  /* VSS_PROVIDER_OK if the snapshot exists, VSS_PROVIDER_E_OBJECT_NOT_FOUND if not. */
  int (*query)(const struct vss_provider_host *host, const struct vss_member *snapshot);

  /* Makes the snapshot mountable and answers through set_mount; writable only between pre_final_commit and
     post_final_commit. Also after a restart of vssd or of the machine. */
  int (*mount_info)(const struct vss_provider_host *host, const struct vss_member *snapshot, int writable);

  /* Since minor 1. How the snapshot fares, answered through set_health; called every few seconds for every snapshot
     that exists, from the end of its pre_final_commit on, so possibly at the same time as post_final_commit or abort of
     its set, but not from pre_commit of a set to its post_commit or abort. Where its store can grow, this is where it
     does. Cheap when all is well. */
  int (*check_health)(const struct vss_provider_host *host, const struct vss_member *snapshot);

  /* The operations of minor 2; the host calls them for snapshots of complete sets only. */

  /* The snapshot becomes a volume of its own, which vssd forgets. Takes the provider's mark off it, so that from then
     on remove() with the same data finds nothing of ours, and answers through set_location. Unmounted by the host
     before. writable: the volume can be written from now on; otherwise it stays read-only. An error means that the mark
     is still there. May come again for one that is broken already (vssd was killed before it could note it): success,
     with the same answer. Errors: OBJECT_NOT_FOUND, VETO. */
  int (*break_snapshot)(const struct vss_provider_host *host, const struct vss_member *snapshot, int writable);

  /* The volume that the snapshot was made of shows what the snapshot does. Unmounted by the host before: the snapshot,
     not the volume. Answers through set_revert. The snapshot may be used up by it: then query() says that it does not
     exist. force: also if that takes data from somebody; what that is, the provider's manual says.
     Errors: VOLUME_IN_USE (without force), REVERT_IN_PROGRESS, OBJECT_NOT_FOUND, NOT_SUPPORTED, INSUFFICIENT_STORAGE,
     VETO. An error means that nothing has changed. */
  int (*revert)(const struct vss_provider_host *host, const struct vss_member *snapshot, int force);

  /* Whether the volume is being reverted, also by an earlier run of vssd or by somebody else; answers through
     set_revert. A volume that is not of this provider's kind: VSS_PROVIDER_E_VOLUME_NOT_SUPPORTED. */
  int (*revert_status)(const struct vss_provider_host *host, const struct vss_volume *volume);

  /* Where snapshots of the volume are stored and how full that is; answers through add_storage, not at all if there is
     nothing. A volume that is not of this provider's kind: VSS_PROVIDER_E_VOLUME_NOT_SUPPORTED. */
  int (*storage)(const struct vss_provider_host *host, const struct vss_volume *volume);

  /* Limits the storage of one snapshot, or of all snapshots of target->volume if target->data is "" (its ids are null
     then). maximum: bytes, 0 for no limit. Never below what is used: INSUFFICIENT_STORAGE, and nothing has changed.
     Errors: NOT_SUPPORTED, OBJECT_NOT_FOUND, VOLUME_NOT_SUPPORTED, INVALID_ARGUMENT, VETO. */
  int (*resize_storage)(const struct vss_provider_host *host, const struct vss_member *target, uint64_t maximum);
};

#define VSS_PROVIDER_SPECIALISED 1u  /* works with few filesystems: asked before general ones */
#define VSS_PROVIDER_ONLY_BY_NAME 2u /* never chosen by itself, only when somebody asks for it by name */

struct vss_provider_descriptor {
  size_t struct_size;
  uint32_t abi_major;
  uint32_t abi_minor;
  const char *name;    /* lower-case letters, digits, '-'; equal to the file's name */
  const char *version;
  uint32_t flags;      /* VSS_PROVIDER_SPECIALISED | VSS_PROVIDER_ONLY_BY_NAME */
  int32_t priority;    /* among equals the greater one is chosen */
  const struct vss_provider_ops *ops;
};

/* The only exported symbol. Returns static storage. */
VSS_PROVIDER_EXPORT const struct vss_provider_descriptor *vss_provider_describe(void);

#ifdef __cplusplus
}
#endif
#endif
