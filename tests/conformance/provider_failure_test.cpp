// SPDX-License-Identifier: LGPL-2.1-or-later
// A provider that fails or hangs, in each operation: vss.md 5.1, cause A3, and the error that the requester
// gets.

#include "tests/conformance/conformance_test.hpp"
#include "tests/conformance/provider_faults.hpp"

namespace vss::test {
namespace {

using CreationCase = FaultCase<CreationRow>;

std::string name_of_creation_case(const ::testing::TestParamInfo<CreationCase>& one) {
  return std::string(one.param.row.operation) + "_" + one.param.fault.name;
}

class ProviderFailure : public ConformanceTest, public ::testing::WithParamInterface<CreationCase> {};

TEST_P(ProviderFailure, FailsTheSetAndTellsTheWritersOnce) {
  const CreationRow& row = GetParam().row;
  const ProviderFault& fault = GetParam().fault;
  SCOPED_TRACE(row.source);
  faces_ = {Face::Cpp, Face::C};
  start(kProviderLimits);
  add_writers(3);
  script(script_of(fault, row.operation));
  Requester requester;
  Reply<> outcome = requester.run_until(plan(), "AddToSnapshotSet");
  ASSERT_TRUE(outcome) << outcome.error().message;
  outcome = requester.backup("AddToSnapshotSet", volume(), std::string("fake"));
  if (row.in_creation) {
    ASSERT_TRUE(outcome) << outcome.error().message;
    ASSERT_TRUE(requester.backup("PrepareForBackup"));
    outcome = requester.backup("DoSnapshotSet");
    EXPECT_EQ(requester.state(), "failed");
    EXPECT_EQ(get<std::string>(status(), "lock_holder"), "");
  } else {
    EXPECT_EQ(requester.state(), "set-started");
  }
  ASSERT_FALSE(outcome);
  expect_error(fault, row.operation, outcome.error());
  if (hangs(fault)) {
    const auto providers = requester.manager<Dicts>("ListProviders");
    ASSERT_TRUE(providers);
    for (const Dict& provider : *providers) {
      const bool fake = get<std::string>(provider, "name") == "fake";
      EXPECT_EQ(get<std::string>(provider, "busy"), fake ? row.operation : "");
    }
    script("");
  }
  EXPECT_EQ(name_of(requester.backup("AbortBackup")), "");
  EXPECT_EQ(name_of(requester.backup("Release")), "");
  for (const auto& writer : writers_) {
    EXPECT_EQ(log_.count("Abort", writer->name()), static_cast<std::size_t>(row.aborts));
    EXPECT_EQ(log_.count("BackupShutdown", writer->name()), row.in_creation ? 1U : 0U);
  }
  for (const LoggedEvent& event : log_.all()) {
    if (event.event == "BackupShutdown") {
      EXPECT_EQ(event.set, kNullId);
    }
  }
  script("");
  if (hangs(fault)) {
    // It ends on its own time; then the provider works again, and what it left is collected.
    ASSERT_TRUE(wait_for_idle_providers());
    EXPECT_EQ(name_of(requester.manager("CollectGarbage")), "");
  }
  expect_nothing_left();
  expect_next_backup_works();
  expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(Each, ProviderFailure,
                         ::testing::ValuesIn(with_each(kCreationRows, {kVeto, kUnexpected, kNoSpace, kHang})),
                         name_of_creation_case);

}  // namespace
}  // namespace vss::test
