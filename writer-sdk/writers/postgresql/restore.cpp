// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/postgresql/restore.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "writer-sdk/common/unique_fd.hpp"
#include "writer-sdk/writers/common/restore_events.hpp"
#include "writer-sdk/writers/postgresql/cluster_layout.hpp"
#include "writer-sdk/writers/postgresql/running_server.hpp"

namespace vss::postgresql {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path) {
  throw std::system_error(errno, std::generic_category(), path.string());
}

void sync(const fs::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) fail(path);
}

void write_all(int fd, std::string_view content, const fs::path& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0) fail(path);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
}

// Complete or not there, also after a power cut.
void put_file(const fs::path& path, const std::string& content) {
  const fs::path other = path.string() + ".vssd";
  {
    const UniqueFd fd(::open(other.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (fd.get() < 0) fail(other);
    write_all(fd.get(), content, other);
    if (::fsync(fd.get()) != 0) fail(other);
  }
  fs::rename(other, path);
  sync(path.parent_path());
}

// A value of a configuration file, in which backslashes and quotes are doubled.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char letter : text) {
    if (letter == '\'' || letter == '\\') result += letter;
    result += letter;
  }
  return result + "'";
}

// All that says where recovery ends: what another restore has left must not count. A server refuses what
// comes after a target that is set, empty or not, so the one that is wanted is the last of them.
std::string recovery_settings(const BackupRecord& record, const RestoreSettings& settings) {
  std::string lines = "restore_command = " + quoted(settings.restore_command) + "\n";
  if (record.major >= 12) {
    for (const char* other : {"name", "time", "xid", "lsn"})
      lines += "recovery_target_" + std::string(other) + " = ''\n";
    lines += std::string("recovery_target_timeline = '") + (settings.latest ? "latest" : "current") + "'\n";
    lines += std::string("recovery_target = '") + (settings.latest ? "" : "immediate") + "'\n";
  } else {
    lines += settings.latest ? "recovery_target_timeline = 'latest'\n" : "recovery_target = 'immediate'\n";
  }
  if (!settings.latest) lines += "recovery_target_action = 'promote'\n";
  return lines;
}

std::string content_of(const fs::path& path) {
  std::ifstream file(path);
  if (!file && fs::exists(path)) throw std::runtime_error(path.string() + " cannot be read");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void recover_from_archive(const BackupRecord& record, const RestoreSettings& settings) {
  const fs::path directory = record.data_directory;
  if (record.major < 12) return put_file(directory / "recovery.conf", recovery_settings(record, settings));
  std::string kept = content_of(directory / "postgresql.auto.conf");
  if (!kept.empty() && kept.back() != '\n') kept += '\n';
  put_file(directory / "postgresql.auto.conf", kept + recovery_settings(record, settings));
  put_file(directory / "recovery.signal", "");
}

void check_wal(const BackupRecord& record) {
  const fs::path directory = fs::path(record.data_directory) / wal_name(record.major);
  std::string missing;
  for (const std::string& segment : record.end->wal_needed) {
    if (!has_wal(directory / segment, record.end->stop_lsn))
      missing += (missing.empty() ? "" : ", ") + segment;
  }
  if (missing.empty()) return;
  throw std::runtime_error("WAL is missing that was written while the snapshots were made: " + missing +
                           "; copy it to " + directory.string() +
                           ", or set restore_command so that the server gets it from the archive");
}

// Of an attempt before this one, or of the cluster that was here: it would be applied to what was restored.
// Before version 12 what makes a standby is in recovery.conf, and stays with what was saved of one.
void remove_what_steers_recovery(const BackupRecord& record) {
  const fs::path directory = record.data_directory;
  for (const char* name :
       {"postmaster.pid", "postmaster.opts", "backup_label", "tablespace_map", "recovery.signal"})
    fs::remove(directory / name);
  if (record.major >= 12 || record.end) fs::remove(directory / "recovery.conf");
}

}  // namespace

void make_way(const BackupRecord& record, const Config& config) {
  if (!server_in(record.data_directory, config.server)) return;
  const std::vector<std::string>& stop = config.restore.stop_command;
  if (!stop.empty()) writers::run_for_restore(stop, "stop_command");
  if (const auto server = server_in(record.data_directory, config.server))
    throw std::runtime_error(*server + ": stop it and restore again, or set stop_command");
}

void complete_restore(const BackupRecord& record, const Config& config) {
  if (const auto server = server_in(record.data_directory, config.server))
    throw std::runtime_error("a server was started before the files were back (" + *server +
                             "): stop it and restore again");
  const RestoreSettings& settings = config.restore;
  const fs::path directory = record.data_directory;
  const ClusterLayout layout = layout_on_disk(record.data_directory);
  if (layout.major != record.major || !fs::exists(directory / "global" / "pg_control"))
    throw std::runtime_error(record.data_directory + " does not have the cluster of version " +
                             std::to_string(record.major) + " that was saved");
  remove_what_steers_recovery(record);
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
  if (!settings.start_command.empty()) writers::run_for_restore(settings.start_command, "start_command");
}

}  // namespace vss::postgresql
