// SPDX-License-Identifier: LGPL-2.1-or-later
// What callers send leaves the memory of vssd flat, and idle it takes little.

#include <deque>
#include <functional>

#include "tests/integration/vssd/bad_input_fixture.hpp"

namespace vss::test {
namespace {

class Memory : public BadInput {};

// Many calls on the way at once, so that it ends in reasonable time.
TEST_F(Memory, AHundredThousandBadCallsLeaveTheMemoryFlat) {
  constexpr int kCalls = kSanitized ? 5'000 : 100'000;
  constexpr std::size_t kOnTheWay = 200;
  Requester requester;
  fill(requester);
  const std::string before = picture(requester);
  const std::string path = requester.backup_path();
  const std::string nowhere = "/nowhere", none, bad_id = "no guid";
  const Dict unknown{{"colour", sdbus::Variant{std::string("red")}}};
  const std::function<PendingCall()> calls[] = {
      [&] { return requester.begin("SetContext", bad_id); },
      [&] { return requester.begin("AddToSnapshotSet", std::string("relative"), none); },
      [&] { return requester.begin("DoSnapshotSet"); },
      [&] { return requester.begin("GetSnapshotProperties", bad_id); },
      [&] { return requester.begin("AddComponent", bad_id, none, none); },
      [&] { return requester.begin("Release", 1.5); },
      [&] { return requester.begin("Explode"); },
      [&] { return requester.begin_at(kManagerPath, kManagerInterface, "CreateBackup", unknown); },
      [&] { return requester.begin_at(kManagerPath, kManagerInterface, "ListSnapshots", unknown); },
      [&] { return requester.begin_at("/org/vssd/Vss1/backup/4711", kBackupInterface, "Release"); },
      [&] {
        return requester.begin_at(kManagerPath, kManagerInterface, "DeleteSnapshots", std::string("set"), kId,
                                  true);
      },
      [&] { return requester.begin_at(kManagerPath, kManagerInterface, "IsVolumeSupported", nowhere, none); },
  };
  std::deque<PendingCall> pending;
  std::size_t early = 0;
  int succeeded = 0;
  for (int i = 0; i < kCalls; ++i) {
    if (i == kCalls / 5) early = vssd().resident_kib();
    pending.push_back(calls[static_cast<std::size_t>(i) % std::size(calls)]());
    if (pending.size() < kOnTheWay) continue;
    succeeded += pending.front().result() ? 1 : 0;
    pending.pop_front();
  }
  for (PendingCall& call : pending) succeeded += call.result() ? 1 : 0;
  EXPECT_EQ(succeeded, 0);
  const std::size_t late = vssd().resident_kib();
  if (!kSanitized) {
    EXPECT_LT(late, early + 1024);
  }
  EXPECT_EQ(picture(requester), before);
  ASSERT_TRUE(requester.backup("Release"));
  expect_next_backup_works();
}

TEST_F(Memory, IdleItTakesLittleMemory) {
  const std::size_t resident = vssd().resident_kib();
  if (!kSanitized) {
    EXPECT_LT(resident, 20U * 1024);
  }
  EXPECT_GT(resident, 0U);
}

}  // namespace
}  // namespace vss::test
