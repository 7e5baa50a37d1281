// SPDX-License-Identifier: LGPL-2.1-or-later
// A provider that cannot clear away what it made.

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {

using ::testing::HasSubstr;

constexpr const char* kShortLimits = "[limits]\nprovider_ms = 1500\nhold_limit_ms = 1500\n";

class ProviderCleanUp : public DaemonTest {};

// Abort itself fails: the set stays in the catalogue as half made, and is collected later.
TEST_F(ProviderCleanUp, AFailedAbortIsMadeUpForLater) {
  start(kShortLimits);
  add_writer("writer");
  script("post_commit fail 10 first\nabort fail 10 second\nremove fail 10 third\n");
  Requester requester;
  const CallError error = fail_to_make_set(requester);
  EXPECT_EQ(error.name, "UnexpectedProviderError");
  EXPECT_THAT(error.message, HasSubstr("first"));
  EXPECT_THAT(error.message, HasSubstr("second"));
  EXPECT_TRUE(log_.wait_for("Abort"));
  ASSERT_TRUE(requester.backup("Release"));
  EXPECT_EQ(log_.count("Abort"), 1U);
  EXPECT_EQ(provider_snapshots(), 1U);
  const auto listed = requester.manager<Dicts>("ListSnapshots", Dict{});
  ASSERT_TRUE(listed);
  EXPECT_TRUE(listed->empty()) << "what is half made is nobody's snapshot";
  script("");
  EXPECT_EQ(name_of(requester.manager("CollectGarbage")), "");
  expect_nothing_left();
}

TEST_F(ProviderCleanUp, ASnapshotThatCannotBeRemovedIsNamedAndRemovedLater) {
  start(kShortLimits);
  Requester requester;
  const std::string set = make_set_in("nas-rollback", requester);
  ASSERT_NE(set, "");
  const auto snapshots = requester.manager<Dicts>("ListSnapshots", Dict{});
  ASSERT_TRUE(snapshots);
  ASSERT_TRUE(requester.backup("Release"));
  using Outcome = std::tuple<std::uint32_t, std::string>;
  script("remove fail 10 told to fail\n");
  const auto failed = requester.manager<Outcome>("DeleteSnapshots", std::string("set"), set, false);
  ASSERT_TRUE(failed) << failed.error().message;
  EXPECT_EQ(*failed, Outcome(0, get<std::string>(snapshots->front(), "snapshot_id")));
  EXPECT_EQ(provider_snapshots(), 1U);
  script("");
  EXPECT_TRUE(wait_until([&] { return catalogue_entries() == 0; }, std::chrono::seconds(20)))
      << "without being asked";
  expect_nothing_left();
}

TEST_F(ProviderCleanUp, AnAutoReleaseSetThatCannotBeRemovedDoesNotKeepTheSession) {
  start(kShortLimits);
  add_writer("writer");
  Requester requester;
  ASSERT_TRUE(requester.run_until(plan()));
  script("remove hang\n");
  EXPECT_EQ(name_of(requester.backup("Release")), "");
  EXPECT_EQ(log_.count("BackupShutdown"), 1U);
  EXPECT_TRUE(wait_for_no_session());
  script("");
  ASSERT_TRUE(wait_until(
      [&] { return name_of(requester.manager("CollectGarbage")).empty() && catalogue_entries() == 0; },
      std::chrono::seconds(20)));
  expect_nothing_left();
}

}  // namespace
}  // namespace vss::test
