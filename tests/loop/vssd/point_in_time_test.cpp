// SPDX-License-Identifier: LGPL-2.1-or-later
// One instant over ten volumes under load, and the proof that the test would see it if it were none.
#include <sys/mount.h>
#include <algorithm>
#include <cstdio>
#include <iostream>

#include "tests/loop/vssd/counter_writers.hpp"
#include "tests/loop/vssd/vssd_fixture.hpp"
#include "tests/support/run_program.hpp"

namespace vss::test {
namespace {

constexpr std::size_t kSubvolumes = 8;
constexpr int kSets = 200;
constexpr int kControlRounds = 8;
constexpr std::size_t kRotationsAtATime = 3;
constexpr int kSetsPerGroup = 20;  // of rotations; their filesystems are checked once in a group

class PointInTime : public VssdTest {
 protected:
  PointInTime()
      : btrfs_(volumes_.add("btrfs", "btrfs", 1024)),
        host_(volumes_.add("host", "xfs", 1200)),
        ext4_(volumes_.add("ext4", "ext4", 64, &host_)),
        xfs_(volumes_.add("xfs", "xfs", 300, &host_)),
        members_(Volumes::add_subvolumes(btrfs_, kSubvolumes)) {
    members_.push_back(ext4_.mount_point());
    members_.push_back(xfs_.mount_point());
    start_vssd();
  }

  // The rotations that write from now on: over the run each has its turn.
  static std::vector<std::size_t> group(int number) {
    std::vector<std::size_t> rotations;
    for (std::size_t i = 0; i < kRotationsAtATime; ++i)
      rotations.push_back((static_cast<std::size_t>(number) * kRotationsAtATime + i) % (kSubvolumes + 2));
    return rotations;
  }

  Paths copies(const Made& made) const {
    Paths paths;
    for (const auto& member : members_) paths.push_back(made.of(member).path);
    return paths;
  }

  // The same volumes one after another, as scripts do it, without any hold.
  std::vector<std::string> violations_without_hold() const {
    Paths copies;
    for (std::size_t i = 0; i < kSubvolumes; ++i) {
      copies.push_back(btrfs_.mount_point() / ("control" + std::to_string(i)));
      run_program({"btrfs", "-q", "subvolume", "snapshot", members_[i].string(), copies[i].string()});
    }
    for (const LoopFilesystem* image : {&ext4_, &xfs_}) {
      const auto clone = image->image().string() + ".control";
      run_program({"cp", "--reflink=always", image->image().string(), clone});
      copies.push_back(clone + ".mnt");
      std::filesystem::create_directory(copies.back());
      run_program(
          {"mount", "-o", image->type() == "xfs" ? "loop,nouuid" : "loop", clone, copies.back().string()});
    }
    std::vector<std::string> violations = order_violations(copies);
    for (std::size_t i = 0; i < copies.size(); ++i) {
      if (i < kSubvolumes) {
        run_program({"btrfs", "-q", "subvolume", "delete", copies[i].string()});
        continue;
      }
      run_program({"umount", copies[i].string()});
      std::filesystem::remove(copies[i]);
      std::filesystem::remove(copies[i].replace_extension());
    }
    return violations;
  }

  void expect_clean(const Snapshot& snapshot, const std::string& type) const {
    EXPECT_EQ(check_filesystem(file_behind(snapshot.device), type, host_.mount_point()), "")
        << snapshot.volume;
  }

  LoopFilesystem& btrfs_;
  LoopFilesystem& host_;
  LoopFilesystem& ext4_;
  LoopFilesystem& xfs_;
  Paths members_;
};

TEST_F(PointInTime, EightSubvolumesAndTwoImagesUnderLoadShowOneInstant) {
  NotingWriter& writer = add_writer("application", members_[0]);
  CounterWriters counters(members_);
  const LoadWriter load(members_, "load-a");
  const LoadWriter more_load({members_[3], ext4_.mount_point()}, "load-b");

  std::size_t violations = 0;
  std::vector<double> holds;
  for (int i = 0; i < kSets; ++i) {
    if (i % kSetsPerGroup == 0) counters.run(group(i / kSetsPerGroup));
    const FreezeGuard guard = volumes_.guard();
    const Made made = make_set(members_);
    ASSERT_EQ(made.error, "") << made.message << ", set " << i;
    ASSERT_EQ(made.consistency, "cut") << made.reason;
    holds.push_back(made.hold_ms);
    for (const std::string& text : order_violations(copies(made))) {
      ++violations;
      ADD_FAILURE() << "set " << i << ", " << text;
    }
    if (i % kSetsPerGroup == 0) {
      expect_clean(made.of(ext4_.mount_point()), "ext4");
      expect_clean(made.of(xfs_.mount_point()), "xfs");
    }
    ASSERT_EQ(made.release(), "");
  }
  EXPECT_EQ(leftovers(), std::vector<std::string>());
  EXPECT_EQ(writer.count("freeze"), static_cast<std::size_t>(kSets));
  EXPECT_EQ(writer.count("thaw"), static_cast<std::size_t>(kSets));
  EXPECT_EQ(writer.count("abort"), 0U);

  std::size_t control = 0;
  for (int i = 0; i < kControlRounds; ++i) {
    counters.run(group(i));
    control += violations_without_hold().size();
  }
  EXPECT_GT(control, 0U) << "blind: captures one after another look as good as a set";

  std::sort(holds.begin(), holds.end());
  std::printf(
      "%d sets: %zu violations; %d times one after another without hold: %zu; "
      "%llu rounds of counters; longest hold of a volume: median %.1f ms, most %.1f ms\n",
      kSets, violations, kControlRounds, control, static_cast<unsigned long long>(counters.rounds()),
      holds[holds.size() / 2], holds.back());
  counters.stop();
}

TEST_F(PointInTime, TwoBtrfsFilesystemsAreOnlyConsistentEachInItself) {
  const LoopFilesystem& other = volumes_.add("other", "btrfs", 200);
  const Paths volumes = {members_[0], Volumes::add_subvolumes(other, 1).front(), ext4_.mount_point()};
  const NotingWriter& writer = add_writer("application", members_[0]);

  const Made refused = make_set(volumes, {.context = "backup", .require = "cut"});
  EXPECT_EQ(refused.error, "ConsistencyNotReached") << refused.message;
  for (std::size_t i = 0; i < 2; ++i) EXPECT_NE(refused.message.find(volumes[i]), std::string::npos);
  EXPECT_EQ(refused.release(), "");
  EXPECT_EQ(writer.events(), std::vector<std::string>());

  const FreezeGuard guard = volumes_.guard();
  const Made made = make_set(volumes);
  ASSERT_EQ(made.error, "") << made.message;
  EXPECT_EQ(made.consistency, "per-volume");
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_NE(made.reason.find(volumes[i]), std::string::npos) << made.reason;
  EXPECT_EQ(made.reason.find(volumes[2]), std::string::npos) << made.reason;
  EXPECT_EQ(made.release(), "");
  EXPECT_EQ(leftovers(), std::vector<std::string>());
}

}  // namespace
}  // namespace vss::test
