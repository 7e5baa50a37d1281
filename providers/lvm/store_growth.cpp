// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/store_growth.hpp"

#include <algorithm>
#include <exception>

#include "providers/lvm/store_policy.hpp"
#include "vss/provider_module.hpp"

namespace vss::lvm {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::int64_t kLongTime = 3600;  // seconds

milliseconds half_of(std::int64_t seconds_left, milliseconds least, milliseconds most) {
  if (seconds_left < 0) return most;
  return std::clamp(milliseconds(std::min(seconds_left, kLongTime) * 500), least, most);
}

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

milliseconds time_to_ask(std::int64_t seconds_left) { return half_of(seconds_left, 3s, 8s); }

std::string Ungrown::try_to_grow(const Growing& store, Time now, const Grow& grow, const Unasked& unasked) {
  const milliseconds again = time_to_ask(store.seconds_left) + half_of(store.seconds_left, 2s, kAskAgain);
  if (auto refusal = why(store.id, now)) return *std::move(refusal);
  if (auto failure = why(store.group, now, again)) return *std::move(failure);
  try {
    const auto refusal = grow();
    forget(store.id);
    if (refusal) note(store.id, *refusal, now);
    return refusal.value_or("");
  } catch (const std::exception& error) {
    const auto* const answer = dynamic_cast<const ProviderError*>(&error);
    const bool is_missing = answer != nullptr && answer->status() == VSS_PROVIDER_E_OBJECT_NOT_FOUND;
    note(is_missing ? store.id : store.group, error.what(), now);
    unasked(error.what());
    return error.what();
  }
}

std::optional<std::string> Ungrown::why(const std::string& id, Time now, milliseconds again) const {
  const auto note = noted_.find(id);
  if (note == noted_.end() || now - note->second.time >= again) return std::nullopt;
  return note->second.why;
}

void Ungrown::note(const std::string& id, std::string why, Time now) { noted_[id] = {now, std::move(why)}; }

}  // namespace vss::lvm
