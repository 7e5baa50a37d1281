// SPDX-License-Identifier: LGPL-2.1-or-later
// The command `script`.
#include <fstream>
#include <iostream>
#include <iterator>

#include <fmt/format.h>

#include "daemon/cli/commands.hpp"
#include "daemon/cli/script_runner.hpp"

namespace vss::cli {
namespace {

std::string read_script(std::istream& input) {
  std::string text(kMaxScriptSize + 1, '\0');  // one more than allowed tells that there is more
  input.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(input.gcount()));
  return text;
}

std::string read_script_file(const std::string& file) {
  if (file == "-") return read_script(std::cin);
  std::ifstream input(file, std::ios::binary);
  if (!input) throw Failure(ErrorCode::ObjectNotFound, "read " + file, "the script cannot be opened");
  std::string text = read_script(input);
  if (input.bad())
    throw Failure(ExitCode::General, "SystemError", "read " + file, "the script cannot be read");
  return text;
}

}  // namespace

int script(const CommonOptions& common, const ScriptArguments& arguments) {
  const std::string name = arguments.file == "-" ? "standard input" : arguments.file;
  std::vector<ScriptCommand> commands;
  try {
    commands = parse_script(read_script_file(arguments.file));
  } catch (const ScriptError& error) {
    throw Failure(ErrorCode::InvalidArgument, fmt::format("{}:{}", name, error.line()), error.what());
  }
  if (arguments.check_only) return static_cast<int>(ExitCode::Ok);
  const SignalFd signals;  // not earlier: what is typed as a script can be interrupted
  Bus bus(common.host);
  bus.start();
  ScriptRunner runner(common, bus, signals);
  runner.run(commands, name);
  return static_cast<int>(ExitCode::Ok);
}

}  // namespace vss::cli
