// SPDX-License-Identifier: LGPL-2.1-or-later
// vss-writer-command: writers made of commands.
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <filesystem>
#include <iostream>
#include <list>
#include <string>
#include <vector>

#include "writer-sdk/writers/command/command_writer.hpp"
#include "writer-sdk/writers/common/config_files.hpp"
#include "writer-sdk/writers/common/service.hpp"

namespace {

namespace fs = std::filesystem;

// The directories have the files of vss-writer-unit too.
bool is_for_units(const fs::path& file) {
  try {
    return toml::parse_file(file.string()).contains("units");
  } catch (const toml::parse_error&) {
    return false;  // what is wrong with it is said when it is read
  }
}

std::vector<fs::path> files_of(const std::vector<fs::path>& directories, const std::string& name) {
  if (name.empty()) {
    std::vector<fs::path> files = vss::writers::config_files(directories);
    std::erase_if(files, is_for_units);
    return files;
  }
  const auto file = vss::writers::config_file(directories, name);
  return file ? std::vector{*file} : std::vector<fs::path>();
}

int run(const std::vector<fs::path>& files) {
  std::list<vss::command::CommandWriter> writers;
  for (const fs::path& file : files) {
    auto config = vss::command::load_config(file);
    if (!config) {
      std::cerr << config.error() << '\n';
      return EX_CONFIG;
    }
    writers.emplace_back(std::move(*config));
  }
  if (writers.empty()) {
    std::cerr << "no writer is configured\n";
    return EXIT_SUCCESS;
  }
  vss::writers::block_end_signals();
  std::vector<vss::Writer*> served;
  for (auto& writer : writers) served.push_back(&writer);
  vss::writers::serve(served);
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Takes part in snapshots by running commands");
  std::vector<fs::path> files;
  std::vector<fs::path> directories;
  std::string name;
  auto* file = app.add_option("--config", files, "Configuration of a writer (TOML)");
  app.add_option("--config-dir", directories,
                 "Directory of such files, *.toml; later ones override earlier ones")
      ->excludes(file);
  app.add_option("--name", name, "Only the file NAME.toml of these directories")->excludes(file);
  app.set_version_flag("--version", std::string("vss-writer-command ") + VSSD_VERSION);
  app.require_option(1, 0);
  CLI11_PARSE(app, argc, argv);
  try {
    return run(files.empty() ? files_of(directories, name) : files);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
