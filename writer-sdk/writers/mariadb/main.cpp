// SPDX-License-Identifier: LGPL-2.1-or-later
// vss-writer-mariadb: the writer of one MariaDB or MySQL server.
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>

#include "writer-sdk/writers/common/service.hpp"
#include "writer-sdk/writers/mariadb/config.hpp"
#include "writer-sdk/writers/mariadb/mariadb_writer.hpp"

int main(int argc, char** argv) {
  CLI::App app("Has a MariaDB or MySQL server take part in snapshots");
  std::filesystem::path file;
  app.add_option("--config", file, "Configuration (TOML)")->required();
  app.set_version_flag("--version", std::string("vss-writer-mariadb ") + VSSD_VERSION);
  CLI11_PARSE(app, argc, argv);
  try {
    auto config = vss::mariadb::load_config(file);
    if (!config) {
      std::cerr << config.error() << '\n';
      return EX_CONFIG;
    }
    vss::writers::block_end_signals();
    vss::mariadb::MariadbWriter writer(std::move(*config));
    vss::writers::serve({&writer});
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
