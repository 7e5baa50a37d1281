// SPDX-License-Identifier: LGPL-2.1-or-later
// Sets of unusual volumes, on filesystems without room, and over restarts of vssd.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>
#include <csignal>
#include <fstream>

#include "tests/loop/vssd/vssd_fixture.hpp"
#include "tests/support/run_program.hpp"

namespace vss::test {
namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool can_write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file.good();
}

class Sets : public VssdTest {
 protected:
  Sets()
      : btrfs_(volumes_.add("btrfs", "btrfs", 300)),
        host_(volumes_.add("host", "xfs", 600)),
        ext4_(volumes_.add("ext4", "ext4", 48, &host_)),
        members_(Volumes::add_subvolumes(btrfs_, 2)) {
    members_.push_back(ext4_.mount_point());
    for (const auto& member : members_) can_write(member / "model", member.string());
    start_vssd();
  }

  LoopFilesystem& btrfs_;
  LoopFilesystem& host_;
  LoopFilesystem& ext4_;
  Paths members_;
};

TEST_F(Sets, AnImageInsideAnImageOfTheSameSetIsOfTheSameInstant) {
  LoopFilesystem& outer = volumes_.add("outer", "xfs", 400, &host_);
  LoopFilesystem& inner = volumes_.add("inner", "ext4", 48, &outer);
  can_write(inner.mount_point() / "model", "inside");
  const FreezeGuard guard = volumes_.guard();
  for (const Paths& order : {Paths{inner.mount_point(), outer.mount_point()},
                             Paths{outer.mount_point(), members_[0], inner.mount_point()}}) {
    const Made made = make_set(order, {.context = "backup", .require = "cut"});
    ASSERT_EQ(made.error, "") << made.message;
    EXPECT_EQ(made.consistency, "cut");
    EXPECT_EQ(text_of(made.of(inner.mount_point()).path + "/model"), "inside");
    for (const LoopFilesystem* volume : {&inner, &outer}) {
      const auto file = file_behind(made.of(volume->mount_point()).device);
      EXPECT_EQ(check_filesystem(file, volume->type(), host_.mount_point()), "") << file;
    }
    // The copy of the inner one that is in the snapshot of the outer one: the same instant as well.
    const auto within = made.of(outer.mount_point()).path + "/inner.img";
    EXPECT_EQ(check_filesystem(within, "ext4", host_.mount_point()), "");
    EXPECT_EQ(made.release(), "");
    EXPECT_EQ(leftovers(), std::vector<std::string>());
  }
}

TEST_F(Sets, AVolumeIsNotAddedTwiceThroughABindMount) {
  for (const auto& member : {members_[0], ext4_.mount_point()}) {
    const auto again = volumes_.directory() / "again";
    std::filesystem::create_directory(again);
    ASSERT_EQ(mount(member.c_str(), again.c_str(), nullptr, MS_BIND, nullptr), 0);
    const Made refused = make_set({member, again});
    EXPECT_EQ(refused.error, "ObjectAlreadyExists") << refused.message;
    EXPECT_EQ(refused.release(), "");
    EXPECT_EQ(umount2(again.c_str(), 0), 0);
    std::filesystem::remove(again);
  }
  EXPECT_EQ(leftovers(), std::vector<std::string>());
}

TEST_F(Sets, AForeignFreezeIsNotTakenAway) {
  const int root = ext4_.open_root();
  const auto freeze = [&](Session&) { EXPECT_EQ(ioctl(root, FIFREEZE, 0), 0); };
  const NotingWriter& writer = add_writer("application", members_[0], {{"freeze", freeze}});
  const FreezeGuard guard = volumes_.guard();
  const Made refused = make_set(members_);
  EXPECT_EQ(refused.error, "VolumeInUse") << refused.message;
  EXPECT_TRUE(ext4_.is_frozen());
  EXPECT_EQ(ioctl(root, FITHAW, 0), 0);
  close(root);
  EXPECT_EQ(blocked(members_, 1s), std::vector<std::string>());
  EXPECT_EQ(writer.unbalanced(), "");
  EXPECT_EQ(writer.count("abort"), 1U);
  EXPECT_EQ(refused.release(), "");
  EXPECT_EQ(leftovers(), std::vector<std::string>());
}

TEST_F(Sets, ABtrfsWithoutRoomFailsTheSetAndLeavesNothing) {
  run_program({"btrfs", "quota", "enable", btrfs_.mount_point().string()});
  const auto limit = [&](const char* bytes) {
    run_program({"btrfs", "qgroup", "limit", bytes, "0/5", members_[0].string()});
  };
  const NotingWriter& writer =
      add_writer("application", members_[0], {{"freeze", [&](Session&) { limit("16384"); }}});
  const FreezeGuard guard = volumes_.guard();
  const Made failed = make_set(members_);
  limit("none");
  EXPECT_EQ(failed.error, "InsufficientStorage") << failed.message;
  EXPECT_EQ(failed.release(), "");
  EXPECT_EQ(writer.unbalanced(), "");
  EXPECT_EQ(writer.count("abort"), 1U);
  EXPECT_EQ(leftovers(), std::vector<std::string>());
  EXPECT_EQ(blocked(members_, 1s), std::vector<std::string>());
}

TEST_F(Sets, AnImageHostWithoutRoomFailsTheSetBeforeAnyWriterIsFrozen) {
  const NotingWriter& writer = add_writer("application", members_[0]);
  const auto ballast = host_.mount_point() / "ballast";
  const int file = open(ballast.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  for (std::size_t size = 1U << 20U; size >= 512; size /= 2) {
    const std::string block(size, 'b');
    while (write(file, block.data(), size) > 0 && fsync(file) == 0) {
    }
  }
  close(file);
  const Made refused = make_set(members_);
  std::filesystem::remove(ballast);
  EXPECT_EQ(refused.error, "InsufficientStorage") << refused.message;
  EXPECT_EQ(refused.release(), "");
  EXPECT_EQ(writer.count("freeze"), 0U);
  EXPECT_EQ(writer.unbalanced(), "");
  EXPECT_EQ(leftovers(), std::vector<std::string>());
}

TEST_F(Sets, APersistentSetIsReadableAtTheSamePathAfterARestart) {
  const auto nested = members_[0] / "nested";
  run_program({"btrfs", "-q", "subvolume", "create", nested.string()});
  can_write(nested / "inside", "not in the snapshot");
  for (const bool killed : {false, true}) {
    SCOPED_TRACE(killed);
    const FreezeGuard guard = volumes_.guard();
    const Made kept = make_set(members_, {.context = "nas-rollback", .require = "cut"});
    ASSERT_EQ(kept.error, "") << kept.message;
    const Made temporary = make_set(members_, {.context = "file-share-backup", .require = "cut"});
    ASSERT_EQ(temporary.error, "") << temporary.message;
    ASSERT_EQ(kept.warnings.size(), 1U);
    EXPECT_NE(kept.warnings[0].find(nested), std::string::npos) << kept.warnings[0];
    EXPECT_EQ(kept.of(members_[0]).not_included, std::vector<std::string>{nested.string()});
    EXPECT_EQ(kept.of(members_[1]).not_included, std::vector<std::string>());
    EXPECT_EQ(kept.release(), "");

    if (killed) {
      vssd_->kill9();
    } else {
      vssd_->signal(SIGTERM);
      EXPECT_EQ(vssd_->wait(), 0);
    }
    vssd_->restart();
    for (const auto& member : members_) {
      const std::filesystem::path path = kept.of(member).path;
      EXPECT_EQ(text_of(path / "model"), member.string());
      EXPECT_FALSE(can_write(path / "new", "x"));
    }
    EXPECT_TRUE(std::filesystem::is_empty(std::filesystem::path(kept.of(members_[0]).path) / "nested"));
    for (const auto& member : members_)
      EXPECT_FALSE(std::filesystem::exists(temporary.of(member).path + "/model"));
    const std::string listed = vssctl({"list", "snapshots", "--json"});
    EXPECT_NE(listed.find(kept.set_id), std::string::npos);
    EXPECT_EQ(listed.find(temporary.set_id), std::string::npos);
    vssctl({"delete", "--snapshot", kept.of(members_[1]).id, "--yes"});
    EXPECT_FALSE(std::filesystem::exists(kept.of(members_[1]).path + "/model"));
    EXPECT_EQ(text_of(kept.of(members_[2]).path + "/model"), members_[2].string());
    vssctl({"delete", "--set", kept.set_id, "--yes"});
    EXPECT_EQ(leftovers(), std::vector<std::string>());
    EXPECT_EQ(vssctl({"list", "snapshots", "--json"}).find(kept.set_id), std::string::npos);
  }
}

TEST_F(Sets, InPostSnapshotTheWriterMayWriteToItsSnapshotAndNobodyAfterwards) {
  Paths given;
  const auto mark = [&](Session& session) {
    for (const std::string& volume : session.volumes()) {
      given.emplace_back(session.snapshot_path(volume));
      EXPECT_TRUE(can_write(given.back() / "marker", volume));
      EXPECT_TRUE(std::filesystem::remove(given.back() / "model"));
    }
  };
  add_writer("application", members_[0], {{"post_snapshot", mark}});
  const FreezeGuard guard = volumes_.guard();
  const Made made = make_set(members_);
  ASSERT_EQ(made.error, "") << made.message;
  EXPECT_EQ(given.size(), members_.size());
  for (const auto& member : members_) {
    const std::filesystem::path path = made.of(member).path;
    EXPECT_EQ(text_of(path / "marker"), member.string());
    EXPECT_FALSE(std::filesystem::exists(path / "model"));
    EXPECT_FALSE(can_write(path / "new", "x"));
    EXPECT_FALSE(std::filesystem::exists(member / "marker"));
    EXPECT_EQ(text_of(member / "model"), member.string());
  }
  EXPECT_EQ(made.release(), "");
  EXPECT_EQ(leftovers(), std::vector<std::string>());
}

}  // namespace
}  // namespace vss::test
