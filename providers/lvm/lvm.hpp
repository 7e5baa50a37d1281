// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// lvm: commands, reports, and its errors as ours.

#include <map>
#include <string>
#include <vector>

#include "providers/lvm/command_process.hpp"

namespace vss::lvm {

// One row of a report: field name as lvm prints it -> text; sizes in bytes.
using Row = std::map<std::string, std::string>;

// Thread rule: one thread at a time.
class Lvm {
 public:
  // Nothing runs yet. `limit`: the longest time for a command outside a window.
  Lvm(const std::string& program, std::chrono::milliseconds limit) : process_(program), limit_(limit) {}

  // Starts the process that the commands run in, so that it is there.
  void start() { process_.start(); }
  void stop() noexcept { process_.stop(); }

  // Runs a command on a volume group; errors, lvm's refusal among them, are ProviderError.
  void command(const std::string& volume_group, std::vector<std::string> words);
  // The same, but lvm's refusal is in the result.
  CommandResult try_command(const std::string& volume_group, std::vector<std::string> words);
  CommandResult try_command(const std::string& volume_group, std::vector<std::string> words,
                            const Patience& patience);
  // Runs lvs or vgs with these fields on `what`: a volume group, or vg/lv, "" for all.
  std::vector<Row> report(const std::string& command, const std::string& fields, const std::string& what);

 private:
  CommandProcess process_;
  std::chrono::milliseconds limit_;
};

// What lvm refused, with the nearest code. Never returns.
[[noreturn]] void throw_refusal(const std::vector<std::string>& words, const CommandResult& result);

// "<command> (pid <n>)" of a process that has the lock of a volume group, "" if none or unknown.
[[nodiscard]] std::string lock_holder(const std::string& volume_group);

// The rows of a report in JSON, as the lines that lvm printed. Pure; ProviderError if it is none.
[[nodiscard]] std::vector<Row> parse_report(const std::vector<std::string>& lines);

}  // namespace vss::lvm
