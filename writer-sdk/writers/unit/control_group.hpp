// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A control group of the unified hierarchy (cgroup v2), as the kernel shows it.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace vss::unit {

class ControlGroup {
 public:
  // `path` is what systemd calls it, "/system.slice/x.service", below `root`, /sys/fs/cgroup.
  ControlGroup(const std::filesystem::path& root, const std::string& path)
      : directory_(root / std::filesystem::path(path).relative_path()) {}

  // Tells it from an earlier or later one of the same path; 0 if there is none.
  [[nodiscard]] std::uint64_t id() const;
  // It was told to stand still itself.
  [[nodiscard]] bool is_told_to_freeze() const;
  // All of its processes stand still, by whatever was told to it or to a group above it.
  [[nodiscard]] bool is_frozen() const { return event("frozen"); }
  // There is a process in it, or in one below it.
  [[nodiscard]] bool is_populated() const { return event("populated"); }
  // Lets it go on, whatever systemd and the bus are doing. A group that is gone is no error.
  [[nodiscard]] std::error_code thaw() const;

 private:
  [[nodiscard]] bool event(std::string_view name) const;

  std::filesystem::path directory_;
};

// Where a process is; nothing if it has ended.
[[nodiscard]] std::optional<std::string> control_group_of(pid_t process);

// Whether `inner` is `outer` or below it.
[[nodiscard]] bool is_within(const std::string& inner, const std::string& outer);

}  // namespace vss::unit
