// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// lvm: commands, reports, and its errors as ours.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "providers/lvm/command_process.hpp"

namespace vss::lvm {

class VolumeGroupLock;

// One row of a report: field name as lvm prints it -> text; sizes in bytes.
using Row = std::map<std::string, std::string>;

// How long a command may take, when all of them together have to be done, and whether somebody still waits.
struct Terms {
  std::chrono::milliseconds limit;
  std::function<bool()> cancelled;
  std::chrono::steady_clock::time_point end = std::chrono::steady_clock::time_point::max();
  [[nodiscard]] Patience patience() const {
    return {std::min(std::chrono::steady_clock::now() + limit, end), cancelled};
  }
};

// Thread rule: one thread at a time. Errors: ProviderError, lvm's refusal among them.
class Lvm {
 public:
  // Nothing runs yet. `lost`: see CommandProcess.
  Lvm(const std::string& program, CommandProcess::Lost lost, Terms terms = {std::chrono::seconds(60), {}})
      : process_(program, std::move(lost)), terms_(std::move(terms)) {}

  // For the commands that follow.
  void set_terms(Terms terms) { terms_ = std::move(terms); }
  [[nodiscard]] Patience patience() const { return terms_.patience(); }

  // A command that begins something long leaves the watch over it to lvmpolld, a service of its own.
  // Otherwise a process of vssd's would do it, which a stop of vssd would wait for.
  void set_polls_elsewhere(bool elsewhere) noexcept { polls_elsewhere_ = elsewhere; }

  // Where a command takes its locks while we have lvm's: a directory that nobody else uses, which lvm makes.
  void set_own_locks(std::string directory) { own_locks_ = std::move(directory); }

  // Starts the process that the commands run in, so that it is there.
  void start() { process_.start(); }
  // See CommandProcess.
  [[nodiscard]] const std::string& locking_dir() const noexcept { return process_.locking_dir(); }
  [[nodiscard]] bool is_running() const noexcept { return process_.is_running(); }
  void set_urgent(bool urgent) noexcept { process_.set_urgent(urgent); }
  void stop() noexcept { process_.stop(); }

  // Runs a command on a volume group.
  void command(const std::string& volume_group, std::vector<std::string> words);
  // The same on many volumes of it ("vg/lv"), as many at a time as lvm takes.
  void command_on(const std::string& volume_group, const std::vector<std::string>& words,
                  const std::vector<std::string>& volumes);
  // The same, but lvm's refusal is in the result. `lock`: of the group, if we have it; the command has it as
  // well until it has ended, and takes its own locks elsewhere.
  CommandResult try_command(const std::string& volume_group, std::vector<std::string> words) {
    return try_command(volume_group, std::move(words), nullptr, patience());
  }
  CommandResult try_command(const std::string& volume_group, std::vector<std::string> words,
                            const VolumeGroupLock* lock, const Patience& patience);
  // Runs lvs or vgs with these fields on `what`: a volume group, or vg/lv, "" for all.
  std::vector<Row> report(const std::string& command, const std::string& fields, const std::string& what);

 private:
  CommandProcess process_;
  Terms terms_;
  std::string own_locks_;
  bool polls_elsewhere_ = false;
};

// What lvm refused, with the nearest code. Never returns.
[[noreturn]] void throw_refusal(const std::vector<std::string>& words, const CommandResult& result);

// The rows of a report in JSON, as the lines that lvm printed. Pure; ProviderError if it is none.
[[nodiscard]] std::vector<Row> parse_report(const std::vector<std::string>& lines);

}  // namespace vss::lvm
