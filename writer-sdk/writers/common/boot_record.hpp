// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A file of lines in /run that outlives who writes it, however he ends, but means nothing after a boot.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace vss::writers {

class BootRecord {
 public:
  explicit BootRecord(std::filesystem::path file) : file_(std::move(file)) {}

  // Of this boot, without a line. Throws std::system_error.
  void begin() const;
  // One more line, of one that was begun; it is in the file when this returns. Throws std::system_error.
  void add(const std::string& line) const;
  // Its lines, in order; nothing if there is none of this boot. Throws std::system_error.
  [[nodiscard]] std::optional<std::vector<std::string>> read() const;
  // Throws std::system_error.
  void clear() const;

 private:
  void write(const std::string& line, int flags) const;

  std::filesystem::path file_;
};

}  // namespace vss::writers
