// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/manifests.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.hpp"

namespace vss::system {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ManifestFiles : public testing::Test {
 protected:
  void put(const std::string& path, const std::string& text) const {
    const auto file = directory_.path() / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    std::filesystem::permissions(file, std::filesystem::perms(0644));
  }
  [[nodiscard]] std::vector<std::string> read() const {
    std::vector<std::string> found;
    const auto manifests =
        read_manifests({(directory_.path() / "lib").string(), (directory_.path() / "etc").string()});
    EXPECT_TRUE(manifests);
    for (const core::Manifest& manifest : *manifests)
      found.push_back(manifest.name + (manifest.text ? "=" + *manifest.text : " cannot be read"));
    return found;
  }
  test::TempDir directory_;
};

TEST_F(ManifestFiles, ThoseOfTheLaterDirectoryWinAndAnEmptyOneTakesOneAway) {
  put("lib/a.json", "A");
  put("lib/b.json", "B");
  put("lib/c.json", "C");
  put("lib/notes.txt", "no manifest");
  put("etc/b.json", "changed");
  put("etc/c.json", "");
  put("etc/d.json", "D");
  EXPECT_THAT(read(), ElementsAre("a.json=A", "b.json=changed", "d.json=D"));
}

TEST_F(ManifestFiles, NoDirectoryMeansNoManifest) { EXPECT_THAT(read(), IsEmpty()); }

TEST_F(ManifestFiles, WhatCannotBeOneOrOthersCouldHaveWrittenHasNoText) {
  put("lib/good.json", "good");
  put("lib/group.json", "x");
  std::filesystem::permissions(directory_.path() / "lib/group.json", std::filesystem::perms(0664));
  put("lib/others.json", "x");
  std::filesystem::permissions(directory_.path() / "lib/others.json", std::filesystem::perms(0606));
  std::filesystem::create_directory(directory_.path() / "lib/directory.json");
  std::filesystem::create_symlink("nowhere", directory_.path() / "lib/dangling.json");
  ASSERT_EQ(::mkfifo((directory_.path() / "lib/fifo.json").c_str(), 0644), 0);
  EXPECT_THAT(read(), ElementsAre("dangling.json cannot be read", "directory.json cannot be read",
                                  "fifo.json cannot be read", "good.json=good", "group.json cannot be read",
                                  "others.json cannot be read"));
}

TEST_F(ManifestFiles, ADirectoryThatCannotBeReadIsAnError) {
  put("lib/a.json", "A");
  std::ofstream(directory_.path() / "etc") << "no directory";
  EXPECT_FALSE(read_manifests({(directory_.path() / "lib").string(), (directory_.path() / "etc").string()}));
}

}  // namespace
}  // namespace vss::system
