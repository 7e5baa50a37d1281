// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/common/places.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <stdexcept>

namespace vss::writers {
namespace {

namespace fs = std::filesystem;

// A segment of PostgreSQL's WAL.
constexpr std::uintmax_t kSmallFile = 16U << 20U;

bool lies_below(const fs::path& path, const fs::path& directory) {
  const auto [end, ignored] = std::ranges::mismatch(directory, path);
  return end == directory.end();
}

dev_t filesystem_of(const fs::path& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 ? facts.st_dev : 0;
}

bool is_root_of_mount(const fs::path& path) {
  struct statx facts {};
  return ::statx(AT_FDCWD, path.c_str(), 0, STATX_INO, &facts) == 0 &&
         (facts.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

// The mount point or subvolume that has it, for a message.
std::string with_volume(const std::string& place) {
  std::error_code unknown;
  fs::path volume = fs::canonical(place, unknown);
  if (unknown) return place;
  while (volume.has_relative_path() && !is_root_of_mount(volume) &&
         filesystem_of(volume.parent_path()) == filesystem_of(volume))
    volume = volume.parent_path();
  return place + " (volume " + volume.string() + ")";
}

// Servers name directories with and without a slash at the end.
fs::path without_slash(const fs::path& path) {
  return path.has_filename() || !path.has_relative_path() ? path : path.parent_path();
}

fs::path resolved(const fs::path& path) {
  std::error_code unknown;
  const fs::path real = fs::weakly_canonical(path, unknown);
  return unknown ? path : without_slash(real);
}

}  // namespace

bool is_same_place(const fs::path& one, const fs::path& other) {
  return without_slash(one.lexically_normal()) == without_slash(other.lexically_normal()) ||
         resolved(one) == resolved(other);
}

bool lies_apart(const fs::path& place, const fs::path& directory) {
  if (!lies_below(place, directory)) return true;
  const dev_t filesystem = filesystem_of(place);
  return filesystem != 0 && filesystem != filesystem_of(directory);
}

bool has_all(const Session& session, const Places& places, const std::string& whose) {
  if (session.are_components_selected() && session.components().empty()) return false;
  const Places missing = session.unaffected_paths(places);
  const bool any = !session.components().empty() || missing.size() < places.size();
  if (!any || missing.empty()) return any;
  std::string names;
  for (const std::string& place : missing) {
    if (!names.empty()) names += ", ";
    names += with_volume(place);
  }
  throw Veto(VSS_E_WRITER_NON_RETRYABLE,
             whose + " also has files in " + names + ", on no volume of this set: add that volume");
}

void expect_known(const Places& places, const Places& known, vss_writer_error code, const std::string& who) {
  for (const std::string& place : places) {
    if (std::ranges::find(known, place) == known.end())
      throw Veto(code, who + " has had files in " + with_volume(place) +
                           " only since this backup began: begin it anew");
  }
}

Places empty_of(const Places& places) {
  Places empty;
  std::error_code unknown;
  std::ranges::copy_if(places, std::back_inserter(empty),
                       [&](const std::string& place) { return fs::is_empty(place, unknown); });
  return empty;
}

void expect_restored(const Places& places, const Places& empty) {
  for (const std::string& place : places) {
    const bool was_empty = std::ranges::find(empty, place) != empty.end();
    if (!fs::is_directory(place) || (fs::is_empty(place) && !was_empty))
      throw std::runtime_error("nothing has been restored in " + place + ", where the server had files");
  }
}

Places full_of(const Places& places) {
  Places full;
  std::ranges::copy_if(places, std::back_inserter(full), [](const std::string& place) {
    std::error_code unknown;
    const fs::space_info room = fs::space(place, unknown);
    return !unknown && room.available < kSmallFile;
  });
  return full;
}

}  // namespace vss::writers
