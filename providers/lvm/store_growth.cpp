// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/store_growth.hpp"

#include <algorithm>

#include "providers/lvm/store_policy.hpp"

namespace vss::lvm {

namespace {

constexpr std::chrono::seconds kAskAgain{30};

}  // namespace

std::uint64_t growth_of_store(std::uint64_t sectors, std::uint64_t percent) {
  return std::max(sectors / 100 * percent * kSectorBytes, kSmallestStore);
}

std::vector<Words> commands_to_grow(const std::string& full_name, std::uint64_t growth, const Room& room) {
  const auto by = [&](const char* option, const std::string& amount) {
    return Words{"lvextend", "--yes", option, amount, full_name};
  };
  const auto bytes = [&](std::uint64_t size) { return by("--size", "+" + std::to_string(size) + "b"); };
  const std::uint64_t step = std::min(growth, room.below_limit);
  if (step == 0) return {};
  if (room.below_limit == UINT64_MAX) return {bytes(step), by("--extents", "+100%FREE")};
  if (room.free == 0 || room.free >= step) return {bytes(step)};
  return {bytes(step), bytes(room.free)};
}

std::optional<std::string> Ungrown::why(const std::string& id, Time now) const {
  const auto note = noted_.find(id);
  if (note == noted_.end() || now - note->second.time >= kAskAgain) return std::nullopt;
  return note->second.why;
}

void Ungrown::note(const std::string& id, std::string why, Time now) { noted_[id] = {now, std::move(why)}; }

}  // namespace vss::lvm
