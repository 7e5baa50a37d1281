// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A directory of scripts that are told "freeze" and "thaw", as the guest agent of QEMU runs fsfreeze-hook.d.
// Here a script that fails is a failure.

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "writer-sdk/common/unique_fd.hpp"
#include "writer-sdk/writers/common/run_command.hpp"

namespace vss::command {

struct HookSettings {
  std::filesystem::path directory;
  std::chrono::milliseconds script_limit{};  // for each script, each time
  std::chrono::milliseconds all_limit{};     // for all of them together, each time
};

class HookDirectory {
 public:
  using Log = std::function<void(const std::string&)>;
  // `log` is told of files that are left out, `on_start` of each script.
  HookDirectory(HookSettings settings, Log log, writers::OnStart on_start = {})
      : settings_(std::move(settings)), log_(std::move(log)), on_start_(std::move(on_start)) {}

  // Runs each script with "freeze", in the order of their names. If one fails, those that were told, it
  // included, are told "thaw" at once. What went wrong, or nothing.
  [[nodiscard]] std::optional<std::string> freeze(const std::vector<std::string>& environment);
  // Runs those that were told "freeze" with "thaw", the last one first; one that fails does not keep the
  // others from it, and is told again the next time. When the time for all is up each still gets a second.
  // Nobody was told: nothing happens.
  [[nodiscard]] std::optional<std::string> thaw(const std::vector<std::string>& environment);
  // The same with all that there are, when it is not known who was told.
  [[nodiscard]] std::optional<std::string> thaw_all(const std::vector<std::string>& environment);

 private:
  const HookSettings settings_;
  const Log log_;
  const writers::OnStart on_start_;
  // Has the script called, which may leave something in the background that waits for its thaw.
  [[nodiscard]] std::optional<std::string> tell(const std::filesystem::path& script, const char* argument,
                                                const std::vector<std::string>& environment,
                                                std::chrono::milliseconds limit);

  std::vector<std::filesystem::path> told_;
  bool knows_told_ = true;
  std::vector<UniqueFd> outputs_;  // of what is in the background
};

}  // namespace vss::command
