// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The clone of a backing file: <mount point of its filesystem>/.vssd/<set>/<snapshot>.img, root-only, marked
// with the set's id in the attribute trusted.vssd.set. Nothing without the mark is ever deleted.

#include <string>

#include "providers/image/loop_device.hpp"
#include "vss/provider_abi.h"
#include "vss/provider_support.hpp"

namespace vss::image {

class CloneFile {
 public:
  CloneFile() = default;
  // Throws ProviderError INVALID_ARGUMENT if an id is no GUID.
  CloneFile(std::string set_id, std::string snapshot_id, std::string mount_point, std::string host_uuid,
            LoopExtent extent);
  // From the data of the catalogue. Throws ProviderError: INVALID_ARGUMENT if it is not what data() writes,
  // VETO if the filesystem that the clone lies on is not mounted where it was.
  [[nodiscard]] static CloneFile of_existing(const vss_member& snapshot);

  [[nodiscard]] const std::string& snapshot_id() const { return snapshot_id_; }
  [[nodiscard]] const LoopExtent& extent() const { return extent_; }
  [[nodiscard]] std::string path() const;
  [[nodiscard]] std::string data() const;

  // Makes the empty file, with the attributes that sharing blocks with `source` needs. Open for writing.
  [[nodiscard]] UniqueFd create(int source) const;
  // Exists; throws ProviderError VETO if what is there does not carry our mark.
  [[nodiscard]] bool exists() const;
  // Opens it. No link is followed on the way: the root of the host's filesystem may belong to a user.
  // Throws ProviderError: OBJECT_NOT_FOUND, VETO as above.
  [[nodiscard]] UniqueFd open_file(int flags) const;
  // Takes our mark off it, so that no operation here touches it again; writable for root if wanted. One
  // without the mark has been through this. Durable. Throws ProviderError OBJECT_NOT_FOUND.
  void break_away(bool writable) const;
  // Makes it read-only and durable, with the directories it is in.
  void finish() const;
  // Detaches its loop devices, deletes it and the directories that became empty. Nothing there is success; a
  // file without our mark is left alone: ProviderError VETO.
  void remove() const;

 private:
  // The way to the file, as far as it exists.
  struct Opened {
    UniqueFd root, ours, set, file;
  };
  [[nodiscard]] Opened open(int flags) const;
  [[nodiscard]] Opened open_any(int flags) const;  // whether it carries our mark or not
  static void make_durable(const Opened& opened, const std::string& path);
  [[nodiscard]] bool carries_mark(int file) const;
  [[nodiscard]] std::string file_name() const { return snapshot_id_ + ".img"; }

  std::string set_id_;
  std::string snapshot_id_;
  std::string mount_point_;
  std::string host_uuid_;
  LoopExtent extent_;
};

}  // namespace vss::image
