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
