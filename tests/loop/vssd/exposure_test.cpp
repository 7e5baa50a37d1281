// SPDX-License-Identifier: LGPL-2.1-or-later
// Snapshots of real filesystems at a mount point of somebody's choice, and where a file server finds them.
#include <sys/mount.h>
#include <csignal>
#include <fstream>

#include <nlohmann/json.hpp>

#include "tests/loop/vssd/vssd_fixture.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/requester.hpp"

namespace vss::test {
namespace {

using nlohmann::json;

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Exposed : public VssdTest {
 protected:
  Exposed()
      : btrfs_(volumes_.add("btrfs", "btrfs", 300)),
        host_(volumes_.add("host", "xfs", 600)),
        ext4_(volumes_.add("ext4", "ext4", 48, &host_)),
        members_(Volumes::add_subvolumes(btrfs_, 2)) {
    members_.push_back(ext4_.mount_point());
    for (const auto& member : members_) std::ofstream(member / "model") << member.string();
    for (std::size_t i = 0; i < members_.size(); ++i) std::filesystem::create_directories(place(i));
    start_vssd();
  }
  ~Exposed() override {
    for (std::size_t i = 0; i < members_.size(); ++i) umount2(place(i).c_str(), MNT_DETACH);
  }

  [[nodiscard]] std::filesystem::path place(std::size_t i) const {
    return std::filesystem::canonical(volumes_.directory()) / "exposed" / std::to_string(i);
  }
  // A set whose requester has gone; its snapshots stay.
  [[nodiscard]] Made make_kept(const std::string& context) const {
    const FreezeGuard guard = volumes_.guard();
    Made made = make_set(members_, {.context = context});
    EXPECT_EQ(made.error, "") << made.message;
    EXPECT_EQ(made.release(), "");
    return made;
  }
  static json listed() { return json::parse(vssctl({"list", "snapshots", "--json"})); }
  static std::string error_of_delete(const std::string& set, bool force) {
    Requester admin;
    return name_of(admin.manager("DeleteSnapshots", std::string("set"), set, force));
  }

  LoopFilesystem& btrfs_;
  LoopFilesystem& host_;
  LoopFilesystem& ext4_;
  Paths members_;
};

TEST_F(Exposed, FilesAreReadThroughItOverRestartsUntilItIsUnexposed) {
  const Made kept = make_kept("nas-rollback");
  for (std::size_t i = 0; i < members_.size(); ++i) {
    EXPECT_EQ(vssctl({"expose", kept.of(members_[i]).id, place(i).string()}), place(i).string() + "\n");
    std::ofstream(members_[i] / "model") << "later";
  }
  const auto check = [&] {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      EXPECT_EQ(content_of(place(i) / "model"), members_[i].string());
      EXPECT_FALSE(std::ofstream(place(i) / "new").put('x').flush().good());
    }
    for (const json& snapshot : listed()) {
      EXPECT_EQ(snapshot["exposed"].get<std::string>().find(place(0).parent_path().string()), 0U);
    }
  };
  check();
  for (const bool killed : {true, false}) {
    SCOPED_TRACE(killed);
    std::ifstream in_use(place(0) / "model");
    if (killed) {
      vssd_->kill9();
    } else {
      stop_vssd();
    }
    vssd_->restart();
    check();
  }
  // As after a start of the machine: nothing is mounted.
  stop_vssd();
  for (std::size_t i = 0; i < members_.size(); ++i) EXPECT_EQ(umount2(place(i).c_str(), 0), 0);
  vssd_->restart();
  check();
  for (std::size_t i = 0; i < members_.size(); ++i) {
    EXPECT_EQ(json::parse(vssctl({"unexpose", kept.of(members_[i]).id, "--json"}))["exposed"], "");
    EXPECT_TRUE(std::filesystem::is_empty(place(i)));
  }
  EXPECT_EQ(error_of_delete(kept.set_id, false), "");
  EXPECT_EQ(leftovers(), std::vector<std::string>());
}

TEST_F(Exposed, ADeletionWithoutForceLeavesAllOfItWhileSomebodyIsInside) {
  for (const bool after_a_restart : {false, true}) {
    SCOPED_TRACE(after_a_restart);
    const Made kept = make_kept("app-rollback");
    for (std::size_t i = 0; i < members_.size(); ++i) {
      vssctl({"expose", kept.of(members_[i]).id, place(i).string()});
    }
    // With its working directory in the second one.
    ChildProcess inside(
        {"/bin/sh", "-c", "cd \"$1\" && echo inside && exec tail -f /dev/null", "sh", place(1).string()}, {},
        volumes_.directory() / "inside.out");
    ASSERT_TRUE(inside.wait_for_output("inside", 10s)) << inside.output();
    if (after_a_restart) {
      vssd_->kill9();
      vssd_->restart();
    }
    const json before = listed();
    EXPECT_EQ(error_of_delete(kept.set_id, false), "VolumeInUse");
    EXPECT_EQ(listed(), before);
    for (std::size_t i = 0; i < members_.size(); ++i) {
      EXPECT_EQ(content_of(place(i) / "model"), members_[i].string());
      EXPECT_EQ(content_of(kept.of(members_[i]).path + "/model"), members_[i].string());
    }
    EXPECT_EQ(error_of_delete(kept.set_id, true), "");
    for (std::size_t i = 0; i < members_.size(); ++i) EXPECT_TRUE(std::filesystem::is_empty(place(i)));
    EXPECT_EQ(listed(), json::array());
    inside.kill9();
    std::filesystem::remove(volumes_.directory() / "inside.out");
    EXPECT_EQ(leftovers(), std::vector<std::string>());
  }
}

TEST_F(Exposed, AFileServerFindsTheSnapshotsUnderTheNamesOfShadowCopy2) {
  const auto check = [&] {
    for (const json& snapshot : listed()) {
      const std::filesystem::path path = snapshot["client_path"].get<std::string>();
      EXPECT_EQ(path.parent_path().parent_path(), runtime_dir() / "client-accessible");
      EXPECT_EQ(content_of(path / "model"), snapshot["volume"].get<std::string>());
      EXPECT_FALSE(std::ofstream(path / "new").put('x').flush().good());
    }
  };
  const Made first = make_kept("client-accessible");
  const Made second = make_kept("client-accessible");
  for (const auto& member : members_) std::ofstream(member / "model") << "later";
  const auto names = [] {
    std::map<std::string, std::string> paths;
    for (const json& snapshot : listed()) paths[snapshot["snapshot_id"]] = snapshot["client_path"];
    return paths;
  };
  const auto before = names();
  ASSERT_EQ(before.size(), 2 * members_.size());
  check();
  vssd_->kill9();
  vssd_->restart();
  EXPECT_EQ(names(), before) << "the same after a restart";
  check();
  EXPECT_EQ(error_of_delete(first.set_id, false), "");
  EXPECT_EQ(listed().size(), members_.size());
  check();
  EXPECT_EQ(error_of_delete(second.set_id, false), "");
  EXPECT_TRUE(std::filesystem::is_empty(runtime_dir() / "client-accessible"));
  EXPECT_EQ(leftovers(), std::vector<std::string>());
}

}  // namespace
}  // namespace vss::test
