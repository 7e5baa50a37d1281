// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/btrfs/mounts.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>

namespace vss::btrfs {

namespace {

// "\040" is a blank.
std::string unescaped(const std::string& text) {
  std::string result;
  const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
        is_octal(text[i + 3])) {
      result += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

// What of the filesystem of `parent` a path below its mount point is.
std::string path_in(const Mount& parent, const std::string& point) {
  const std::string below =
      parent.point == "/" ? point : point.substr(std::min(point.size(), parent.point.size()));
  if (below.empty() || below == "/") return parent.root;
  return parent.root == "/" ? below : parent.root + below;
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

bool is_number(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Mounts parse_mounts(const std::string& mountinfo) {
  Mounts mounts;
  std::istringstream lines(mountinfo);
  for (std::string line; std::getline(lines, line);) {
    const auto separator = line.find(" - ");
    if (separator == std::string::npos) continue;
    Mount mount;
    std::istringstream front(line.substr(0, separator));
    std::istringstream back(line.substr(separator + 3));
    if (!(front >> mount.id >> mount.parent >> mount.device >> mount.root >> mount.point)) continue;
    if (!(back >> mount.type >> mount.source)) continue;
    mount.root = unescaped(mount.root);
    mount.point = unescaped(mount.point);
    mount.source = unescaped(mount.source);
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

bool is_within(const std::string& path, const std::string& directory) {
  return directory == "/" || path == directory || path.starts_with(directory + "/");
}

std::vector<std::string> points_that_show(const Mounts& mounts, const std::string& device,
                                          const std::string& path) {
  std::vector<std::string> points;
  for (const Mount& mount : mounts) {
    if (mount.device == device && is_within(mount.root, path)) points.push_back(mount.point);
  }
  return points;
}

std::vector<std::string> points_within(const Mounts& mounts, const std::string& device,
                                       const std::string& path) {
  std::vector<std::string> points;
  for (const Mount& mount : mounts) {
    const auto parent = std::ranges::find(mounts, mount.parent, &Mount::id);
    if (parent == mounts.end() || parent->id == mount.id || parent->device != device) continue;
    if (is_within(path_in(*parent, mount.point), path)) points.push_back(mount.point);
  }
  return points;
}

std::vector<Namespace> read_mounts() {
  std::vector<Namespace> all;
  std::set<std::string> seen;
  const auto add = [&](const std::string& process) {
    std::error_code gone;
    const auto link = std::filesystem::read_symlink("/proc/" + process + "/ns/mnt", gone);
    if (gone || !seen.insert(link.string()).second) return;
    all.push_back({process, parse_mounts(text_of("/proc/" + process + "/mountinfo"))});
  };
  add("self");
  std::error_code error;
  for (std::filesystem::directory_iterator at("/proc", error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (is_number(name)) add(name);
  }
  return all;
}

}  // namespace vss::btrfs
