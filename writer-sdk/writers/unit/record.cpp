// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/unit/record.hpp"

#include <sstream>

namespace vss::unit {

void Record::add(const FrozenUnit& unit) const {
  lines_.add(std::to_string(unit.id) + " " + unit.name + " " + unit.control_group);
}

std::vector<FrozenUnit> Record::read() const {
  std::vector<FrozenUnit> units;
  for (const std::string& line : lines_.read().value_or(std::vector<std::string>())) {
    FrozenUnit unit;
    std::istringstream words(line);
    if (words >> unit.id >> unit.name >> unit.control_group) units.push_back(std::move(unit));
  }
  return units;
}

}  // namespace vss::unit
