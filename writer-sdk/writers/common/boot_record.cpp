// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/common/boot_record.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include "writer-sdk/common/unique_fd.hpp"

namespace vss::writers {
namespace {

std::string boot_id() {
  std::string id;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
  return id;
}

}  // namespace

// One write: a line is there as a whole or not at all when the process is killed.
void BootRecord::write(const std::string& line, int flags) const {
  const std::string text = line + "\n";
  const UniqueFd file(::open(file_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | flags, 0600));
  if (file.get() < 0 || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::system_error(errno, std::generic_category(), file_.string());
}

void BootRecord::begin() const { write(boot_id(), O_CREAT | O_TRUNC); }

void BootRecord::add(const std::string& line) const { write(line, 0); }

std::optional<std::vector<std::string>> BootRecord::read() const {
  std::ifstream file(file_);
  if (!file) {
    if (std::filesystem::exists(file_)) throw std::system_error(EIO, std::generic_category(), file_.string());
    return std::nullopt;
  }
  std::string line;
  if (!std::getline(file, line) || line != boot_id()) return std::nullopt;
  std::vector<std::string> lines;
  while (std::getline(file, line)) lines.push_back(line);
  return lines;
}

void BootRecord::clear() const { std::filesystem::remove(file_); }

}  // namespace vss::writers
