// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/lvm.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "providers/lvm/volume_group_lock.hpp"
#include "vss/provider_module.hpp"

namespace vss::lvm {

namespace {

// In every command, because a command may come while the root filesystem is held: no archive and no backup
// under /etc (vgcfgbackup follows afterwards), no log through the journal, no other daemons.
std::string config(const std::string& locking_dir, bool polls_elsewhere) {
  const std::string locks = locking_dir.empty() ? "" : " locking_dir=\"" + locking_dir + "\"";
  const std::string polls = polls_elsewhere ? "use_lvmpolld=1" : "use_lvmpolld=0";
  return "backup{backup=0 archive=0} log{syslog=0} activation{monitoring=0} "
         "global{notify_dbus=0 " +
         polls + locks + "}";
}

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
      {" not found", VSS_PROVIDER_E_OBJECT_NOT_FOUND},
  };
  for (const auto& [text, status] : kKnown) {
    if (result.mentions(text)) return status;
  }
  return VSS_PROVIDER_E_VETO;
}

}  // namespace

CommandResult Lvm::try_command(const std::string& volume_group, std::vector<std::string> words,
                               const VolumeGroupLock* lock, const Patience& patience) {
  words.insert(words.begin() + 1, {"--config", config(lock != nullptr ? own_locks_ : "", polls_elsewhere_)});
  try {
    return process_.run(words, patience, lock != nullptr ? lock->descriptor() : -1);
  } catch (const ProviderError& error) {
    const std::string holder =
        error.status() == VSS_PROVIDER_E_VETO ? lock_holder(locking_dir(), volume_group) : "";
    if (holder.empty()) throw;
    throw ProviderError(VSS_PROVIDER_E_VETO, std::string(error.what()) + "; the volume group " +
                                                 volume_group + " is locked by " + holder);
  }
}

void Lvm::command(const std::string& volume_group, std::vector<std::string> words) {
  const CommandResult result = try_command(volume_group, words);
  if (!result.succeeded()) throw_refusal(words, result);
}

void Lvm::command_on(const std::string& volume_group, const std::vector<std::string>& words,
                     const std::vector<std::string>& volumes) {
  constexpr std::size_t kMostVolumes = 32;  // liblvm2cmd takes 64 words
  for (std::size_t begin = 0; begin < volumes.size(); begin += kMostVolumes) {
    std::vector<std::string> all = words;
    for (std::size_t i = begin; i < std::min(begin + kMostVolumes, volumes.size()); ++i)
      all.push_back(volumes[i]);
    command(volume_group, std::move(all));
  }
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

std::vector<Row> parse_report(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    // Warnings come between; no line of JSON begins with a letter.
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin != std::string::npos && std::string_view("{}[],\"").find(line[begin]) != std::string_view::npos)
      text += line + "\n";
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
