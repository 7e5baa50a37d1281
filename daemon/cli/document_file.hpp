// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A backup components document on disk: without it no restore, so it is there wholly or not at all.

#include <string>

namespace vss::cli {

// Throws Failure: ObjectNotFound, InvalidDocument (larger than 64 MiB, no regular file), or that of the
// machine.
[[nodiscard]] std::string read_document(const std::string& path);

// Made before the backup, so that a place which cannot be written is known in time. Thread rule: one thread.
class DocumentFile {
 public:
  // Makes a temporary file beside `path`, mode 0600. Throws Failure.
  explicit DocumentFile(std::string path);
  // What was not committed is removed.
  ~DocumentFile();
  DocumentFile(const DocumentFile&) = delete;
  DocumentFile& operator=(const DocumentFile&) = delete;

  // Writes, syncs and gives it its name; once. Throws Failure, and what was at `path` is still there.
  void commit(const std::string& text);

 private:
  std::string path_;
  std::string temporary_;
  int fd_ = -1;
};

}  // namespace vss::cli
