// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// How large the copy-on-write store of a thick snapshot is made, and how it grows.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace vss::lvm {

inline constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
inline constexpr std::uint64_t kSmallestStore = 16 * kMiB;
inline constexpr std::uint64_t kSectorBytes = 512;

// Pure.
class StorePolicy {
 public:
  // "20%" of the origin, "2GiB", or "estimate": what is written in `minutes` at the rate measured, and half
  // of it more. ProviderError INVALID_ARGUMENT if it is none of these.
  StorePolicy(const std::string& text, std::uint64_t minutes);

  [[nodiscard]] bool estimates() const { return kind_ == Kind::Estimate; }
  // In bytes, whole extents; never more than a store can use, which is its origin and the list of its chunks.
  [[nodiscard]] std::uint64_t size(std::uint64_t origin_bytes, std::uint64_t extent_bytes,
                                   double written_per_second) const;
  [[nodiscard]] static std::uint64_t largest(std::uint64_t origin_bytes, std::uint64_t extent_bytes);

 private:
  enum class Kind : std::uint8_t { Percent, Bytes, Estimate };
  Kind kind_;
  std::uint64_t value_ = 0;  // percent, bytes, or seconds
};

// A whole number in decimal. ProviderError INVALID_ARGUMENT, which names the key, if it is none or out of
// range.
[[nodiscard]] std::uint64_t parse_number(const std::string& key, const std::string& text, std::uint64_t least,
                                         std::uint64_t most);

// What has been written to a device since the machine started.
struct Written {
  double seconds = 0;  // CLOCK_BOOTTIME
  std::uint64_t bytes = 0;
};
// Of the device with this number ("253:1"), nothing if unknown.
[[nodiscard]] std::optional<Written> written_to(const std::string& device_number);

// How fast devices are written to, in bytes per second. Pure. Thread rule: one thread at a time.
class WriteRates {
 public:
  // Since the time before that one asked, or since the machine started.
  [[nodiscard]] double on_average(const std::string& device_number, const Written& now);
  // Since one asked for the average; 0 if that was just now.
  [[nodiscard]] double lately(const std::string& device_number, const Written& now) const;

 private:
  struct Samples {
    Written set;   // where the average begins
    Written last;  // when it was asked for
  };
  std::map<std::string, Samples> samples_;
};

}  // namespace vss::lvm
