// SPDX-License-Identifier: LGPL-2.1-or-later
// vss-writer-postgresql: the writer of one PostgreSQL cluster.
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>

#include "writer-sdk/writers/common/service.hpp"
#include "writer-sdk/writers/postgresql/config.hpp"
#include "writer-sdk/writers/postgresql/postgresql_writer.hpp"

int main(int argc, char** argv) {
  CLI::App app("Has a PostgreSQL cluster take part in snapshots");
  std::filesystem::path file;
  app.add_option("--config", file, "Configuration (TOML)")->required();
  app.set_version_flag("--version", std::string("vss-writer-postgresql ") + VSSD_VERSION);
  CLI11_PARSE(app, argc, argv);
  try {
    auto config = vss::postgresql::load_config(file);
    if (!config) {
      std::cerr << config.error() << '\n';
      return EX_CONFIG;
    }
    vss::writers::block_end_signals();
    vss::postgresql::PostgresqlWriter writer(std::move(*config));
    vss::writers::serve({&writer});
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
