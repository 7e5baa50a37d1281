// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/postgresql/config.hpp"

#include "writer-sdk/writers/common/config_table.hpp"

namespace vss::postgresql {
namespace {

using writers::ConfigTable;

// As long as vssd waits for PrepareForSnapshot, less what the rest of that event takes.
constexpr std::chrono::milliseconds kCheckpointLimit = std::chrono::minutes(9);

ServerSettings server_of(const ConfigTable& table) {
  table.only({"socket_directory", "port", "user", "database", "data_directory"});
  ServerSettings server;
  server.socket_directory = table.absolute_path("socket_directory", server.socket_directory);
  server.port = static_cast<std::uint16_t>(table.number("port", 1, 65535, server.port));
  server.user = table.text("user");
  server.database = table.text("database", server.database);
  server.data_directory = table.absolute_path("data_directory", "");
  return server;
}

Mode mode_of(const ConfigTable& table) {
  const std::string name = table.text("mode", "auto");
  if (name == "auto") return Mode::Auto;
  if (name == "atomic") return Mode::Atomic;
  if (name == "backup") return Mode::Backup;
  throw table.error("mode", "auto, atomic or backup is needed");
}

RestoreSettings restore_of(const ConfigTable& table) {
  table.only({"stop_command", "start_command", "restore_command", "recover_to"});
  RestoreSettings restore{table.command("stop_command"), table.command("start_command"),
                          table.text("restore_command")};
  if (restore.restore_command.find('\n') != std::string::npos)
    throw table.error("restore_command", "one line is needed");
  const std::string target = table.text("recover_to", "snapshot");
  if (target != "snapshot" && target != "latest")
    throw table.error("recover_to", "snapshot or latest is needed");
  restore.latest = target == "latest";
  if (restore.latest && restore.restore_command.empty())
    throw table.error("recover_to", "latest needs a restore_command");
  return restore;
}

Config read(const toml::table& root) {
  const ConfigTable file{root, ""};
  file.only({"instance", "server", "snapshot", "restore"});
  Config config;
  config.instance = file.instance("instance", config.instance);
  config.server = server_of(file.section("server"));
  const ConfigTable snapshot = file.section("snapshot");
  snapshot.only({"mode", "checkpoint_timeout_ms", "require_archive"});
  config.mode = mode_of(snapshot);
  config.checkpoint_limit = snapshot.milliseconds("checkpoint_timeout_ms", kCheckpointLimit);
  config.require_archive = snapshot.flag("require_archive", true);
  config.restore = restore_of(file.section("restore"));
  return config;
}

}  // namespace

tl::expected<Config, std::string> load_config(const std::filesystem::path& file) {
  return writers::read_config<Config>(file, &read);
}

}  // namespace vss::postgresql
