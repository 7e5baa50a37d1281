// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The TOML file of one server; vss-writer-mariadb(8) describes it.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace vss::mariadb {

// By a socket and the account of the process: no password, no network.
struct ServerSettings {
  std::string socket = "/run/mysqld/mysqld.sock";
  std::string user;            // "": the name of the account
  std::string data_directory;  // what is looked at while the server does not run
};

// Auto: backup stages if the set shows one instant, else a standstill.
enum class Mode : std::uint8_t { Auto, Atomic, Standstill };

struct Limits {
  std::chrono::milliseconds lock{};        // of all waits for statements that run, while others wait behind
  std::chrono::milliseconds standstill{};  // until nothing is written any more
};

struct RestoreSettings {
  std::vector<std::string> stop_command;   // empty: a server that runs is a refusal
  std::vector<std::string> start_command;  // empty: it is not started
};

struct Config {
  std::string instance = "main";
  ServerSettings server;
  Mode mode = Mode::Auto;
  Limits limits;
  RestoreSettings restore;
};

// The error is one line, "file:line: key: what is wrong".
[[nodiscard]] tl::expected<Config, std::string> load_config(const std::filesystem::path& file);

}  // namespace vss::mariadb
