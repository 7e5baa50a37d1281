// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/store_policy.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <fstream>

#include "vss/provider_module.hpp"

namespace vss::lvm {

namespace {

// Seconds; what was written in less says little. The kernel writes what is in memory every 5 s.
constexpr double kLeastAverage = 60;
constexpr double kLeastLately = 5;

[[noreturn]] void malformed(const std::string& key, const std::string& text, const std::string& wanted) {
  throw ProviderError(VSS_PROVIDER_E_INVALID_ARGUMENT,
                      "provider.lvm." + key + " is \"" + text + "\", not " + wanted);
}

std::optional<std::uint64_t> bytes_in(std::string_view text) {
  static constexpr std::string_view kUnits = "KMGT";
  if (text.ends_with("iB")) text.remove_suffix(2);
  const std::size_t unit = text.empty() ? std::string_view::npos : kUnits.find(text.back());
  if (unit == std::string_view::npos) return std::nullopt;
  text.remove_suffix(1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  constexpr std::uint64_t kMost = std::uint64_t{1} << 20;
  if (error != std::errc() || end != text.data() + text.size() || number == 0 || number > kMost)
    return std::nullopt;
  return number << (10 * (unit + 1));
}

std::uint64_t in_extents(std::uint64_t bytes, std::uint64_t extent) {
  return (bytes + extent - 1) / extent * extent;
}

double rate_between(const Written& before, const Written& now) {
  return static_cast<double>(now.bytes - before.bytes) / std::max(now.seconds - before.seconds, 1.0);
}

}  // namespace

std::uint64_t parse_number(const std::string& key, const std::string& text, std::uint64_t least,
                           std::uint64_t most) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least || number > most) {
    malformed(key, text, "a number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return number;
}

StorePolicy::StorePolicy(const std::string& text, std::uint64_t minutes) : kind_(Kind::Estimate) {
  if (text == "estimate") {
    value_ = minutes * 60;
  } else if (text.ends_with('%')) {
    kind_ = Kind::Percent;
    value_ = parse_number("store", text.substr(0, text.size() - 1), 1, 100);
  } else if (const auto bytes = bytes_in(text)) {
    kind_ = Kind::Bytes;
    value_ = *bytes;
  } else {
    malformed("store", text, R"(a size such as "20%" or "2GiB", or "estimate")");
  }
}

std::uint64_t StorePolicy::size(std::uint64_t origin_bytes, std::uint64_t extent_bytes,
                                double written_per_second) const {
  std::uint64_t wanted = value_;
  if (kind_ == Kind::Percent) wanted = origin_bytes / 100 * value_;
  if (kind_ == Kind::Estimate)
    wanted = static_cast<std::uint64_t>(written_per_second * static_cast<double>(value_) * 1.5);
  return std::clamp(in_extents(wanted, extent_bytes), in_extents(kSmallestStore, extent_bytes),
                    std::max(largest(origin_bytes, extent_bytes), in_extents(kSmallestStore, extent_bytes)));
}

// 16 bytes of list for each chunk of 4 KiB, and some chunks at the front.
std::uint64_t StorePolicy::largest(std::uint64_t origin_bytes, std::uint64_t extent_bytes) {
  return in_extents(origin_bytes + origin_bytes / 200 + kMiB, extent_bytes);
}

std::optional<Written> written_to(const std::string& device_number) {
  std::ifstream file("/sys/dev/block/" + device_number + "/stat");
  std::uint64_t fields[7] = {};
  for (std::uint64_t& field : fields) file >> field;
  if (!file) return std::nullopt;
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return Written{static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9,
                 fields[6] * kSectorBytes};
}

double WriteRates::on_average(const std::string& device_number, const Written& now) {
  Samples& before = samples_[device_number];
  if (before.set.bytes > now.bytes) before.set = {};  // another device has got the number
  const double rate = rate_between(before.set, now);
  if (now.seconds - before.set.seconds >= kLeastAverage) before.set = now;
  before.last = now;
  return rate;
}

double WriteRates::lately(const std::string& device_number, const Written& now) const {
  const auto before = samples_.find(device_number);
  if (before == samples_.end()) return 0;
  const Written& last = before->second.last;
  if (last.bytes > now.bytes || now.seconds - last.seconds < kLeastLately) return 0;
  return rate_between(last, now);
}

}  // namespace vss::lvm
