// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/unit/config.hpp"

#include <algorithm>

#include "writer-sdk/writers/unit/refusals.hpp"

namespace vss::unit {
namespace {

using writers::ConfigTable;

std::vector<std::string> units_of(const ConfigTable& file) {
  std::vector<std::string> units = file.texts("units");
  if (units.empty()) throw file.error("units", "is required");
  for (const std::string& unit : units) {
    if (unit.find_first_of("/ \t\n") != std::string::npos)
      throw file.error("units", "names of units are needed");
    if (const auto why = why_never(unit)) throw file.error("units", unit + " is never frozen: " + *why);
    if (std::ranges::count(units, unit) > 1) throw file.error("units", unit + " is named twice");
  }
  return units;
}

Config read_unit_writer(const toml::table& root) {
  const ConfigTable file{root, ""};
  file.only({"units", "freeze_within_ms"}, writers::kDeclaredKeys);
  Config config;
  read_declared(file, config);
  config.units = units_of(file);
  // The other half is for the volumes; and a unit that hangs is to be named before vssd has given up.
  const auto longest = std::max(config.writer.freeze_timeout / 2, std::chrono::milliseconds(1));
  const auto usual = std::min(longest, std::chrono::milliseconds(10000));
  config.freeze_limit =
      std::chrono::milliseconds(file.number("freeze_within_ms", 1, longest.count(), usual.count()));
  return config;
}

}  // namespace

tl::expected<Config, std::string> load_config(const std::filesystem::path& file) {
  return writers::read_config<Config>(file, &read_unit_writer);
}

}  // namespace vss::unit
