// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The configuration of vssd: defaults, then /etc/vssd/vssd.conf, then vssd.conf.d/*.conf beside it in the
// order of their names; the later one wins. TOML; README.md lists the keys.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <spdlog/common.h>

#include "daemon/core/error.hpp"

namespace vss::system {

struct Config {
  std::string state_dir = "/var/lib/vssd";
  std::string runtime_dir = "/run/vssd";
  std::string provider_dir;  // default: where the providers are installed
  std::string helper;        // vssd-hold; default: where it is installed

  std::uint32_t hold_limit_ms = 10'000;  // from the first hold to the last release
  std::uint32_t identify_ms = 30'000;
  std::uint32_t prepare_for_backup_ms = 600'000;
  std::uint32_t prepare_for_snapshot_ms = 600'000;
  std::uint32_t freeze_default_ms = 60'000;  // for writers that do not name their own
  std::uint32_t abort_ms = 30'000;
  std::uint32_t post_snapshot_ms = 600'000;
  std::uint32_t backup_complete_ms = 600'000;
  std::uint32_t restore_ms = 600'000;
  std::uint32_t backup_shutdown_ms = 30'000;
  std::uint32_t flush_ms = 300'000;
  std::uint32_t watch_ms = 2'000;       // between two looks at the health of the snapshots
  std::uint32_t provider_ms = 600'000;  // the most for any one operation of a provider; each has its own too

  std::vector<std::string> providers;  // names of those to load; empty: all that are installed
  // Sections [provider.<name>]: keys and values as text.
  std::map<std::string, std::map<std::string, std::string>> provider_settings;
  std::vector<std::string>
      writer_accounts;  // users that may register writers, besides root and polkit's answer
  std::vector<std::string> manifest_dirs;  // of writers without a program; the later one wins
  std::uint32_t max_sessions = 1024;
  std::uint32_t max_sessions_per_caller = 64;
  spdlog::level::level_enum log_level = spdlog::level::info;

  Config();
};

// `file` and `file`.d/*.conf; what does not exist is left out, unless `required` and it is `file`.
// Errors: InvalidArgument "file:line: ..." for an unknown key, a wrong type, a value out of range or no TOML;
// what opening says.
[[nodiscard]] core::Result<Config> load_config(const std::string& file, bool required);

// The same for one text. `file` names it in errors.
[[nodiscard]] core::Status apply_config(Config& config, const std::string& text, const std::string& file);

}  // namespace vss::system
