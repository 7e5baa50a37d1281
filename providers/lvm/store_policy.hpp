// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// How large the copy-on-write store of a thick snapshot is made, and how it grows.

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace vss::lvm {

inline constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
inline constexpr std::uint64_t kSmallestStore = 16 * kMiB;

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

// By how many bytes a store of so many sectors grows: `percent` of it, 16 MiB at least. In whole sectors.
// Pure.
[[nodiscard]] std::uint64_t growth_of_store(std::uint64_t sectors, std::uint64_t percent);

// A whole number in decimal. ProviderError INVALID_ARGUMENT, which names the key, if it is none or out of
// range.
[[nodiscard]] std::uint64_t parse_number(const std::string& key, const std::string& text, std::uint64_t least,
                                         std::uint64_t most);

// How fast devices are written to: since the time before that one asked, or since the machine started.
class WriteRates {
 public:
  // Bytes per second of the device with this number ("253:1"), 0 if unknown. Any thread.
  [[nodiscard]] double measure(const std::string& device_number);

 private:
  struct Sample {
    double seconds;  // CLOCK_BOOTTIME
    std::uint64_t bytes;
  };
  std::mutex mutex_;
  std::map<std::string, Sample> samples_;
};

}  // namespace vss::lvm
