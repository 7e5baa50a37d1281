// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/client_access.hpp"

#include <chrono>

#include <fmt/format.h>

namespace vss::core {
namespace {
constexpr std::size_t kLongestName = 255;

bool stays_as_it_is(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == ':' || c == '_' ||
         c == '.';
}
}  // namespace

std::string escape_path(std::string_view path) {
  std::string escaped;
  bool between = false;  // a slash that separates two parts of the path is still to be written
  for (const char c : path) {
    if (c == '/') {
      between = !escaped.empty();
      continue;
    }
    if (between) escaped += '-';
    between = false;
    const bool hidden = c == '.' && escaped.empty();
    if (stays_as_it_is(c) && !hidden) {
      escaped += c;
    } else {
      escaped += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return escaped.empty() ? "-" : escaped;
}

std::string gmt_name(std::uint64_t seconds) {
  using namespace std::chrono;
  const sys_seconds time{std::chrono::seconds(seconds)};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  return fmt::format("@GMT-{:04}.{:02}.{:02}-{:02}.{:02}.{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

Status check_client_name(const Volume& volume) {
  if (escape_path(volume.path).size() <= kLongestName) return {};
  return fail(ErrorCode::VolumeNotSupported,
              volume.path + ": the path is too long to be shown to clients as one name");
}

ClientName client_name(const SetRecord& set, const SnapshotRecord& snapshot) {
  return {escape_path(snapshot.volume.path), gmt_name(set.client_time)};
}

}  // namespace vss::core
