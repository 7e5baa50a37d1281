// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/provider_host/hosted_provider.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/wait_until.hpp"
#include "tests/unit/providers/fake_fixture.hpp"

namespace vss::provider_host {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

using Providers = test::WithFakeProvider;

TEST_F(Providers, ASetGoesThroughEveryOperationInOrder) {
  const core::Guid set = core::Guid::random();
  const core::Member first = new_member(set);
  ASSERT_TRUE(test::run(context(), provider().begin_prepare(first)));
  ASSERT_TRUE(test::run(context(), provider().end_prepare(set)));
  ASSERT_TRUE(test::run(context(), provider().pre_commit(set)));
  const auto report = test::run(context(), provider().commit(set, {first.snapshot_id}));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->one_instant);
  ASSERT_TRUE(test::run(context(), provider().post_commit(set)));
  ASSERT_TRUE(test::run(context(), provider().pre_final_commit(set)));
  ASSERT_TRUE(test::run(context(), provider().post_final_commit(set)));

  const auto completed = provider().member(first.snapshot_id);
  ASSERT_TRUE(completed);
  EXPECT_EQ(completed->provider_data, "fake");
  EXPECT_EQ(*test::run(context(), provider().exists(*completed)), true);
  const auto mount = test::run(context(), provider().mount_info(*completed, false));
  ASSERT_TRUE(mount);
  EXPECT_EQ(mount->source, script() + ".snapshots");
  EXPECT_EQ(mount->options, "bind");
  provider().forget(set);
  EXPECT_EQ(provider().member(first.snapshot_id).error().code, ErrorCode::ObjectNotFound);
  ASSERT_TRUE(test::run(context(), provider().remove(*completed)));
  EXPECT_EQ(*test::run(context(), provider().exists(*completed)), false);

  const std::string id = set.str();
  const std::string snapshot = first.snapshot_id.str();
  EXPECT_EQ(read_log(), "begin_prepare " + id + " " + snapshot + "\nend_prepare " + id + "\npre_commit " +
                            id + "\ncommit " + id + " " + snapshot + "\npost_commit " + id +
                            "\npre_final_commit " + id + "\npost_final_commit " + id + "\nquery " + id + " " +
                            snapshot + "\nmount_info " + id + " " + snapshot + " ro\nremove " + id + " " +
                            snapshot + "\nquery " + id + " " + snapshot + "\n");
}

TEST_F(Providers, EveryDocumentedStatusHasItsErrorAndAnUnknownOneIsUnexpected) {
  struct Row {
    int status;
    ErrorCode code;
  };
  for (const Row& row :
       {Row{VSS_PROVIDER_E_INVALID_ARGUMENT, ErrorCode::InvalidArgument},
        Row{VSS_PROVIDER_E_ACCESS_DENIED, ErrorCode::AccessDenied},
        Row{VSS_PROVIDER_E_OUT_OF_MEMORY, ErrorCode::OutOfMemory},
        Row{VSS_PROVIDER_E_BAD_STATE, ErrorCode::BadState},
        Row{VSS_PROVIDER_E_OBJECT_NOT_FOUND, ErrorCode::ObjectNotFound},
        Row{VSS_PROVIDER_E_INSUFFICIENT_STORAGE, ErrorCode::InsufficientStorage},
        Row{VSS_PROVIDER_E_VOLUME_NOT_SUPPORTED, ErrorCode::VolumeNotSupportedByProvider},
        Row{VSS_PROVIDER_E_MAXIMUM_NUMBER_OF_SNAPSHOTS, ErrorCode::MaximumNumberOfSnapshotsReached},
        Row{VSS_PROVIDER_E_VETO, ErrorCode::ProviderVeto},
        Row{VSS_PROVIDER_E_UNEXPECTED, ErrorCode::UnexpectedProviderError},
        Row{VSS_PROVIDER_E_VOLUME_IN_USE, ErrorCode::VolumeInUse},
        Row{VSS_PROVIDER_E_NOT_SUPPORTED, ErrorCode::NotSupported},
        Row{VSS_PROVIDER_E_REVERT_IN_PROGRESS, ErrorCode::RevertInProgress},
        Row{4711, ErrorCode::UnexpectedProviderError}, Row{-1, ErrorCode::UnexpectedProviderError}}) {
    write_script("end_prepare fail " + std::to_string(row.status) + " the pool is empty\n");
    const auto status = test::run(context(), provider().end_prepare(core::Guid::random()));
    ASSERT_FALSE(status) << row.status;
    EXPECT_EQ(status.error().code, row.code) << row.status;
    EXPECT_THAT(status.error().message, HasSubstr("provider fake, end_prepare: "));
    EXPECT_THAT(status.error().message, HasSubstr("the pool is empty"));
  }
}

TEST_F(Providers, EachOperationFailsWhenItsScriptSaysSo) {
  const core::Guid set = core::Guid::random();
  const core::Member member = new_member(set);
  ASSERT_TRUE(test::run(context(), provider().begin_prepare(member)));
  using Call = std::function<core::Status()>;
  const auto status_of = [](auto result) { return result ? core::Status{} : core::fail(result.error()); };
  const std::vector<std::pair<std::string, Call>> rows = {
      {"is_volume_supported",
       [&] { return status_of(test::run(context(), provider().is_volume_supported(member.volume))); }},
      {"begin_prepare", [&] { return test::run(context(), provider().begin_prepare(new_member(set))); }},
      {"end_prepare", [&] { return test::run(context(), provider().end_prepare(set)); }},
      {"pre_commit", [&] { return test::run(context(), provider().pre_commit(set)); }},
      {"commit",
       [&] { return status_of(test::run(context(), provider().commit(set, {member.snapshot_id}))); }},
      {"post_commit", [&] { return test::run(context(), provider().post_commit(set)); }},
      {"pre_final_commit", [&] { return test::run(context(), provider().pre_final_commit(set)); }},
      {"post_final_commit", [&] { return test::run(context(), provider().post_final_commit(set)); }},
      {"abort", [&] { return test::run(context(), provider().abort(set)); }},
      {"remove", [&] { return test::run(context(), provider().remove(member)); }},
      {"query", [&] { return status_of(test::run(context(), provider().exists(member))); }},
      {"mount_info", [&] { return status_of(test::run(context(), provider().mount_info(member, true))); }},
      {"check_health", [&] { return status_of(test::run(context(), provider().check_health(member))); }},
      {"break_snapshot",
       [&] { return status_of(test::run(context(), provider().break_snapshot(member, true))); }},
      {"revert", [&] { return status_of(test::run(context(), provider().revert(member, true))); }},
      {"revert_status",
       [&] { return status_of(test::run(context(), provider().revert_status(member.volume))); }},
      {"storage", [&] { return status_of(test::run(context(), provider().storage(member.volume))); }},
      {"resize_storage", [&] { return test::run(context(), provider().resize_storage(member, 1)); }},
  };
  for (const auto& [name, call] : rows) {
    write_script(name + " fail 9 not now\n");
    const core::Status status = call();
    ASSERT_FALSE(status) << name;
    EXPECT_EQ(status.error().code, ErrorCode::ProviderVeto) << name;
    EXPECT_EQ(status.error().message, "provider fake, " + name + ": not now");
  }
}

TEST_F(Providers, ACommitThatHangsIsAbortedWhenItReturns) {
  const core::Guid set = core::Guid::random();
  const core::Member member = new_member(set);
  ASSERT_TRUE(test::run(context(), provider().begin_prepare(member)));
  write_script("commit hang\n");
  const auto report = test::run(context(), provider().commit(set, {member.snapshot_id}));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().message, "provider fake still works on commit after 0.1 s");
  EXPECT_EQ(provider().stuck_in(), "commit");
  EXPECT_EQ(test::run(context(), provider().begin_prepare(new_member(set))).error().code,
            ErrorCode::ProviderInUse);
  // Management goes on in its own lane.
  EXPECT_TRUE(test::run(context(), provider().is_volume_supported(member.volume)));

  EXPECT_EQ(test::run(context(), provider().abort(set)).error().code, ErrorCode::ProviderInUse);
  provider().forget(set);
  EXPECT_THAT(read_log(), ::testing::Not(HasSubstr("abort")));
  write_script("");
  test::run_until(context(), [] { return provider().stuck_in().empty() && read_log().ends_with("\n"); });
  test::run_until(context(), [&] { return read_log().find("abort " + set.str()) != std::string::npos; });
  const std::string left = script() + ".snapshots/" + set.str() + "." + member.snapshot_id.str();
  EXPECT_TRUE(test::wait_until([&] { return !std::filesystem::exists(left); }, 10s));
}

TEST_F(Providers, ARefusedHoldIsAReportAndTheNextAnswerNamesAnotherKind) {
  const core::Guid set = core::Guid::random();
  const core::Member member = new_member(set);
  ASSERT_TRUE(test::run(context(), provider().begin_prepare(member)));
  write_script("commit refuse-hold the kernel is too old\n");
  const auto report = test::run(context(), provider().commit(set, {member.snapshot_id}));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->hold_refused);
  EXPECT_EQ(report->reason, "provider fake, commit: the kernel is too old");
  const auto support = test::run(context(), provider().is_volume_supported(member.volume));
  ASSERT_TRUE(support);
  EXPECT_EQ(support->hold, core::HoldAbility::Impossible);
  ASSERT_TRUE(test::run(context(), provider().abort(set)));
  provider().forget(set);
}

TEST_F(Providers, HealthIsReadBack) {
  const core::Member member = new_member(core::Guid::random());
  const auto look = [&] { return test::run(context(), provider().check_health(member)).value(); };
  EXPECT_EQ(look().health, core::SnapshotHealth::Good);
  EXPECT_EQ(look().seconds_left, -1);
  write_script("check_health at-risk 90 the store fills up\n");
  EXPECT_EQ(look().health, core::SnapshotHealth::AtRisk);
  EXPECT_EQ(look().seconds_left, 90);
  EXPECT_EQ(look().reason, "the store fills up");
  write_script("check_health lost overflow\n");
  EXPECT_EQ(look().health, core::SnapshotHealth::Lost);
}

// A deletion waits for the lock of its volume group, say, and the store of another one fills up meanwhile.
TEST_F(Providers, AHealthCheckDoesNotWaitForADeletion) {
  write_script("remove hang\ncheck_health at-risk 90 the store fills up\n");
  const auto removing = test::start(context(), provider().remove(new_member(core::Guid::random())));
  test::run_until(context(), [] { return read_log().starts_with("remove "); });
  const auto looking = test::start(context(), provider().check_health(new_member(core::Guid::random())));
  EXPECT_NO_THROW(test::run_until(context(), [&] { return looking->done(); }));
  EXPECT_FALSE(removing->done());
  write_script("check_health at-risk 90 the store fills up\n");
  test::run_until(context(), [&] { return removing->done() && looking->done(); });
  ASSERT_TRUE(looking->value && *looking->value);
  EXPECT_EQ((*looking->value)->health, core::SnapshotHealth::AtRisk);
}

TEST_F(Providers, ALookAtHealthThatHangsIsOverdueAndNothingIsStuckForIt) {
  write_script("check_health hang\n");
  EXPECT_FALSE(test::run(context(), provider().check_health(new_member(core::Guid::random()))));
  EXPECT_EQ(provider().overdue(), "check_health");
  EXPECT_EQ(provider().stuck_in(), "");
  write_script("");
  test::run_until(context(), [] { return provider().overdue().empty(); });
}

TEST_F(Providers, ABrokenSnapshotTellsWhereItLivesAndIsNotFoundToBeRemoved) {
  const core::Guid set = core::Guid::random();
  const core::Member member = new_member(set);
  ASSERT_TRUE(test::run(context(), provider().begin_prepare(member)));
  ASSERT_TRUE(test::run(context(), provider().commit(set, {member.snapshot_id})));
  const auto where = test::run(context(), provider().break_snapshot(member, true));
  ASSERT_TRUE(where) << where.error().message;
  EXPECT_EQ(where->location, script() + ".snapshots/broken." + member.snapshot_id.str());
  EXPECT_EQ(where->device, "/dev/broken." + member.snapshot_id.str());
  EXPECT_THAT(read_log(),
              HasSubstr("break_snapshot " + set.str() + " " + member.snapshot_id.str() + " rw\n"));
  EXPECT_EQ(*test::run(context(), provider().exists(member)), false);
  ASSERT_TRUE(test::run(context(), provider().remove(member)));
  EXPECT_TRUE(std::filesystem::exists(where->location));
  const auto again = test::run(context(), provider().break_snapshot(member, true));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->location, where->location);
  EXPECT_EQ(test::run(context(), provider().break_snapshot(new_member(set), false)).error().code,
            ErrorCode::ObjectNotFound);
  std::filesystem::remove(where->location);
  provider().forget(set);
}

TEST_F(Providers, TheStateOfARevertIsReadBack) {
  const core::Member member = new_member(core::Guid::random());
  EXPECT_EQ(test::run(context(), provider().revert_status(member.volume))->state, core::RevertState::None);
  write_script("revert_status running 40 merging\n");
  const auto running = test::run(context(), provider().revert_status(member.volume));
  ASSERT_TRUE(running);
  EXPECT_EQ(running->state, core::RevertState::Running);
  EXPECT_EQ(running->percent, 40);
  EXPECT_EQ(running->message, "merging");
  write_script("revert pending-reboot -1 mount it again\n");
  const auto pending = test::run(context(), provider().revert(member, true));
  ASSERT_TRUE(pending);
  EXPECT_EQ(pending->state, core::RevertState::PendingReboot);
  EXPECT_EQ(pending->percent, -1);
  EXPECT_EQ(pending->message, "mount it again");
  EXPECT_THAT(read_log(), HasSubstr(" force\n"));
}

TEST_F(Providers, StorageIsReadBackAndWhatIsUnknownIsLeftOut) {
  const core::Member member = new_member(core::Guid::random());
  write_script("storage is 5 - 30\n");
  const auto storage = test::run(context(), provider().storage(member.volume));
  ASSERT_TRUE(storage);
  ASSERT_EQ(storage->size(), 1U);
  EXPECT_EQ(storage->front().volume, member.volume.path);
  EXPECT_EQ(storage->front().used, std::optional<std::uint64_t>(5));
  EXPECT_EQ(storage->front().allocated, std::nullopt);
  EXPECT_EQ(storage->front().maximum, 30U);
  ASSERT_TRUE(test::run(context(), provider().resize_storage(member, 4096)));
  EXPECT_THAT(read_log(),
              HasSubstr("resize_storage " + member.snapshot_id.str() + " " + member.volume.path + " 4096\n"));
}

TEST_F(Providers, ADelayedOperationSucceeds) {
  write_script("pre_commit delay 20\n");
  EXPECT_TRUE(test::run(context(), provider().pre_commit(core::Guid::random())));
}

TEST_F(Providers, ACommitOfAnUnknownSnapshotNeverReachesTheModule) {
  const auto report = test::run(context(), provider().commit(core::Guid::random(), {core::Guid::random()}));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::ObjectNotFound);
  EXPECT_EQ(read_log(), "");
}

}  // namespace
}  // namespace vss::provider_host
