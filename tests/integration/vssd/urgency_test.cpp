// SPDX-License-Identifier: LGPL-2.1-or-later
// While a set is captured, the two threads of vssd on which that waits run before ordinary ones.

#include "tests/integration/vssd/daemon_fixture.hpp"
#include "tests/support/priorities.hpp"

namespace vss::test {
namespace {

class UrgencyOfVssd : public DaemonTest {
 protected:
  // DoSnapshotSet until the provider hangs in this operation.
  PendingCall stop_in(Requester& requester, const std::string& operation) {
    EXPECT_TRUE(requester.run_until(plan(), "DoSnapshotSet"));
    const std::size_t before = provider_operations().size();
    script(operation + " hang\n");
    PendingCall call = requester.begin("DoSnapshotSet");
    EXPECT_TRUE(wait_until(
        [&] {
          const std::vector<std::string> operations = provider_operations();
          return operations.size() > before && operations.back() == operation;
        },
        std::chrono::seconds(20)));
    return call;
  }
  std::size_t urgent_threads() { return count_threads(vssd().pid()).urgent; }
  static std::size_t if_allowed(std::size_t count) { return may_be_urgent() ? count : 0; }
};

TEST_F(UrgencyOfVssd, ItsLoopAndTheProviderAreUrgentInCommitAndNotAfterwards) {
  start();
  Requester requester;
  PendingCall call = stop_in(requester, "commit");
  EXPECT_EQ(urgent_threads(), if_allowed(2));
  EXPECT_EQ(is_urgent(vssd().pid()), may_be_urgent());
  script("");
  EXPECT_EQ(name_of(call.result()), "");
  EXPECT_EQ(urgent_threads(), 0U);
  ASSERT_TRUE(requester.backup("BackupComplete"));
  ASSERT_TRUE(requester.backup("Release"));
  expect_nothing_left();
}

TEST_F(UrgencyOfVssd, NothingIsUrgentBeforeTheCaptureAndAfterIt) {
  start();
  for (const char* operation : {"end_prepare", "pre_commit", "post_commit"}) {
    SCOPED_TRACE(operation);
    Requester requester;
    PendingCall call = stop_in(requester, operation);
    EXPECT_EQ(urgent_threads(), 0U);
    script("");
    EXPECT_EQ(name_of(call.result()), "");
    ASSERT_TRUE(requester.backup("BackupComplete"));
    ASSERT_TRUE(requester.backup("Release"));
    ASSERT_TRUE(wait_for_no_session());
  }
}

TEST_F(UrgencyOfVssd, AProviderThatOverrunsTheLimitIsOrdinaryAgain) {
  start("[limits]\nhold_limit_ms = 1500\n");
  Requester requester;
  PendingCall call = stop_in(requester, "commit");
  EXPECT_NE(name_of(call.result()), "");
  EXPECT_EQ(urgent_threads(), 0U) << "it still hangs";
  script("");
  ASSERT_TRUE(requester.backup("Release"));
  EXPECT_TRUE(wait_until([&] { return catalogue_entries() == 0; }, std::chrono::seconds(30)));
  expect_nothing_left();
}

}  // namespace
}  // namespace vss::test
