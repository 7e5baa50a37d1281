// SPDX-License-Identifier: LGPL-2.1-or-later
// vssd: see README.md of this folder.

#include <csignal>
#include <cstdio>
#include <exception>
#include <string_view>

#include <spdlog/spdlog.h>

#include "daemon/daemon.hpp"
#include "daemon/hold/leftovers.hpp"
#include "daemon/system/command_line.hpp"
#include "daemon/system/instance_lock.hpp"

namespace {

// Whatever a former run left held is let go before anything else.
void release_leftovers(const std::string& runtime_dir) {
  const auto log = [](std::string_view line) { spdlog::warn("leftovers: {}", line); };
  if (const auto released = vss::hold::release_leftovers(runtime_dir, log); !released) {
    spdlog::error("leftovers: {}", released.error().message);
  }
}

int run(int argc, const char* const* argv) {
  const vss::system::CommandLine command_line = vss::system::parse_command_line(argc, argv);
  if (command_line.exit) return command_line.exit_code;
  auto config = vss::system::load_config(command_line);
  if (!config) {
    std::fprintf(stderr, "vssd: %s\n", config.error().message.c_str());
    return 78;  // EX_CONFIG
  }
  const auto log = vss::system::install_log(config->log_level, command_line.foreground);
  const auto lock = vss::system::take_instance_lock(config->runtime_dir);
  if (!lock) {
    spdlog::critical("{}", lock.error().message);
    return 1;
  }
  release_leftovers(config->runtime_dir);
  return vss::Daemon(std::move(*config), log).run();
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "vssd: %s\n", error.what());
    return 1;
  }
}
