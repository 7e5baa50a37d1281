// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/command_line.hpp"

#include <array>
#include <utility>

#include <CLI/CLI.hpp>

namespace vss::system {

CommandLine parse_command_line(int argc, const char* const* argv) {
  CommandLine result;
  CLI::App app("The Volume Shadow Copy Service for Linux", "vssd");
  const auto absolute = [](const std::string& path) {
    return path.starts_with('/') ? std::string() : path + " is not an absolute path";
  };
  const auto add_path = [&](const std::string& name, std::string& target, const std::string& text,
                            const std::string& type) {
    return app.add_option(name, target, text)->check(CLI::Validator(absolute, type));
  };
  const auto* config =
      add_path("--config", result.config_file, "Configuration (default: /etc/vssd/vssd.conf)", "FILE");
  add_path("--state-dir", result.state_dir, "Where the catalogue is", "DIR");
  add_path("--runtime-dir", result.runtime_dir, "Where records of holds and mounts of snapshots are", "DIR");
  add_path("--provider-dir", result.provider_dir, "Where providers are loaded from", "DIR");
  add_path("--helper", result.helper, "The hold helper, vssd-hold", "FILE");
  app.add_flag("--foreground", result.foreground, "Log to standard error as plain text");
  app.set_version_flag("--version", "vssd " VSSD_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    result.exit = true;
    result.exit_code = app.exit(error);
  }
  result.config_given = config->count() > 0;
  return result;
}

core::Result<Config> load_config(const CommandLine& command_line) {
  auto config = load_config(command_line.config_file, command_line.config_given);
  if (!config) return config;
  const std::array given = {
      std::pair{&CommandLine::state_dir, &Config::state_dir},
      std::pair{&CommandLine::runtime_dir, &Config::runtime_dir},
      std::pair{&CommandLine::provider_dir, &Config::provider_dir},
      std::pair{&CommandLine::helper, &Config::helper},
  };
  for (const auto& [from, to] : given) {
    if (!(command_line.*from).empty()) (*config).*to = command_line.*from;
  }
  return config;
}

}  // namespace vss::system
