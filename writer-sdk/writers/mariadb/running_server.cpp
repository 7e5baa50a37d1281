// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/mariadb/running_server.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "writer-sdk/common/unique_fd.hpp"
#include "writer-sdk/writers/common/listener.hpp"
#include "writer-sdk/writers/mariadb/server_layout.hpp"

namespace vss::mariadb {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kProbeLimit{2};
// A server keeps a lock on each of these as long as it runs; its pid file may lie anywhere.
constexpr const char* kLockedFiles[] = {"ibdata1", "aria_log_control"};

// Who has a lock on a file; 0 for a process that cannot be seen from here.
std::optional<pid_t> locked_by(const fs::path& file) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw std::system_error(errno, std::generic_category(), file.string() + ": does a server run?");
  }
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(fd.get(), F_GETLK, &lock) != 0) throw std::system_error(errno, std::generic_category(), file);
  if (lock.l_type == F_UNLCK) return std::nullopt;
  return std::max<pid_t>(lock.l_pid, 0);
}

std::optional<std::string> server_with_locks(const BackupRecord& record) {
  for (const std::string& place : record.places) {
    for (const char* name : kLockedFiles) {
      if (const auto pid = locked_by(fs::path(place) / name))
        return "a server (pid " + std::to_string(*pid) + ") works in " + place;
    }
  }
  return std::nullopt;
}

bool have_one_in_common(const writers::Places& some, const writers::Places& others) {
  return std::ranges::any_of(some, [&](const std::string& one) {
    return std::ranges::any_of(others,
                               [&](const std::string& other) { return writers::is_same_place(one, other); });
  });
}

std::optional<std::string> server_that_answers(const BackupRecord& record, const ServerSettings& settings) {
  if (!writers::is_listened_to(settings.socket)) return std::nullopt;
  const std::string name = "the server of " + settings.socket;
  try {
    Connection server(settings, kProbeLimit);
    if (!have_one_in_common(layout_of(server).places(), record.places)) return std::nullopt;
    return name + " works in " + record.data_directory + ", though what it has there was deleted";
  } catch (const ServerError& error) {
    return name + " may work in " + record.data_directory + ", which cannot be told (" + error.what() + ")";
  }
}

}  // namespace

std::optional<std::string> server_in(const BackupRecord& record, const ServerSettings& server) {
  if (auto found = server_with_locks(record)) return found;
  return server_that_answers(record, server);
}

}  // namespace vss::mariadb
