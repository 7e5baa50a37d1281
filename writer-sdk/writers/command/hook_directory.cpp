// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/command/hook_directory.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <ranges>
#include <string_view>
#include <system_error>
#include <utility>

namespace vss::command {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kNone{0};
constexpr std::chrono::milliseconds kLeastToThaw{1000};

std::chrono::milliseconds left_until(Clock::time_point end) {
  return std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
}

// A shell runs such a file by itself; the system call wants to know how.
bool names_its_interpreter(const fs::path& script) {
  std::array<char, 4> start{};
  std::ifstream file(script, std::ios::binary);
  file.read(start.data(), start.size());
  const std::string_view text(start.data(), static_cast<std::size_t>(file.gcount()));
  return text.starts_with("#!") || text == "\177ELF";
}

void add(std::optional<std::string>& all, std::optional<std::string> one) {
  if (!one) return;
  all = all ? *all + "; " + *one : std::move(one);
}

// What may be in such a directory and is no script: backups of editors and package managers, examples.
bool is_ignored(const std::string& name) {
  constexpr std::array<std::string_view, 15> kEndings = {
      "~",          ".bak",      ".bk",       ".orig",        ".sample",
      ".rpmnew",    ".rpmorig",  ".rpmsave",  ".dpkg-bak",    ".dpkg-new",
      ".dpkg-dist", ".dpkg-old", ".dpkg-tmp", ".dpkg-backup", ".dpkg-remove"};
  return name.starts_with('.') ||
         std::ranges::any_of(kEndings, [&](std::string_view ending) { return name.ends_with(ending); });
}

struct Listing {
  std::vector<fs::path> scripts;
  std::string error;
};

Listing scripts_of(const fs::path& directory, const HookDirectory::Log& log) {
  Listing found;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    const fs::path& path = at->path();
    std::error_code vanished;
    if (is_ignored(path.filename()) || !at->is_regular_file(vanished)) continue;
    if (::access(path.c_str(), X_OK) == 0) {
      found.scripts.push_back(path);
    } else {
      log(path.string() + " cannot be executed: left out");
    }
  }
  if (error) found.error = directory.string() + ": " + error.message();
  std::ranges::sort(found.scripts);
  return found;
}

}  // namespace

std::optional<std::string> HookDirectory::tell(const fs::path& script, const char* argument,
                                               const std::vector<std::string>& environment,
                                               std::chrono::milliseconds limit) {
  std::vector<std::string> words{script.string(), argument};
  if (!names_its_interpreter(script)) words.insert(words.begin(), "/bin/sh");
  UniqueFd output;
  auto failure = writers::run_command(words, environment, limit, &output, on_start_);
  if (output.get() >= 0) outputs_.push_back(std::move(output));
  if (failure) *failure = script.filename().string() + " " + argument + ": " + *failure;
  return failure;
}

std::optional<std::string> HookDirectory::freeze(const std::vector<std::string>& environment) {
  Listing listing = scripts_of(settings_.directory, log_);
  if (!listing.error.empty()) return std::move(listing.error);
  const Clock::time_point end = Clock::now() + settings_.all_limit;
  outputs_.clear();
  told_.clear();
  knows_told_ = true;
  for (const fs::path& script : listing.scripts) {
    const auto left = left_until(end);
    std::optional<std::string> failure = script.filename().string() + " freeze: no time is left for it";
    if (left > kNone) {
      told_.push_back(script);
      failure = tell(script, "freeze", environment, std::min(left, settings_.script_limit));
    }
    if (!failure) continue;
    add(failure, thaw(environment));
    return failure;
  }
  return std::nullopt;
}

std::optional<std::string> HookDirectory::thaw(const std::vector<std::string>& environment) {
  std::optional<std::string> failures;
  if (!knows_told_) {
    Listing listing = scripts_of(settings_.directory, log_);
    if (!listing.error.empty()) return std::move(listing.error);
    told_ = std::move(listing.scripts);
    knows_told_ = true;
  }
  const Clock::time_point end = Clock::now() + settings_.all_limit;
  std::vector<fs::path> frozen_yet;
  for (const fs::path& script : told_ | std::views::reverse) {
    const auto limit = std::min(std::max(left_until(end), kLeastToThaw), settings_.script_limit);
    auto failure = tell(script, "thaw", environment, limit);
    if (failure) frozen_yet.insert(frozen_yet.begin(), script);
    add(failures, std::move(failure));
  }
  told_ = std::move(frozen_yet);
  return failures;
}

std::optional<std::string> HookDirectory::thaw_all(const std::vector<std::string>& environment) {
  knows_told_ = false;
  return thaw(environment);
}

}  // namespace vss::command
