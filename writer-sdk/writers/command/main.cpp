// SPDX-License-Identifier: LGPL-2.1-or-later
// vss-writer-command: writers made of commands.
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <filesystem>
#include <iostream>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "writer-sdk/writers/command/command_writer.hpp"
#include "writer-sdk/writers/common/service.hpp"

namespace {

namespace fs = std::filesystem;

// Files of a later directory replace those of the same name in an earlier one; an empty file takes a writer
// away.
std::vector<fs::path> files_of(const std::vector<fs::path>& directories) {
  std::map<std::string, fs::path> by_name;
  for (const fs::path& directory : directories) {
    std::error_code missing;
    for (const auto& entry : fs::directory_iterator(directory, missing)) {
      if (entry.path().extension() == ".toml") by_name[entry.path().filename()] = entry.path();
    }
  }
  std::vector<fs::path> files;
  for (const auto& [name, path] : by_name) {
    if (!fs::is_empty(path)) files.push_back(path);
  }
  return files;
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
  auto* file = app.add_option("--config", files, "Configuration of a writer (TOML)");
  app.add_option("--config-dir", directories,
                 "Directory of such files, *.toml; later ones override earlier ones")
      ->excludes(file);
  app.set_version_flag("--version", std::string("vss-writer-command ") + VSSD_VERSION);
  app.require_option(1, 0);
  CLI11_PARSE(app, argc, argv);
  try {
    return run(files.empty() ? files_of(directories) : files);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
