// SPDX-License-Identifier: LGPL-2.1-or-later
// The architecture as a table: which folder may include which. Anything else fails.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

namespace vss {
namespace {
namespace fs = std::filesystem;

struct Folder {
  std::string path;
  std::vector<std::string> may_include;       // prefixes of our own includes
  std::vector<std::string> must_not_include;  // prefixes of libraries that stay behind a port
};

// The first folder whose path fits is the one that counts.
const std::vector<Folder>& folders() {
  static const std::vector<std::string> no_bus{"sdbus-c++", "vss_dbus/", "systemd/"};
  static const std::vector<Folder> table{
      {"daemon/core/",
       {"daemon/core/", "dbus/error_names"},
       {"sdbus-c++", "vss_dbus/", "systemd/", "libmount", "blkid", "btrfsutil", "libdevmapper", "toml++",
        "CLI11"}},
      {"daemon/hold/", {"daemon/hold/", "daemon/core/", "dbus/error_names"}, no_bus},
      {"daemon/system/", {"daemon/system/", "daemon/core/", "dbus/error_names"}, {"sdbus-c++", "vss_dbus/"}},
      {"daemon/provider_host/",
       {"daemon/provider_host/", "daemon/core/", "vss/provider_", "dbus/error_names"},
       no_bus},
      {"daemon/bus/", {"daemon/bus/", "daemon/core/", "vss_dbus/", "dbus/error_names"}, {}},
      {"daemon/cli/", {"daemon/cli/", "vss_dbus/", "dbus/error_names"}, {}},
      {"daemon/", {"daemon/", "dbus/error_names"}, {}},  // main: puts the parts together
      {"providers/include/", {"vss/provider_"}, no_bus},
      {"providers/", {"vss/provider_", "providers/"}, no_bus},
      {"writer-sdk/include/",
       {"vss/writer", "vss/error.", "vss/metadata.", "vss/component.", "vss/session."},
       no_bus},
      {"writer-sdk/src/",
       {"writer-sdk/src/", "writer-sdk/common/", "writer-sdk/include/", "vss/writer", "vss_dbus/",
        "dbus/error_names"},
       {}},
      {"writer-sdk/",
       {"writer-sdk/writers/", "writer-sdk/common/", "vss/writer"},
       {"sdbus-c++", "vss_dbus/"}},
      {"dbus/", {"dbus/", "error_names"}, no_bus},
  };
  return table;
}

bool starts_with_any(const std::string& text, const std::vector<std::string>& prefixes) {
  return std::ranges::any_of(prefixes, [&](const std::string& prefix) { return text.starts_with(prefix); });
}

bool is_source(const fs::path& path) {
  static const std::vector<std::string> endings{".c", ".h", ".cpp", ".hpp"};
  return std::ranges::find(endings, path.extension().string()) != endings.end();
}

// Includes of ours are those in quotes, and the installed headers in angle brackets.
bool is_ours(const std::string& included, char delimiter) {
  return delimiter == '"' || included.starts_with("vss/") || included.starts_with("vss_dbus/");
}

// A file beside the including one may be named without its folder; one that is made in the build has its
// pattern there.
bool is_neighbour(const fs::path& file, const std::string& included) {
  if (included.find('/') != std::string::npos) return false;
  return fs::exists(file.parent_path() / included) || fs::exists(file.parent_path() / (included + ".in"));
}

void check_file(const fs::path& root, const fs::path& file, int& seen) {
  const std::string relative = fs::relative(file, root).string();
  const auto folder =
      std::ranges::find_if(folders(), [&](const Folder& f) { return relative.starts_with(f.path); });
  if (folder == folders().end()) return;
  std::ifstream stream(file);
  static const std::regex include(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::smatch match;
  for (std::string line; std::getline(stream, line);) {
    if (!std::regex_search(line, match, include)) continue;
    ++seen;
    const std::string included = match[2];
    EXPECT_FALSE(starts_with_any(included, folder->must_not_include)) << relative << " includes " << included;
    if (is_ours(included, match[1].str()[0]) && !is_neighbour(file, included)) {
      EXPECT_TRUE(starts_with_any(included, folder->may_include)) << relative << " includes " << included;
    }
  }
}

TEST(Tree, OnlyTheArrowsOfTheArchitectureAreIncluded) {
  const fs::path root = VSS_SOURCE_DIR;
  int seen = 0;
  for (const char* top : {"daemon", "providers", "writer-sdk", "dbus"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      if (entry.is_regular_file() && is_source(entry.path())) check_file(root, entry.path(), seen);
    }
  }
  EXPECT_GT(seen, 500) << "the test looked at too little to be right";
}

TEST(Tree, EverySourceNamesItsLicence) {
  const fs::path root = VSS_SOURCE_DIR;
  for (const char* top : {"daemon", "providers", "writer-sdk", "dbus", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      if (!entry.is_regular_file() || !is_source(entry.path())) continue;
      std::ifstream stream(entry.path());
      std::string line;
      std::getline(stream, line);
      EXPECT_NE(line.find("SPDX-License-Identifier: LGPL-2.1-or-later"), std::string::npos) << entry.path();
    }
  }
}

TEST(Tree, TheTopLevelIsTheAgreedOne) {
  static const std::vector<std::string> agreed{
      "CMakeLists.txt", "CMakePresets.json", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE",
      "README.md",      "SECURITY.md",       "daemon",       "providers",       "writer-sdk",
      "dbus",           "systemd",           "tests",        "packaging",       "build"};
  for (const auto& entry : fs::directory_iterator(fs::path(VSS_SOURCE_DIR))) {
    const std::string name = entry.path().filename().string();
    EXPECT_TRUE(name.starts_with('.') || std::ranges::find(agreed, name) != agreed.end()) << name;
  }
}

}  // namespace
}  // namespace vss
