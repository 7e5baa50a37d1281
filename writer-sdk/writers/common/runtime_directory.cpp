// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/common/runtime_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <system_error>

namespace vss::writers {

UniqueFd take_runtime_directory(const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  UniqueFd file(::open((directory / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.get() < 0) throw std::system_error(errno, std::generic_category(), directory.string());
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
    throw std::system_error(errno, std::generic_category(), "another writer uses " + directory.string());
  return file;
}

}  // namespace vss::writers
