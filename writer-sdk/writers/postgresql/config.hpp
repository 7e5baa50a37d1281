// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The TOML file of one cluster; vss-writer-postgresql(8) describes it.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace vss::postgresql {

// By a socket and the account of the process: no password, no network.
struct ServerSettings {
  std::string socket_directory = "/var/run/postgresql";
  std::uint16_t port = 5432;
  std::string user;  // "": the name of the account
  std::string database = "postgres";
  std::string data_directory;  // what is looked at while the server does not run
};

enum class Mode : std::uint8_t { Auto, Atomic, Backup };

struct RestoreSettings {
  std::vector<std::string> stop_command;   // empty: a server that runs is a refusal
  std::vector<std::string> start_command;  // empty: it is not started
  std::string restore_command;             // as in postgresql.conf; "": there is no archive
  bool latest = false;                     // all that the archive has, instead of the instant of the snapshot
};

struct Config {
  std::string instance = "main";
  ServerSettings server;
  Mode mode = Mode::Auto;
  std::chrono::milliseconds checkpoint_limit{};  // also of the end of the backup mode
  bool require_archive = true;                   // for backup mode
  RestoreSettings restore;
};

// The error is one line, "file:line: key: what is wrong".
[[nodiscard]] tl::expected<Config, std::string> load_config(const std::filesystem::path& file);

}  // namespace vss::postgresql
