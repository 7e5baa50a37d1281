// SPDX-License-Identifier: LGPL-2.1-or-later
// A provider that finds, in commit, that the volume cannot be captured under the hold it had named.

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RefusedHold : public DaemonTest {};

TEST_F(RefusedHold, TheSetIsMadeInASecondAttemptOfWhichTheWritersHearNothing) {
  start();
  add_writer("writer");
  script("commit refuse-hold-once the kernel is too old\n");
  Requester requester;
  ASSERT_TRUE(requester.run_until(plan(), "DoSnapshotSet"));
  const auto made = requester.backup<Dict>("DoSnapshotSet");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(get<std::string>(*made, "consistency"), "cut");
  EXPECT_THAT(provider_operations(),
              ElementsAre("begin_prepare", "end_prepare", "pre_commit", "commit", "abort", "begin_prepare",
                          "end_prepare", "pre_commit", "commit", "post_commit", "pre_final_commit",
                          "mount_info", "post_final_commit", "mount_info"));
  std::vector<std::string> prepared;
  for (const std::string& line : provider_log()) {
    if (line.starts_with("begin_prepare")) prepared.push_back(line);
  }
  EXPECT_EQ(prepared[0], prepared[1]) << "the ids stay";
  EXPECT_EQ(provider_snapshots(), 1U);
  EXPECT_EQ(log_.count("Freeze"), 1U);
  EXPECT_EQ(log_.count("Thaw"), 1U);
  EXPECT_EQ(log_.count("Abort"), 0U);
  EXPECT_THAT(vssd().log(), HasSubstr("the kernel is too old; trying again"));
  ASSERT_TRUE(requester.backup("BackupComplete"));
  ASSERT_TRUE(requester.backup("Release"));
  expect_nothing_left();
}

TEST_F(RefusedHold, ASecondRefusalFailsTheSet) {
  start();
  add_writer("writer");
  script("commit refuse-hold the kernel is too old\n");
  Requester requester;
  const CallError error = fail_to_make_set(requester);
  EXPECT_EQ(error.name, "ProviderVeto");
  EXPECT_THAT(error.message, HasSubstr("second attempt"));
  EXPECT_EQ(std::ranges::count(provider_operations(), "commit"), 2);
  EXPECT_TRUE(log_.wait_for("Abort"));
  ASSERT_TRUE(requester.backup("Release"));
  EXPECT_EQ(log_.count("Freeze"), 1U);
  EXPECT_EQ(log_.count("Thaw"), 0U);
  script("");
  expect_nothing_left();
  expect_next_backup_works();
}

}  // namespace
}  // namespace vss::test
