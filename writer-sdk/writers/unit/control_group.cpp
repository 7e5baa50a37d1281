// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/unit/control_group.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "writer-sdk/common/unique_fd.hpp"

namespace vss::unit {

std::uint64_t ControlGroup::id() const {
  struct stat facts {};
  return ::stat(directory_.c_str(), &facts) == 0 ? facts.st_ino : 0;
}

bool ControlGroup::is_told_to_freeze() const {
  int told = 0;
  std::ifstream(directory_ / "cgroup.freeze") >> told;
  return told == 1;
}

bool ControlGroup::event(std::string_view name) const {
  std::ifstream events(directory_ / "cgroup.events");
  std::string key;
  int value = 0;
  while (events >> key >> value) {
    if (key == name) return value == 1;
  }
  return false;
}

std::error_code ControlGroup::thaw() const {
  const UniqueFd file(::open((directory_ / "cgroup.freeze").c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() >= 0 && ::write(file.get(), "0", 1) == 1) return {};
  const int error = errno;
  // ENODEV: it went while we had it open.
  return error == ENOENT || error == ENODEV ? std::error_code()
                                            : std::error_code(error, std::generic_category());
}

std::optional<std::string> control_group_of(pid_t process) {
  constexpr std::string_view kUnified = "0::";
  std::ifstream file("/proc/" + std::to_string(process) + "/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(kUnified)) return line.substr(kUnified.size());
  }
  return std::nullopt;
}

bool is_within(const std::string& inner, const std::string& outer) {
  const std::string above = outer.ends_with('/') ? outer : outer + "/";
  return (inner + "/").starts_with(above);
}

}  // namespace vss::unit
