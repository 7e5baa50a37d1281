// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <gtest/gtest.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <thread>
#include <vector>

#include "daemon/hold/record.hpp"
#include "tests/support/temp_dir.hpp"

namespace vss::hold {
namespace {

const core::Guid kSet = *core::Guid::parse("01234567-89ab-cdef-0123-456789abcdef");

TargetIdentity target(std::string mount_point) {
  TargetIdentity identity;
  identity.mount_point = std::move(mount_point);
  identity.device = "vg-lv";
  identity.device_major = 7;
  identity.device_minor = 3;
  identity.filesystem_id = 42;
  return identity;
}

class RecordTest : public testing::Test {
 protected:
  Record create(std::size_t count = 2) {
    const std::vector<TargetIdentity> targets(count, target("/srv/data"));
    return std::move(Record::create(path_, kSet, targets).value());
  }
  core::Result<Record> map() const {
    return Record::map(core::UniqueFd(open(path_.c_str(), O_RDWR | O_CLOEXEC)));
  }
  // Overwrites one byte of the file.
  void spoil(std::size_t offset, char byte) {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(byte);
  }

  test::TempDir dir_;
  std::filesystem::path path_ = dir_.path() / "hold.record";
};

TEST_F(RecordTest, WhatIsWrittenIsReadBack) {
  create();
  const auto record = map();
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->set(), kSet);
  EXPECT_TRUE(record->of_this_boot());
  EXPECT_TRUE(record->settled());
  EXPECT_EQ(record->header().daemon.pid, getpid());
  ASSERT_EQ(record->targets().size(), 2U);
  const RecordTarget& first = record->targets()[0];
  EXPECT_EQ(first.now().state(), TargetState::Planned);
  EXPECT_STREQ(first.mount_point.data(), "/srv/data");
  EXPECT_STREQ(first.device.data(), "vg-lv");
  EXPECT_EQ(first.device_major, 7U);
  EXPECT_EQ(first.device_minor, 3U);
  EXPECT_EQ(first.filesystem_id, 42U);
}

TEST_F(RecordTest, BothMappingsShareTheState) {
  const Record mine = create();
  const auto other = map();
  ASSERT_TRUE(mine.targets()[1].begin_hold(77));
  other->targets()[1].hold_done(77, 1, 1000);
  EXPECT_EQ(mine.targets()[1].now().state(), TargetState::Held);
  EXPECT_EQ(mine.targets()[1].now().by(), 77);
  EXPECT_FALSE(mine.settled());
}

TEST_F(RecordTest, AnExistingRecordIsNotOverwritten) {
  create();
  const auto again = Record::create(path_, kSet, {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::ObjectAlreadyExists);
}

TEST_F(RecordTest, WhatDoesNotFitIsRefusedAndLeavesNothing) {
  const std::vector<TargetIdentity> too_many(kMostTargets + 1, target("/a"));
  const std::vector<TargetIdentity> too_long{target(std::string(4096, 'a'))};
  const std::vector<TargetIdentity> with_null{target(std::string("a\0b", 3))};
  for (const auto* targets : {&too_many, &too_long, &with_null}) {
    EXPECT_FALSE(Record::create(path_, kSet, *targets));
    EXPECT_FALSE(std::filesystem::exists(path_));
  }
}

TEST_F(RecordTest, AnyTruncationIsRefused) {
  create();
  const auto whole = std::filesystem::file_size(path_);
  for (const std::uintmax_t size :
       {whole - 1, whole - sizeof(RecordTarget), std::uintmax_t{sizeof(RecordHeader)},
        std::uintmax_t{sizeof(RecordHeader) - 1}, std::uintmax_t{8}, std::uintmax_t{0}}) {
    std::filesystem::resize_file(path_, size);
    const auto record = map();
    ASSERT_FALSE(record) << size;
    EXPECT_EQ(record.error().code, ErrorCode::InvalidDocument) << size;
  }
}

TEST_F(RecordTest, MalformedContentIsRefused) {
  struct Case {
    const char* what;
    std::size_t offset;
    char byte;
  };
  const std::size_t first = sizeof(RecordHeader);
  const std::array cases{
      Case{"never completed", offsetof(RecordHeader, magic), 0},
      Case{"another version", offsetof(RecordHeader, version), 9},
      Case{"count too small", offsetof(RecordHeader, target_count), 1},
      Case{"count too large", offsetof(RecordHeader, target_count), 64},
      Case{"unknown state", first + offsetof(RecordTarget, stamp), 5},
      Case{"unknown ability", first + offsetof(RecordTarget, ability), 2},
  };
  for (const Case& one : cases) {
    create();
    spoil(one.offset, one.byte);
    EXPECT_FALSE(map()) << one.what;
    std::filesystem::remove(path_);
  }
}

TEST_F(RecordTest, ANameWithoutEndIsRefused) {
  {
    const Record record = create();
    record.targets()[0].mount_point.fill('a');
  }
  EXPECT_FALSE(map());
}

TEST_F(RecordTest, ARecordOfAnotherBootIsRecognised) {
  const Record record = create();
  record.header().boot_id[0] = 'x';
  EXPECT_FALSE(map()->of_this_boot());
}

// All transitions that are allowed; every other one must leave the state alone.
TEST_F(RecordTest, StatesFollowTheirOrder) {
  const Record record = create(1);
  RecordTarget& one = record.targets()[0];
  EXPECT_FALSE(one.claim(5));
  EXPECT_TRUE(one.begin_hold(5));
  EXPECT_FALSE(one.begin_hold(5));
  EXPECT_FALSE(one.claim(6));  // not held yet
  one.hold_failed(6);          // not the owner
  EXPECT_EQ(one.now().state(), TargetState::Holding);
  one.hold_failed(5);
  EXPECT_EQ(one.now().state(), TargetState::Planned);
  EXPECT_TRUE(one.begin_hold(5));
  one.hold_done(5, 3, 99);
  EXPECT_EQ(one.sequence, 3U);
  EXPECT_TRUE(one.claim(6));
  EXPECT_FALSE(one.claim(5));
  one.release_done(5);  // not the owner
  EXPECT_EQ(one.now().state(), TargetState::Releasing);
  one.release_failed(6);
  EXPECT_TRUE(one.claim(7));
  one.release_done(7);
  EXPECT_EQ(one.now().state(), TargetState::Released);
  EXPECT_FALSE(one.claim(8));
  EXPECT_FALSE(one.begin_hold(8));
}

TEST_F(RecordTest, EightThreadsClaimOneHoldExactlyOnce) {
  const Record record = create(kMostTargets);
  for (RecordTarget& one : record.targets()) {
    ASSERT_TRUE(one.begin_hold(1));
    one.hold_done(1, 1, 1);
  }
  std::atomic<bool> go = false;
  std::array<std::atomic<int>, kMostTargets> wins{};
  std::vector<std::thread> threads;
  for (pid_t by = 100; by < 108; ++by) {
    threads.emplace_back([&, by] {
      while (!go) std::this_thread::yield();
      for (std::size_t i = 0; i < kMostTargets; ++i)
        if (record.targets()[i].claim(by)) ++wins[i];
    });
  }
  go = true;
  for (std::thread& thread : threads) thread.join();
  for (const auto& count : wins) EXPECT_EQ(count, 1);
}

TEST_F(RecordTest, EightThreadsTakeOneDeadOwnersStepOverExactlyOnce) {
  const Record record = create(1);
  RecordTarget& one = record.targets()[0];
  ASSERT_TRUE(one.begin_hold(1));
  const Stamp seen = one.now();
  std::atomic<int> wins = 0;
  std::vector<std::thread> threads;
  for (pid_t by = 100; by < 108; ++by)
    threads.emplace_back([&, by] { wins += one.take_over(seen, by) ? 1 : 0; });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wins, 1);
}

TEST(Stamp, KeepsStateAndTheLargestPid) {
  constexpr pid_t largest = (1 << 22) - 1;
  constexpr Stamp stamp(TargetState::Released, largest);
  static_assert(stamp.state() == TargetState::Released && stamp.by() == largest);
  EXPECT_EQ(Stamp(stamp.word()).by(), largest);
}

TEST(TargetState, EveryStateHasAName) {
  EXPECT_EQ(to_string(TargetState::Planned), "planned");
  EXPECT_EQ(to_string(TargetState::Holding), "holding");
  EXPECT_EQ(to_string(TargetState::Held), "held");
  EXPECT_EQ(to_string(TargetState::Releasing), "releasing");
  EXPECT_EQ(to_string(TargetState::Released), "released");
}

}  // namespace
}  // namespace vss::hold
