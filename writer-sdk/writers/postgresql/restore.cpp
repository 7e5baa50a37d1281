// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/postgresql/restore.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "writer-sdk/common/unique_fd.hpp"
#include "writer-sdk/writers/common/restore_events.hpp"
#include "writer-sdk/writers/postgresql/cluster_layout.hpp"
#include "writer-sdk/writers/postgresql/running_server.hpp"

namespace vss::postgresql {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSettings = "postgresql.auto.conf";

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

// At the end of each setting that is for this recovery only: a standby that is made of the cluster later must
// not have them.
constexpr std::string_view kOurs = " # vssd restore";

// Run by the server, in its data directory.
std::string remove_settings_command() {
  const std::string file = kSettings;
  const std::string other = file + ".vssd";
  return "cp -p " + file + " " + other + " && sed -i '/" + std::string(kOurs) + "$/d' " + other +
         " && sync " + other + " && mv " + other + " " + file;
}

using Settings = std::vector<std::pair<std::string, std::string>>;

// All that says where recovery ends: what another restore has left must not count. A server refuses what
// comes after a target that is set, empty or not, so the one that is wanted is the last of them.
Settings recovery_settings(const BackupRecord& record, const RestoreSettings& wish) {
  Settings settings{{"restore_command", wish.restore_command}};
  if (record.major >= 12) {
    for (const char* other : {"name", "time", "xid", "lsn"})
      settings.emplace_back("recovery_target_" + std::string(other), "");
    settings.emplace_back("recovery_target_timeline", wish.latest ? "latest" : "current");
    settings.emplace_back("recovery_target", wish.latest ? "" : "immediate");
    settings.emplace_back("recovery_end_command", remove_settings_command());
  } else if (wish.latest) {
    settings.emplace_back("recovery_target_timeline", "latest");
  } else {
    settings.emplace_back("recovery_target", "immediate");
  }
  if (!wish.latest) settings.emplace_back("recovery_target_action", "promote");
  return settings;
}

std::string lines_of(const Settings& settings, std::string_view end) {
  std::string lines;
  for (const auto& [name, value] : settings) lines += name + " = " + quoted(value) + std::string(end) + "\n";
  return lines;
}

std::string content_of(const fs::path& path) {
  std::ifstream file(path);
  if (!file && fs::exists(path)) throw std::runtime_error(path.string() + " cannot be read");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Of a recovery that did not end.
void remove_our_settings(const fs::path& file) {
  const std::string before = content_of(file);
  std::string kept;
  std::istringstream lines(before);
  for (std::string line; std::getline(lines, line);) {
    if (!line.ends_with(kOurs)) kept += line + "\n";
  }
  if (before.find(kOurs) != std::string::npos) put_file(file, kept);
}

void recover_from_archive(const BackupRecord& record, const RestoreSettings& wish) {
  const fs::path directory = record.data_directory;
  const Settings settings = recovery_settings(record, wish);
  if (record.major < 12) return put_file(directory / "recovery.conf", lines_of(settings, ""));
  std::string kept = content_of(directory / kSettings);
  if (!kept.empty() && kept.back() != '\n') kept += '\n';
  put_file(directory / kSettings, kept + lines_of(settings, kOurs));
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
  remove_our_settings(directory / kSettings);
}

// What is got from the archive need not be in the place of the WAL.
void check_files(const BackupRecord& record, const RestoreSettings& settings) {
  const ClusterLayout layout = layout_on_disk(record.data_directory);
  if (layout.major != record.major || !fs::exists(fs::path(record.data_directory) / "global" / "pg_control"))
    throw std::runtime_error(record.data_directory + " does not have the cluster of version " +
                             std::to_string(record.major) + " that was saved");
  writers::Places may_be_empty = record.empty;
  if (record.end && !settings.restore_command.empty()) may_be_empty.push_back(layout.wal_directory);
  writers::expect_restored(record.places, may_be_empty);
}

}  // namespace

void make_way(const BackupRecord& record, const Config& config) {
  writers::make_way([&] { return server_in(record.data_directory, config.server); },
                    config.restore.stop_command);
}

void complete_restore(const BackupRecord& record, const Config& config) {
  writers::expect_no_server([&] { return server_in(record.data_directory, config.server); });
  const RestoreSettings& settings = config.restore;
  const fs::path directory = record.data_directory;
  check_files(record, settings);
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
  writers::start_server(settings.start_command);
}

}  // namespace vss::postgresql
