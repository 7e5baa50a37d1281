// SPDX-License-Identifier: LGPL-2.1-or-later
// vss-writer-unit: a writer that pauses systemd units.
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <exception>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "writer-sdk/writers/common/config_files.hpp"
#include "writer-sdk/writers/common/runtime_directory.hpp"
#include "writer-sdk/writers/common/service.hpp"
#include "writer-sdk/writers/unit/config.hpp"
#include "writer-sdk/writers/unit/guard.hpp"
#include "writer-sdk/writers/unit/unit_writer.hpp"

namespace {

namespace fs = std::filesystem;
using namespace vss::unit;

struct Arguments {
  fs::path file;
  std::vector<fs::path> directories;
  std::string name;
  Places places;
  bool thaw = false;
  int guard_ms = 0;
};

void log_line(const std::string& message) { std::cerr << (message + "\n") << std::flush; }

using Clock = std::chrono::steady_clock;

// The record stays for the next one who tries; systemd does not wait for ever for a start, or an end.
constexpr std::chrono::seconds kThawLimit{30};

int thaw_what_is_left(const Places& places) {
  const Record record = places.record();
  if (!thaw_recorded(record, places.cgroups, &log_line, Clock::now() + kThawLimit)) return EXIT_FAILURE;
  record.clear();
  return EXIT_SUCCESS;
}

// The record is the writer's, who may come back to it.
int guard(const Arguments& arguments) {
  wait_as_guard(std::chrono::milliseconds(arguments.guard_ms));
  const Places& places = arguments.places;
  const bool done = thaw_recorded(places.record(), places.cgroups, &log_line, Clock::time_point::max());
  return done ? EXIT_SUCCESS : EXIT_FAILURE;
}

int serve(const Arguments& arguments) {
  std::optional<fs::path> file = arguments.file;
  if (file->empty()) file = vss::writers::config_file(arguments.directories, arguments.name);
  if (!file) {
    log_line(arguments.name + ".toml is in none of the directories, or empty: there is no such writer");
    return EX_CONFIG;
  }
  auto config = load_config(*file);
  if (!config) {
    log_line(config.error());
    return EX_CONFIG;
  }
  const vss::UniqueFd taken = vss::writers::take_runtime_directory(arguments.places.runtime);
  if (thaw_what_is_left(arguments.places) != EXIT_SUCCESS) return EXIT_FAILURE;
  vss::writers::block_end_signals();
  const std::string limit = std::to_string(config->writer.freeze_timeout.count());
  UnitWriter writer(std::move(*config), arguments.places,
                    {"vss-writer-unit", "--guard", limit, "--runtime-dir", arguments.places.runtime,
                     "--cgroups", arguments.places.cgroups});
  vss::writers::serve({&writer});
  return EXIT_SUCCESS;
}

int run(const Arguments& arguments) {
  if (arguments.guard_ms > 0) return guard(arguments);
  return arguments.thaw ? thaw_what_is_left(arguments.places) : serve(arguments);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Has systemd units stand still while snapshots are made");
  Arguments arguments;
  auto* what = app.add_option_group("what");
  auto* file = what->add_option("--config", arguments.file, "Configuration (TOML)");
  auto* name = what->add_option("--name", arguments.name, "NAME.toml of the directories")->excludes(file);
  what->add_flag("--thaw", arguments.thaw, "Only let go on what a writer that has died has left frozen");
  what->add_option("--guard", arguments.guard_ms)->group("");
  what->require_option(1);
  app.add_option("--config-dir", arguments.directories, "Where to look; later ones override earlier ones")
      ->needs(name);
  app.add_option("--runtime-dir", arguments.places.runtime, "Where it is written what is frozen")->required();
  app.add_option("--cgroups", arguments.places.cgroups, "Where cgroup v2 is mounted");
  app.set_version_flag("--version", std::string("vss-writer-unit ") + VSSD_VERSION);
  CLI11_PARSE(app, argc, argv);
  try {
    return run(arguments);
  } catch (const std::exception& error) {
    log_line(error.what());
    return EXIT_FAILURE;
  }
}
