// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Which units stand still by our word: a file in /run that outlives the writer, whoever ends it.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "writer-sdk/writers/common/boot_record.hpp"

namespace vss::unit {

struct FrozenUnit {
  std::string name;
  std::string control_group;
  // Of the control group; 0 until systemd has said that it is frozen: any group of that path may be.
  std::uint64_t id = 0;
  bool operator==(const FrozenUnit&) const = default;
};

class Record {
 public:
  explicit Record(std::filesystem::path file) : lines_(std::move(file)) {}

  // Empty, of this boot. Throws std::system_error.
  void begin() const { lines_.begin(); }
  // One more, before it is frozen, or the same with its id afterwards; it is in the file when this returns.
  // Throws std::system_error.
  void add(const FrozenUnit& unit) const;
  // It goes on: whoever freezes it from now on has it for himself. Throws std::system_error.
  void remove(const FrozenUnit& unit) const;
  // Those of this boot, in order. Throws std::system_error.
  [[nodiscard]] std::vector<FrozenUnit> read() const;
  // All of them go on. Throws std::system_error.
  void clear() const { lines_.clear(); }

 private:
  writers::BootRecord lines_;
};

}  // namespace vss::unit
