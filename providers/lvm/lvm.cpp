// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/lvm.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "vss/provider_module.hpp"

namespace vss::lvm {

namespace {

// In every command, because a command may come while the root filesystem is held: no archive and no backup
// under /etc (vgcfgbackup follows afterwards), no log through the journal, no other daemons.
constexpr const char* kConfig =
    "backup{backup=0 archive=0} log{syslog=0} activation{monitoring=0} global{notify_dbus=0 use_lvmpolld=0}";

constexpr const char* kLockDirectory = "/run/lock/lvm/";

std::string joined(const std::vector<std::string>& words) {
  std::string text = "lvm";
  for (const std::string& word : words) text += " " + word;
  return text;
}

int status_of(const CommandResult& result) {
  static const std::pair<std::string_view, int> kKnown[] = {
      {"nsufficient free", VSS_PROVIDER_E_INSUFFICIENT_STORAGE},
      {"nsufficient suitable", VSS_PROVIDER_E_INSUFFICIENT_STORAGE},
      {"No space left", VSS_PROVIDER_E_INSUFFICIENT_STORAGE},
      {"Permission denied", VSS_PROVIDER_E_ACCESS_DENIED},
      {"Failed to find logical volume", VSS_PROVIDER_E_OBJECT_NOT_FOUND},
  };
  for (const auto& [text, status] : kKnown) {
    if (result.mentions(text)) return status;
  }
  return VSS_PROVIDER_E_VETO;
}

}  // namespace

CommandResult Lvm::try_command(const std::string& volume_group, std::vector<std::string> words,
                               const Patience& patience) {
  words.insert(words.begin() + 1, {"--config", kConfig});
  try {
    return process_.run(words, patience);
  } catch (const ProviderError& error) {
    const std::string holder = error.status() == VSS_PROVIDER_E_VETO ? lock_holder(volume_group) : "";
    if (holder.empty()) throw;
    throw ProviderError(VSS_PROVIDER_E_VETO, std::string(error.what()) + "; the volume group " +
                                                 volume_group + " is locked by " + holder);
  }
}

CommandResult Lvm::try_command(const std::string& volume_group, std::vector<std::string> words) {
  return try_command(volume_group, std::move(words), Patience::of(limit_));
}

void Lvm::command(const std::string& volume_group, std::vector<std::string> words) {
  const CommandResult result = try_command(volume_group, words);
  if (!result.succeeded()) throw_refusal(words, result);
}

std::vector<Row> Lvm::report(const std::string& command, const std::string& fields, const std::string& what) {
  std::vector<std::string> words{command, "--reportformat", "json", "--units",
                                 "b",     "--nosuffix",     "-o",   fields};
  if (!what.empty()) words.push_back(what);
  const CommandResult result = try_command(what.substr(0, what.find('/')), words);
  if (!result.succeeded()) throw_refusal({command, what}, result);
  return parse_report(result.printed);
}

void throw_refusal(const std::vector<std::string>& words, const CommandResult& result) {
  throw ProviderError(status_of(result), joined(words) + ": " + result.message());
}

std::string lock_holder(const std::string& volume_group) {
  struct stat lock {};
  if (::stat((kLockDirectory + ("V_" + volume_group)).c_str(), &lock) != 0) return "";
  // "1: FLOCK  ADVISORY  WRITE 1234 00:1a:5678 0 EOF"; a waiting one has "->" in second place.
  std::array<char, 64> wanted{};
  std::snprintf(wanted.data(), wanted.size(), "%02x:%02x:%lu", major(lock.st_dev), minor(lock.st_dev),
                static_cast<unsigned long>(lock.st_ino));
  std::ifstream locks("/proc/locks");
  std::string number, kind, mode, access, pid, file, rest;
  while (locks >> number >> kind >> mode >> access >> pid >> file && std::getline(locks, rest)) {
    if (kind != "FLOCK" || file != wanted.data()) continue;
    std::ifstream comm("/proc/" + pid + "/comm");
    std::string name;
    std::getline(comm, name);
    return (name.empty() ? "a process" : name) + " (pid " + pid + ")";
  }
  return "";
}

std::vector<Row> parse_report(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    if (!line.starts_with("WARNING:")) text += line + "\n";
  }
  std::vector<Row> rows;
  try {
    const auto document = nlohmann::json::parse(text);
    for (const auto& report : document.at("report")) {
      for (const auto& [kind, list] : report.items()) {
        for (const auto& row : list) rows.push_back(row.get<Row>());
      }
    }
  } catch (const nlohmann::json::exception& error) {
    throw ProviderError(VSS_PROVIDER_E_UNEXPECTED,
                        std::string("a report of lvm is malformed: ") + error.what());
  }
  return rows;
}

}  // namespace vss::lvm
