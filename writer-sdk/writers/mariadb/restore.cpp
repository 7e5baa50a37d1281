// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/mariadb/restore.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <system_error>

#include "writer-sdk/common/unique_fd.hpp"
#include "writer-sdk/writers/common/restore_events.hpp"

namespace vss::mariadb {
namespace {

namespace fs = std::filesystem;

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

std::optional<pid_t> running_server(const BackupRecord& record) {
  for (const std::string& place : record.places) {
    for (const char* name : kLockedFiles) {
      if (const auto pid = locked_by(fs::path(place) / name)) return pid;
    }
  }
  return std::nullopt;
}

bool is_in_one_of(const writers::Places& places, std::initializer_list<const char*> names) {
  return std::ranges::any_of(places, [&](const fs::path& place) {
    return std::ranges::any_of(names, [&](const char* name) { return fs::exists(place / name); });
  });
}

// A server that does not find its redo log makes a new one, and loses what is only in the old one.
void check_files(const BackupRecord& record) {
  for (const std::string& place : record.places) {
    if (!fs::is_directory(place) || fs::is_empty(place))
      throw std::runtime_error("nothing has been restored in " + place + ", where the server had files");
  }
  if (!fs::is_directory(fs::path(record.data_directory) / "mysql"))
    throw std::runtime_error(record.data_directory + " does not have the server's system tables");
  if (!is_in_one_of(record.places, {"ib_logfile0", "#innodb_redo"}))
    throw std::runtime_error("InnoDB's redo log (ib_logfile0) has not been restored");
}

}  // namespace

void make_way(const BackupRecord& record, const RestoreSettings& settings) {
  if (!running_server(record)) return;
  if (!settings.stop_command.empty()) writers::run_for_restore(settings.stop_command, "stop_command");
  if (const auto pid = running_server(record))
    throw std::runtime_error("a server (pid " + std::to_string(*pid) + ") works in " + record.data_directory +
                             ": stop it and restore again, or set stop_command");
}

void complete_restore(const BackupRecord& record, const RestoreSettings& settings) {
  check_files(record);
  if (!settings.start_command.empty()) writers::run_for_restore(settings.start_command, "start_command");
}

}  // namespace vss::mariadb
