// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/common/places.hpp"

#include <sys/stat.h>

#include <algorithm>

namespace vss::writers {
namespace {

namespace fs = std::filesystem;

bool lies_below(const fs::path& path, const fs::path& directory) {
  return std::mismatch(directory.begin(), directory.end(), path.begin(), path.end()).first == directory.end();
}

dev_t filesystem_of(const fs::path& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 ? facts.st_dev : 0;
}

// A volume of the set that this account cannot look at has none of the application's files.
bool is_affected(const Session& session, const std::string& place) {
  try {
    return session.is_path_affected(place);
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

bool lies_apart(const fs::path& place, const fs::path& directory) {
  if (!lies_below(place, directory)) return true;
  const dev_t filesystem = filesystem_of(place);
  return filesystem != 0 && filesystem != filesystem_of(directory);
}

bool has_all(const Session& session, const Places& places, const std::string& whose) {
  if (session.are_components_selected() && session.components().empty()) return false;
  std::string missing;
  bool any = !session.components().empty();
  for (const std::string& place : places) {
    if (is_affected(session, place)) {
      any = true;
    } else {
      if (!missing.empty()) missing += ", ";
      missing += place;
    }
  }
  if (!any || missing.empty()) return any;
  throw Veto(VSS_E_WRITER_NON_RETRYABLE,
             whose + " also has files in " + missing + ", on no volume of this set: add that volume");
}

void expect_known(const Places& places, const Places& known, vss_writer_error code, const std::string& who) {
  for (const std::string& place : places) {
    if (std::ranges::find(known, place) == known.end())
      throw Veto(code, who + " has had files in " + place + " only since this backup began: begin it anew");
  }
}

}  // namespace vss::writers
