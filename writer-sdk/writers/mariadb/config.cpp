// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/mariadb/config.hpp"

#include "writer-sdk/writers/common/config_table.hpp"

namespace vss::mariadb {
namespace {

using writers::ConfigTable;

// Together they leave the capture half of the time between Freeze and Thaw.
constexpr std::int64_t kLongestLockMs = 15'000;
constexpr std::int64_t kLongestStandstillMs = 15'000;

ServerSettings server_of(const ConfigTable& table) {
  table.only({"socket", "user", "data_directory"});
  ServerSettings server;
  server.socket = table.absolute_path("socket", server.socket);
  server.user = table.text("user");
  server.data_directory = table.absolute_path("data_directory", "");
  return server;
}

Mode mode_of(const ConfigTable& table) {
  const std::string name = table.text("mode", "auto");
  if (name == "auto") return Mode::Auto;
  if (name == "atomic") return Mode::Atomic;
  if (name == "standstill") return Mode::Standstill;
  throw table.error("mode", "auto, atomic or standstill is needed");
}

Limits limits_of(const ConfigTable& table) {
  return {std::chrono::milliseconds(table.number("lock_timeout_ms", 1, kLongestLockMs, 5000)),
          std::chrono::milliseconds(table.number("standstill_timeout_ms", 1, kLongestStandstillMs, 10'000))};
}

Config read(const toml::table& root) {
  const ConfigTable file{root, ""};
  file.only({"instance", "server", "snapshot", "restore"});
  Config config;
  config.instance = file.instance("instance", config.instance);
  config.server = server_of(file.section("server"));
  const ConfigTable snapshot = file.section("snapshot");
  snapshot.only({"mode", "lock_timeout_ms", "standstill_timeout_ms"});
  config.mode = mode_of(snapshot);
  config.limits = limits_of(snapshot);
  const ConfigTable restore = file.section("restore");
  restore.only({"stop_command", "start_command"});
  config.restore = {restore.command("stop_command"), restore.command("start_command")};
  return config;
}

}  // namespace

tl::expected<Config, std::string> load_config(const std::filesystem::path& file) {
  return writers::read_config<Config>(file, &read);
}

}  // namespace vss::mariadb
