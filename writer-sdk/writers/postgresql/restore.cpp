// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/postgresql/restore.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <system_error>

#include "writer-sdk/common/unique_fd.hpp"
#include "writer-sdk/writers/common/run_command.hpp"
#include "writer-sdk/writers/postgresql/cluster_layout.hpp"

namespace vss::postgresql {
namespace {

namespace fs = std::filesystem;

// As long as vssd waits for PreRestore and PostRestore, less what the rest takes.
constexpr std::chrono::milliseconds kCommandLimit = std::chrono::minutes(9);

// The first line of postmaster.pid.
std::optional<pid_t> running_server(const fs::path& data_directory) {
  pid_t pid = 0;
  std::ifstream(data_directory / "postmaster.pid") >> pid;
  if (pid <= 0 || (::kill(pid, 0) != 0 && errno == ESRCH)) return std::nullopt;
  return pid;
}

void run(const std::vector<std::string>& command, const std::string& what) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  if (const auto failure = writers::run_command(command, environment, kCommandLimit))
    throw std::runtime_error(what + ": " + *failure);
}

[[noreturn]] void fail(const fs::path& path) {
  throw std::system_error(errno, std::generic_category(), path.string());
}

void sync(const fs::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) fail(path);
}

// Complete or not there, also after a power cut.
void put_file(const fs::path& path, const std::string& content) {
  const fs::path other = path.string() + ".vssd";
  {
    const UniqueFd fd(::open(other.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const auto size = static_cast<ssize_t>(content.size());
    if (fd.get() < 0 || ::write(fd.get(), content.data(), content.size()) != size || ::fsync(fd.get()) != 0)
      fail(other);
  }
  fs::rename(other, path);
  sync(path.parent_path());
}

// A value of a configuration file.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char letter : text) result += letter == '\'' ? std::string("''") : std::string(1, letter);
  return result + "'";
}

std::string recovery_settings(const RestoreSettings& settings) {
  std::string lines = "restore_command = " + quoted(settings.restore_command) + "\n";
  // Else recovery goes on to what the archive has of later.
  if (!settings.latest) lines += "recovery_target = 'immediate'\nrecovery_target_action = 'promote'\n";
  return lines;
}

void recover_from_archive(const BackupRecord& record, const RestoreSettings& settings) {
  const fs::path directory = record.data_directory;
  if (record.major < 12) return put_file(directory / "recovery.conf", recovery_settings(settings));
  std::ifstream before(directory / "postgresql.auto.conf");
  const std::string kept((std::istreambuf_iterator<char>(before)), std::istreambuf_iterator<char>());
  put_file(directory / "postgresql.auto.conf", kept + recovery_settings(settings));
  put_file(directory / "recovery.signal", "");
}

void check_wal(const BackupRecord& record) {
  const fs::path directory = fs::path(record.data_directory) / wal_name(record.major);
  std::string missing;
  for (const std::string& segment : record.end->wal_needed) {
    if (!fs::exists(directory / segment)) missing += (missing.empty() ? "" : ", ") + segment;
  }
  if (missing.empty()) return;
  throw std::runtime_error("WAL is missing that was written while the snapshots were made: " + missing +
                           "; copy it to " + directory.string() +
                           ", or set restore_command so that the server gets it from the archive");
}

}  // namespace

void make_way(const BackupRecord& record, const RestoreSettings& settings) {
  if (!running_server(record.data_directory)) return;
  if (!settings.stop_command.empty()) run(settings.stop_command, "stop_command");
  if (const auto pid = running_server(record.data_directory))
    throw std::runtime_error("a server (pid " + std::to_string(*pid) + ") works in " + record.data_directory +
                             ": stop it and restore again, or set stop_command");
}

void complete_restore(const BackupRecord& record, const RestoreSettings& settings) {
  const fs::path directory = record.data_directory;
  const ClusterLayout layout = layout_on_disk(record.data_directory);
  if (layout.major != record.major || !fs::exists(directory / "global" / "pg_control"))
    throw std::runtime_error(record.data_directory + " does not have the cluster of version " +
                             std::to_string(record.major) + " that was saved");
  fs::remove(directory / "postmaster.pid");
  fs::remove(directory / "postmaster.opts");
  // Without the label the server would begin with a later checkpoint, and what the files have of earlier
  // stays broken.
  if (record.end) {
    if (settings.restore_command.empty()) check_wal(record);
    put_file(directory / "backup_label", record.end->backup_label);
    if (!record.end->tablespace_map.empty())
      put_file(directory / "tablespace_map", record.end->tablespace_map);
  }
  if (!settings.restore_command.empty() && (record.end || settings.latest))
    recover_from_archive(record, settings);
  if (!settings.start_command.empty()) run(settings.start_command, "start_command");
}

}  // namespace vss::postgresql
