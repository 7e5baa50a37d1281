// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/unit/record.hpp"

#include <optional>
#include <sstream>
#include <string_view>

namespace vss::unit {

namespace {

constexpr std::string_view kThawed = "thawed ";

std::string line_of(const FrozenUnit& unit) {
  return std::to_string(unit.id) + " " + unit.name + " " + unit.control_group;
}

std::optional<FrozenUnit> unit_of(const std::string& line) {
  FrozenUnit unit;
  std::istringstream words(line);
  if (words >> unit.id >> unit.name >> unit.control_group) return unit;
  return std::nullopt;
}

}  // namespace

void Record::add(const FrozenUnit& unit) const { lines_.add(line_of(unit)); }

void Record::remove(const FrozenUnit& unit) const { lines_.add(std::string(kThawed) + line_of(unit)); }

std::vector<FrozenUnit> Record::read() const {
  std::vector<FrozenUnit> units;
  for (const std::string& line : lines_.read().value_or(std::vector<std::string>())) {
    if (line.starts_with(kThawed)) {
      if (const auto thawed = unit_of(line.substr(kThawed.size()))) std::erase(units, *thawed);
    } else if (const auto unit = unit_of(line)) {
      std::erase_if(units, [&](const FrozenUnit& earlier) { return earlier.name == unit->name; });
      units.push_back(*unit);
    }
  }
  return units;
}

}  // namespace vss::unit
