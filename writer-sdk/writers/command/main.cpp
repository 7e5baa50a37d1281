// SPDX-License-Identifier: LGPL-2.1-or-later
// vss-writer-command: writers made of commands.
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <filesystem>
#include <iostream>
#include <list>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "writer-sdk/writers/command/command_writer.hpp"
#include "writer-sdk/writers/common/config_files.hpp"
#include "writer-sdk/writers/common/runtime_directory.hpp"
#include "writer-sdk/writers/common/service.hpp"

namespace {

namespace fs = std::filesystem;
using vss::command::CommandWriter;
using vss::command::FreezeRecord;

struct Arguments {
  std::vector<fs::path> files;
  std::vector<fs::path> directories;
  std::string name;
  fs::path runtime;
  bool thaw = false;
};

struct ConfigFault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The directories have the files of vss-writer-unit too.
bool is_for_units(const fs::path& file) {
  try {
    return toml::parse_file(file.string()).contains("units");
  } catch (const toml::parse_error&) {
    return false;  // what is wrong with it is said when it is read
  }
}

std::vector<fs::path> files_of(const Arguments& arguments) {
  if (!arguments.files.empty()) return arguments.files;
  if (arguments.name.empty()) {
    std::vector<fs::path> files = vss::writers::config_files(arguments.directories);
    std::erase_if(files, is_for_units);
    return files;
  }
  const auto file = vss::writers::config_file(arguments.directories, arguments.name);
  return file ? std::vector{*file} : std::vector<fs::path>();
}

// One record for each file; by its name, which is the same when it has been edited.
std::optional<FreezeRecord> record_of(const Arguments& arguments, const fs::path& file) {
  if (arguments.runtime.empty()) return std::nullopt;
  return FreezeRecord(arguments.runtime / (file.stem().string() + ".frozen"));
}

// Its file has been taken away since: nothing says how to thaw it.
bool is_left_without_file(const Arguments& arguments) {
  const auto record = record_of(arguments, arguments.name + ".toml");
  if (arguments.name.empty() || !record || !record->is_frozen()) return false;
  std::cerr << arguments.name << " was left frozen, and has no file any more that says how to thaw it\n";
  return true;
}

// Throws ConfigFault.
std::list<CommandWriter> writers_of(const Arguments& arguments) {
  std::list<CommandWriter> writers;
  std::set<fs::path> names;
  for (const fs::path& file : files_of(arguments)) {
    auto config = vss::command::load_config(file);
    if (!config) throw ConfigFault(config.error());
    if (!arguments.runtime.empty() && !names.insert(file.stem()).second)
      throw ConfigFault(file.string() + ": there is another file of this name, and the record has it");
    writers.emplace_back(std::move(*config), record_of(arguments, file));
  }
  return writers;
}

int run(const Arguments& arguments) {
  std::list<CommandWriter> writers = writers_of(arguments);
  if (writers.empty()) {
    std::cerr << "no writer is configured\n";
    return arguments.thaw && is_left_without_file(arguments) ? EXIT_FAILURE : EXIT_SUCCESS;
  }
  vss::UniqueFd taken;
  if (!arguments.runtime.empty()) taken = vss::writers::take_runtime_directory(arguments.runtime);
  bool all_thawed = true;
  for (CommandWriter& writer : writers) all_thawed = writer.thaw_what_is_left() && all_thawed;
  if (arguments.thaw) return all_thawed ? EXIT_SUCCESS : EXIT_FAILURE;
  // What could not be thawed is tried again with the next Thaw or Abort: to stay away would help nobody.
  vss::writers::block_end_signals();
  std::vector<vss::Writer*> served;
  for (auto& writer : writers) served.push_back(&writer);
  vss::writers::serve(served);
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Takes part in snapshots by running commands");
  Arguments arguments;
  auto* what = app.add_option_group("what");
  what->add_option("--config", arguments.files, "Configuration of a writer (TOML)");
  auto* directories = what->add_option("--config-dir", arguments.directories,
                                       "Directory of such files, *.toml; later ones override earlier ones");
  what->require_option(1);
  app.add_option("--name", arguments.name, "Only the file NAME.toml of these directories")
      ->needs(directories);
  auto* runtime = app.add_option("--runtime-dir", arguments.runtime, "Where it is written what is frozen");
  app.add_flag("--thaw", arguments.thaw, "Only thaw what a writer that has died has left frozen")
      ->needs(runtime);
  app.set_version_flag("--version", std::string("vss-writer-command ") + VSSD_VERSION);
  CLI11_PARSE(app, argc, argv);
  try {
    return run(arguments);
  } catch (const ConfigFault& fault) {
    std::cerr << fault.what() << '\n';
    return EX_CONFIG;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
