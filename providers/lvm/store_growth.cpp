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

// Of the time that is left half, within limits.
milliseconds pause_before_the_next(std::int64_t seconds_left) {
  constexpr milliseconds kShortest = 6s;
  if (seconds_left < 0) return Ungrown::kAskAgain;
  return std::clamp<milliseconds>(milliseconds(std::min(seconds_left, kLongTime) * 500), kShortest,
                                  Ungrown::kAskAgain);
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

std::string Ungrown::try_to_grow(const Growing& store, Time now, const Grow& grow) {
  if (auto refusal = why(store.id, now)) return *std::move(refusal);
  if (auto failure = why(store.group, now, pause_before_the_next(store.seconds_left)))
    return *std::move(failure);
  try {
    const auto refusal = grow();
    forget(store.group);
    forget(store.id);
    if (refusal) note(store.id, *refusal, now);
    return refusal.value_or("");
  } catch (const std::exception& error) {
    const auto* const answer = dynamic_cast<const ProviderError*>(&error);
    const bool is_missing = answer != nullptr && answer->status() == VSS_PROVIDER_E_OBJECT_NOT_FOUND;
    note(is_missing ? store.id : store.group, error.what(), now);
    return error.what();
  }
}

std::optional<std::string> Ungrown::why(const std::string& id, Time now, milliseconds again) const {
  const std::lock_guard lock(mutex_);
  const auto note = noted_.find(id);
  if (note == noted_.end() || now - note->second.time >= again) return std::nullopt;
  return note->second.why;
}

void Ungrown::note(const std::string& id, std::string why, Time now) {
  const std::lock_guard lock(mutex_);
  noted_[id] = {now, std::move(why)};
}

void Ungrown::forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  noted_.erase(id);
}

}  // namespace vss::lvm
