// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/unit/record.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

#include "writer-sdk/common/unique_fd.hpp"

namespace vss::unit {
namespace {

std::string boot_id() {
  std::string id;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
  return id;
}

}  // namespace

// One write: a line is there as a whole or not at all when the process is killed.
void Record::write(const std::string& text, int flags) const {
  const UniqueFd file(::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | flags, 0600));
  if (file.get() < 0 || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::system_error(errno, std::generic_category(), file_.string());
}

void Record::begin() const { write(boot_id() + "\n", O_TRUNC); }

void Record::add(const FrozenUnit& unit) const {
  write(std::to_string(unit.id) + " " + unit.name + " " + unit.control_group + "\n", 0);
}

std::vector<FrozenUnit> Record::read() const {
  std::vector<FrozenUnit> units;
  std::ifstream file(file_);
  if (!file) {
    if (std::filesystem::exists(file_)) throw std::system_error(EIO, std::generic_category(), file_.string());
    return units;
  }
  std::string line;
  if (!std::getline(file, line) || line != boot_id()) return units;
  while (std::getline(file, line)) {
    FrozenUnit unit;
    std::istringstream words(line);
    if (words >> unit.id >> unit.name >> unit.control_group) units.push_back(std::move(unit));
  }
  return units;
}

void Record::clear() const { std::filesystem::remove(file_); }

}  // namespace vss::unit
