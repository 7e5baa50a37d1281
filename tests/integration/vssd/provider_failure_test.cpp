// SPDX-License-Identifier: LGPL-2.1-or-later
// A provider that fails or hangs, in each operation: vss.md 5.1, cause A3.

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr const char* kConfig = "[limits]\nprovider_ms = 1500\nhold_limit_ms = 1500\n";

struct Row {
  const char* operation;
  bool in_creation;  // called by DoSnapshotSet
  int aborts;        // that each writer gets
};
constexpr Row kRows[] = {
    {"is_volume_supported", false, 0}, {"begin_prepare", false, 0}, {"end_prepare", true, 1},
    {"pre_commit", true, 1},           {"commit", true, 1},         {"post_commit", true, 1},
    {"pre_final_commit", true, 1},     {"mount_info", true, 1},     {"post_final_commit", true, 0},
};

enum class How { Veto, Unexpected, NoSpace, Hang };

struct Case {
  Row row;
  How how;
};
void PrintTo(const Case& one, std::ostream* out) { *out << one.row.operation; }

std::string name_of_how(How how) {
  switch (how) {
    case How::Veto:
      return "veto";
    case How::Unexpected:
      return "unexpected";
    case How::NoSpace:
      return "nospace";
    case How::Hang:
      return "hang";
  }
  return "";
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Row& row : kRows) {
    for (const How how : {How::Veto, How::Unexpected, How::NoSpace, How::Hang}) all.push_back({row, how});
  }
  return all;
}

std::string name_of_case(const ::testing::TestParamInfo<Case>& one) {
  return std::string(one.param.row.operation) + "_" + name_of_how(one.param.how);
}

class ProviderFailure : public DaemonTest, public ::testing::WithParamInterface<Case> {
 protected:
  std::string script_line() const {
    const std::string operation = GetParam().row.operation;
    switch (GetParam().how) {
      case How::Veto:
        return operation + " fail 9 told to refuse\n";
      case How::Unexpected:
        return operation + " fail 10 told to fail\n";
      case How::NoSpace:
        return operation + " fail 6 told that it is full\n";
      case How::Hang:
        return operation + " hang\n";
    }
    return "";
  }
  void check_error(const CallError& error) const {
    switch (GetParam().how) {
      case How::Veto:
        EXPECT_EQ(error.name, "ProviderVeto");
        EXPECT_THAT(error.message, HasSubstr("told to refuse"));
        return;
      case How::Unexpected:
        EXPECT_EQ(error.name, "UnexpectedProviderError");
        EXPECT_THAT(error.message, HasSubstr("told to fail"));
        return;
      case How::NoSpace:
        EXPECT_EQ(error.name, "InsufficientStorage");
        EXPECT_THAT(error.message, HasSubstr("told that it is full"));
        return;
      case How::Hang:
        EXPECT_EQ(error.name, "UnexpectedProviderError");
        EXPECT_THAT(error.message, HasSubstr(GetParam().row.operation));
        return;
    }
  }
};

TEST_P(ProviderFailure, FailsTheSetAndTellsTheWritersOnce) {
  const Row& row = GetParam().row;
  start(kConfig);
  add_writers(3);
  script(script_line());
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
  check_error(outcome.error());
  if (GetParam().how == How::Hang) {
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
    const bool thawed = log_.count("Thaw", writer->name()) == 1;
    if (log_.count("Freeze", writer->name()) == 1) {
      EXPECT_TRUE(thawed || row.aborts == 1);
    }
  }
  for (const LoggedEvent& event : log_.all()) {
    if (event.event == "BackupShutdown") {
      EXPECT_EQ(event.set, kNullId);
    }
  }
  script("");
  if (GetParam().how == How::Hang) {
    // It ends on its own time; then the provider works again, and what it left is collected.
    ASSERT_TRUE(wait_for_idle_providers());
    EXPECT_EQ(name_of(requester.manager("CollectGarbage")), "");
  }
  expect_nothing_left();
  expect_next_backup_works();
  expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(Each, ProviderFailure, ::testing::ValuesIn(cases()), name_of_case);

class ProviderCleanUp : public DaemonTest {};

// Abort itself fails: the set stays in the catalogue as half made, and is collected later.
TEST_F(ProviderCleanUp, AFailedAbortIsMadeUpForLater) {
  start(kConfig);
  add_writer("writer");
  script("post_commit fail 10 first\nabort fail 10 second\nremove fail 10 third\n");
  Requester requester;
  ASSERT_TRUE(requester.run_until(plan(), "DoSnapshotSet"));
  const Reply<> made = requester.backup("DoSnapshotSet");
  EXPECT_EQ(name_of(made), "UnexpectedProviderError");
  EXPECT_THAT(made.error().message, HasSubstr("first"));
  EXPECT_THAT(made.error().message, HasSubstr("second"));
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
  start(kConfig);
  Requester requester;
  Requester::Plan kept = plan();
  kept.context = "nas-rollback";
  ASSERT_TRUE(requester.run_until(kept));
  const std::string set = requester.property("SnapshotSetId");
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
  start(kConfig);
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
