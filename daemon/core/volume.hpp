// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A volume: the unit of a snapshot. A mounted filesystem, or one btrfs subvolume.

#include <cstdint>
#include <string>
#include <vector>

#include <asio/awaitable.hpp>

#include "daemon/core/error.hpp"

namespace vss::core {

// Facts about one volume, gathered before anything is held.
struct Volume {
  std::string path;          // root of the volume: a mount point, or the root of a btrfs subvolume
  std::string mount_point;   // the mount through which it is reached
  std::string filesystem;    // type as mountinfo names it
  std::string device;        // node of the block device
  std::string uuid;          // of the filesystem, "" if unknown
  std::string superblock;    // identity of the superblock: equal for bind mounts, second mounts, subvolumes
  std::string backing_file;  // file behind a loop device, "" otherwise
  std::uint64_t device_number = 0;  // st_dev of the root of the volume; tells btrfs subvolumes apart
  std::uint64_t subvolume_id = 0;   // btrfs, 0 otherwise
  bool is_root = false;             // carries "/"
  bool read_only = false;
  // Superblocks that this one stands on: the one its mount point is in, the one with its backing file, an
  // overlay's layers. Direct and indirect ones.
  std::vector<std::string> depends_on;
};

// Port: what core needs to know about mounts and block devices. Implemented in daemon/system. Thread rule for
// all ports of core: called on the coordinator's executor; slow work happens elsewhere, results come back to
// it.
class VolumeFacts {
 public:
  virtual ~VolumeFacts() = default;

  // The volume that an absolute path lies on.
  // Errors: InvalidArgument (not absolute, control characters, too long), ObjectNotFound, VolumeNotSupported
  // (no local filesystem with a device: tmpfs, proc, network).
  virtual asio::awaitable<Result<Volume>> resolve(std::string path) = 0;

  // All volumes on local block devices, one per superblock or mounted subvolume.
  virtual asio::awaitable<Result<std::vector<Volume>>> list() = 0;

  // Writes dirty pages of these volumes' filesystems back, again until a pass is quick (bounded), so that a
  // freeze has little left to do. FlushWritesTimeout after `limit_ms`; a pass that hangs is left behind in
  // its thread.
  virtual asio::awaitable<Status> flush(std::vector<Volume> volumes, std::uint32_t limit_ms) = 0;
};

}  // namespace vss::core
