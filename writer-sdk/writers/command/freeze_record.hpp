// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// That the application is frozen by our word, or may be, and which of our commands are at work: a file in
// /run that outlives the writer, whoever ends it.

#include <sys/types.h>

#include <filesystem>

#include "writer-sdk/writers/common/boot_record.hpp"

namespace vss::command {

class FreezeRecord {
 public:
  explicit FreezeRecord(std::filesystem::path file) : lines_(std::move(file)) {}

  // Before anything is told to freeze. Throws std::system_error.
  void begin() const { lines_.begin(); }
  // A command, the leader of its process group, has been started. Nothing if nothing is frozen. Throws
  // std::system_error.
  void add_command(pid_t leader) const;
  // Of this boot. Throws std::system_error.
  [[nodiscard]] bool is_frozen() const { return lines_.read().has_value(); }
  // Kills the commands that are still at work although their writer is dead: they could freeze what has been
  // thawed. What commands have left in the background is for the thaw to end. False if one
  // goes on. Throws std::system_error.
  [[nodiscard]] bool end_commands() const;
  // It goes on. Throws std::system_error.
  void clear() const { lines_.clear(); }

 private:
  writers::BootRecord lines_;
};

}  // namespace vss::command
