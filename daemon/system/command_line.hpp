// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The command line of vssd. What it names wins over the configuration files.

#include "daemon/core/error.hpp"
#include "daemon/system/config.hpp"

namespace vss::system {

struct CommandLine {
  bool exit = false;  // --help, --version or an error: all is said, leave with exit_code
  int exit_code = 0;
  bool foreground = false;  // log to standard error as plain text
  bool config_given = false;
  std::string config_file = "/etc/vssd/vssd.conf";
  std::string state_dir;  // "" = not given, here and below
  std::string runtime_dir;
  std::string provider_dir;
  std::string helper;
};

// Prints help, version and errors itself.
[[nodiscard]] CommandLine parse_command_line(int argc, const char* const* argv);

// The configuration files, then the command line. A file named by --config must exist.
[[nodiscard]] core::Result<Config> load_config(const CommandLine& command_line);

}  // namespace vss::system
