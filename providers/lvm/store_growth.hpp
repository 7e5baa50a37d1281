// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// How the store of a thick snapshot grows while it is in use, and when lvm is not asked for it again. Pure.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "providers/lvm/volume_report.hpp"

namespace vss::lvm {

// What there is for a store to grow into, in bytes.
struct Room {
  std::uint64_t below_limit = UINT64_MAX;  // that, if it has no limit; whole extents
  std::uint64_t free = 0;                  // in its volume group
};

// By how many bytes a store of so many sectors grows: `percent` of it, 16 MiB at least. In whole sectors.
[[nodiscard]] std::uint64_t growth_of_store(std::uint64_t sectors, std::uint64_t percent);

// To be tried in this order while lvm says that there is no space: less is better than nothing. The last free
// space is taken as lvm counts it, unless that may be more than the limit allows. None if the limit is
// reached.
[[nodiscard]] std::vector<Words> commands_to_grow(const std::string& full_name, std::uint64_t growth,
                                                  const Room& room);

// A store that is to grow.
struct Growing {
  std::string id;
  std::string group;
  std::int64_t seconds_left = -1;  // until it is full; -1: unknown
};

// Stores that did not grow. Thread rule: any thread.
class Ungrown {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kAskAgain{30};
  // `grow` asks lvm: why the store did not grow, "" for one that is as large as it can ever get. Throws if
  // lvm cannot be asked: then lvm is not asked about any store of the group for a while, for each question
  // may take its whole limit; sooner again for one that has little time left. OBJECT_NOT_FOUND is of this
  // store alone.
  using Grow = std::function<std::optional<std::string>()>;
  // Why the store did not grow, by `grow` or what was noted; "" if it did.
  std::string try_to_grow(const Growing& store, Time now, const Grow& grow);
  // What note() was told of it, nothing once it is time to ask lvm again.
  [[nodiscard]] std::optional<std::string> why(const std::string& id, Time now,
                                               std::chrono::milliseconds again = kAskAgain) const;
  // `why`: "" for one that is as large as it can ever get.
  void note(const std::string& id, std::string why, Time now);
  void forget(const std::string& id);

 private:
  struct Note {
    Time time;
    std::string why;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Note> noted_;
};

}  // namespace vss::lvm
