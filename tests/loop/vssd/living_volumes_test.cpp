// SPDX-License-Identifier: LGPL-2.1-or-later
// Sets that are broken and volumes that are reverted, by vssctl and the real vssd.
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "tests/loop/vssd/vssd_fixture.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/run_program.hpp"

namespace vss::test {
namespace {

using Json = nlohmann::json;

std::string line_of(const std::filesystem::path& path) {
  std::string line;
  std::getline(std::ifstream(path), line);
  return line;
}

class LivingOn : public VssdTest {
 protected:
  LivingOn()
      : btrfs_(volumes_.add("btrfs", "btrfs", 300)),
        host_(volumes_.add("host", "xfs", 600)),
        ext4_(volumes_.add("ext4", "ext4", 48, &host_)),
        members_(Volumes::add_subvolumes(btrfs_, 2)) {
    members_.push_back(ext4_.mount_point());
    write("before");
    start_vssd();
  }
  void write(const std::string& text) const {
    for (const auto& member : members_) std::ofstream(member / "model") << text << '\n';
  }
  Made make_kept() {
    const FreezeGuard guard = volumes_.guard();
    Made made = make_set(members_, {.context = "nas-rollback", .require = "per-volume"});
    EXPECT_EQ(made.error, "") << made.message;
    EXPECT_EQ(made.release(), "");
    return made;
  }
  static Json asked(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    return Json::parse(vssctl(std::move(arguments)));
  }
  // The short name of the error; "" if there is none.
  std::string refusal(std::vector<std::string> arguments, int status) const {
    arguments.insert(arguments.begin(), VSSCTL_PROGRAM);
    arguments.emplace_back("--json");
    const auto log = volumes_.directory() / "vssctl.log";
    std::filesystem::remove(log);
    ChildProcess process(arguments, {}, log);
    EXPECT_EQ(process.wait(60s), status);
    std::istringstream lines(process.output());
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with('{')) return Json::parse(line)["error"]["name"];
    }
    return "";
  }

  LoopFilesystem& btrfs_;
  LoopFilesystem& host_;
  LoopFilesystem& ext4_;
  Paths members_;
};

TEST_F(LivingOn, ABrokenSetSurvivesGarbageCollectionAndRestarts) {
  const Made made = make_kept();
  const Json volumes = asked({"break", made.set_id, "--writable"});
  ASSERT_EQ(volumes.size(), 3U);
  EXPECT_EQ(asked({"list", "snapshots"}).size(), 0U);
  EXPECT_EQ(asked({"gc"})["removed"], 0);
  vssd_->restart();
  EXPECT_EQ(asked({"gc"})["removed"], 0);
  for (const Json& volume : volumes) {
    SCOPED_TRACE(volume.dump());
    const std::string location = volume["location"];
    if (volume["provider"] == "btrfs") {
      const auto file = std::filesystem::path(btrfs_.mount_point().string() + location) / "model";
      EXPECT_EQ(line_of(file), "before");
      std::ofstream(file) << "writable\n";
      EXPECT_EQ(line_of(file), "writable");
    } else {
      EXPECT_EQ(volume["provider"], "image");
      EXPECT_EQ(check_filesystem(location, "ext4", host_.mount_point()), "");
    }
  }
  EXPECT_EQ(line_of(members_[0] / "model"), "before");
}

TEST_F(LivingOn, ARevertBringsTheFormerContentBack) {
  const Made made = make_kept();
  write("after");
  const Snapshot& snapshot = made.of(members_[0]);
  {
    ChildProcess user(
        {"/bin/sh", "-c", "exec 9<$0/model && echo ready && exec tail -f /dev/null", members_[0].string()},
        {}, volumes_.directory() / "user.log");
    ASSERT_TRUE(user.wait_for_output("ready", 20s));
    EXPECT_EQ(refusal({"revert", snapshot.id}, 1), "VolumeInUse");
    EXPECT_EQ(line_of(members_[0] / "model"), "after");
    EXPECT_EQ(asked({"revert", snapshot.id, "--force"})["state"], "done");
  }
  EXPECT_EQ(line_of(members_[0] / "model"), "before");
  EXPECT_EQ(line_of(members_[1] / "model"), "after") << "the others are as they were";
  EXPECT_EQ(asked({"revert-status", members_[0].string()})["state"], "done");
  EXPECT_EQ(asked({"revert-status", members_[1].string()})["state"], "none");
  EXPECT_EQ(asked({"revert", made.of(members_[1]).id})["state"], "done");
  EXPECT_EQ(line_of(members_[1] / "model"), "before");
  EXPECT_EQ(refusal({"revert", made.of(members_[2]).id}, 7), "NotSupported");
  // The snapshots are readable where they were, and can be deleted.
  EXPECT_TRUE(wait_until([&] { return line_of(snapshot.path + "/model") == "before"; }, 20s));
  vssctl({"delete", "--set", made.set_id, "--yes"});
  EXPECT_EQ(line_of(members_[0] / "model"), "before");
  const Made next = make_kept();
  vssctl({"delete", "--set", next.set_id, "--yes"});
}

TEST_F(LivingOn, StorageIsListedAndALimitIsRefusedWithTheReason) {
  const Made made = make_kept();
  const Json places = asked({"list", "storage"});
  const auto of_first = std::ranges::find_if(
      places, [&](const Json& place) { return place["volume"] == members_[0].string(); });
  ASSERT_NE(of_first, places.end()) << places.dump();
  EXPECT_EQ((*of_first)["provider"], "btrfs");
  EXPECT_FALSE(of_first->contains("used")) << "quotas are off";
  EXPECT_EQ(refusal({"resize-storage", members_[0].string(), "1GiB"}, 7), "NotSupported");
  EXPECT_EQ(refusal({"resize-storage", made.of(members_[2]).id, "1GiB"}, 7), "NotSupported");
  vssctl({"delete", "--set", made.set_id, "--yes"});
}

}  // namespace
}  // namespace vss::test
