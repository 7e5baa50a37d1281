// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// DiskShadow's language (vss.md 6.2), adapted: one command a line. Pure: all of a script is checked before
// any of it is done.

#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace vss::cli {

inline constexpr std::size_t kMaxScriptSize = std::size_t{1} << 20;
inline constexpr std::size_t kMaxScriptLine = 4096;
inline constexpr std::size_t kMaxScriptWords = 64;

enum class Verb {
  AbortBackup,
  AddAlias,
  AddComponent,
  AddVolume,
  BeginBackup,
  BeginRestore,
  Break,
  CollectGarbage,
  Create,
  DeleteAllShadows,
  DeleteOwnShadows,
  DeleteShadows,
  DisableClasses,
  DisableInstances,
  EnableClasses,
  EndBackup,
  EndRestore,
  Exec,
  Exit,
  Expose,
  List,
  ListFailures,
  ListShadows,
  ListShadowsBy,
  ListWriters,
  LoadMetadata,
  Reset,
  ResetWriter,
  ResizeStorage,
  RestoreAdditional,
  RestoreAuthoritative,
  RestoreExclude,
  RestoreLocation,
  RestoreName,
  RestoreOptions,
  RestoreRanges,
  RestoreRollForward,
  RestoreSelect,
  RestoreStatus,
  RestoreTarget,
  RestoreType,
  Revert,
  SaveMetadata,
  SetBootable,
  SetContext,
  SetLockTimeout,
  SetMetadata,
  SetNoAutoRecovery,
  SetPartialFiles,
  SetPolicy,
  SetRequire,
  SetSucceeded,
  SetVerbose,
  ShowComponents,
  ShowRevert,
  ShowSession,
  ShowSnapshot,
  ShowVolume,
  SimulateRestore,
  Unexpose,
  Unsupported,
  WriterExclude,
  WriterVerify
};

struct ScriptCommand {
  Verb verb{};
  int line = 0;
  std::string name;                            // the words that name it: "add volume"
  std::vector<std::string> arguments;          // in the order of the form, the choices among them
  std::map<std::string, std::string> options;  // "alias" -> its value; of one without a value ""

  [[nodiscard]] bool has(const std::string& option) const { return options.contains(option); }
  [[nodiscard]] std::string option(const std::string& key) const {
    const auto found = options.find(key);
    return found == options.end() ? std::string() : found->second;
  }
};

class ScriptError : public std::runtime_error {
 public:
  ScriptError(int line, const std::string& message) : std::runtime_error(message), line_(line) {}
  [[nodiscard]] int line() const { return line_; }

 private:
  int line_;
};

// Throws ScriptError: too large, a line too long, a NUL byte, a quote that is not closed, an unknown command,
// too few or too many words. Words are separated by blanks. "..." and '...' quote; inside "..." \" and
// \\ stand for " and \. # begins a comment where a word could begin. In '...' a % stays one; elsewhere %name%
// is replaced when the command is done and %% is a %.
[[nodiscard]] std::vector<ScriptCommand> parse_script(std::string_view text);

// One line for each command, as the manual writes it.
[[nodiscard]] std::vector<std::string> script_usage();

// `word` with %name% replaced. Throws std::out_of_range with the name of an unknown variable.
[[nodiscard]] std::string expand_variables(const std::string& word,
                                           const std::map<std::string, std::string>& variables);

}  // namespace vss::cli
