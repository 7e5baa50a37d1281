// SPDX-License-Identifier: LGPL-2.1-or-later
// The C++ face of the ABI (provider_module.hpp) and the host's functions, against each other.
#include <cerrno>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/provider_host/operation.hpp"
#include "vss/provider_module.hpp"

namespace vss::provider_host {
namespace {

using ::testing::HasSubstr;

Operation thrown(const std::function<void()>& thrower) {
  return Operation("test", OperationKind::EndPrepare, [thrower](const vss_provider_host* host) {
    return provider_detail::guarded(host, [&](const ProviderHost&) {
      thrower();
      return static_cast<int>(VSS_PROVIDER_OK);
    });
  });
}

TEST(ProviderFace, ExceptionsBecomeAStatusAndAMessage) {
  struct Row {
    std::function<void()> thrower;
    ErrorCode code;
    std::string message;
  };
  const auto system_error = [](int number) {
    return [number] { throw std::system_error(number, std::generic_category(), "the call"); };
  };
  for (const Row& row :
       {Row{[] { throw ProviderError(VSS_PROVIDER_E_VETO, "busy"); }, ErrorCode::ProviderVeto, "busy"},
        Row{system_error(ENOSPC), ErrorCode::InsufficientStorage, "the call: No space left"},
        Row{system_error(EDQUOT), ErrorCode::InsufficientStorage, "the call"},
        Row{system_error(EPERM), ErrorCode::AccessDenied, "the call"},
        Row{system_error(ENOENT), ErrorCode::ObjectNotFound, "the call"},
        Row{system_error(EMFILE), ErrorCode::OutOfMemory, "the call"},
        Row{system_error(EIO), ErrorCode::UnexpectedProviderError, "the call"},
        Row{[] { throw std::bad_alloc(); }, ErrorCode::OutOfMemory, "out of memory"},
        Row{[] { throw std::logic_error("a bug"); }, ErrorCode::UnexpectedProviderError, "a bug"},
        Row{[] { throw 3; }, ErrorCode::UnexpectedProviderError, "unknown type"}}) {
    Operation operation = thrown(row.thrower);
    operation.run();
    ASSERT_FALSE(operation.outcome());
    EXPECT_EQ(operation.outcome().error().code, row.code) << row.message;
    EXPECT_THAT(operation.outcome().error().message, HasSubstr(row.message));
  }
}

TEST(Operations, AnExceptionThatLeavesTheModuleIsABreachOfContract) {
  Operation operation("test", OperationKind::Abort,
                      [](const vss_provider_host*) -> int { throw std::runtime_error("boom"); });
  operation.run();
  EXPECT_EQ(operation.outcome().error().code, ErrorCode::UnexpectedProviderError);
  EXPECT_THAT(operation.outcome().error().message, HasSubstr("an exception left the operation: boom"));
}

TEST(Operations, WhatTheModuleReportsInTheWrongPlaceIsABreachOfContract) {
  using Report = std::function<void(const ProviderHost&)>;
  struct Row {
    OperationKind kind;
    Report report;
    std::string message;
  };
  for (const Row& row :
       {Row{OperationKind::Abort, [](const auto& host) { host.set_data("id", "x"); },
            "set_data is not legal"},
        Row{OperationKind::PreCommit, [](const auto& host) { host.set_data("id", "x"); },
            "set_data is not legal"},
        Row{OperationKind::Commit, [](const auto& host) { host.set_data("id", std::string(4097, 'x')); },
            "more than 4096 bytes"},
        Row{OperationKind::EndPrepare, [](const auto& host) { host.add_not_included("id", "/x"); },
            "add_not_included is not legal"},
        Row{OperationKind::PostCommit, [](const auto& host) { host.set_not_one_instant("x"); },
            "set_not_one_instant is not legal"},
        Row{OperationKind::Query, [](const auto& host) { host.set_mount("a", "b", "", ""); },
            "set_mount is not legal"},
        Row{OperationKind::Query, [](const auto& host) { host.unsupported("x"); },
            "set_support is not legal"},
        Row{OperationKind::IsVolumeSupported, [](const auto& host) { host.supported(7, ""); },
            "unknown way of holding"},
        Row{OperationKind::EndPrepare, [](const auto& host) { (void)host.setting("key", ""); },
            "setting is not legal"},
        Row{OperationKind::Query, [](const auto& host) { host.set_health(VSS_HEALTH_GOOD, -1, ""); },
            "set_health is not legal"},
        Row{OperationKind::CheckHealth, [](const auto& host) { host.set_health(9, -1, ""); },
            "unknown health"},
        Row{OperationKind::Remove, [](const auto& host) { host.set_location("a", "b"); },
            "set_location is not legal"},
        Row{OperationKind::BreakSnapshot, [](const auto& host) { host.set_revert(VSS_REVERT_DONE, 100, ""); },
            "set_revert is not legal"},
        Row{OperationKind::Revert, [](const auto& host) { host.set_revert(9, 0, ""); },
            "set_revert: unknown state"},
        Row{OperationKind::ResizeStorage, [](const auto& host) { host.add_storage("/", "x", 1, 1, 1); },
            "add_storage is not legal"},
        Row{OperationKind::Storage,
            [](const auto& host) {
              for (int i = 0; i < 5000; ++i) host.add_storage("/", "x", 1, 1, 1);
            },
            "add_storage too often"},
        Row{OperationKind::Revert, [](const auto& host) { host.set_data("id", "x"); },
            "set_data is not legal"}}) {
    Operation operation("test", row.kind, [&row](const vss_provider_host* host) {
      row.report(ProviderHost(host));
      return 0;
    });
    operation.run();
    ASSERT_FALSE(operation.outcome()) << row.message;
    EXPECT_EQ(operation.outcome().error().code, ErrorCode::UnexpectedProviderError);
    EXPECT_THAT(operation.outcome().error().message, HasSubstr(row.message));
  }
}

TEST(Operations, APercentageStaysInItsBounds) {
  for (const auto& [given, expected] : {std::pair(-7, -1), std::pair(0, 0), std::pair(250, 100)}) {
    Operation operation("test", OperationKind::RevertStatus, [given = given](const vss_provider_host* host) {
      ProviderHost(host).set_revert(VSS_REVERT_RUNNING, given, "");
      return 0;
    });
    operation.run();
    ASSERT_TRUE(operation.outcome());
    EXPECT_EQ(operation.reports().revert->percent, expected);
  }
}

TEST(Operations, SettingsAreGivenInLoadAndThoseNotAskedForAreNamed) {
  std::vector<std::string> got;
  Operation operation("test", OperationKind::Load, [&got](const vss_provider_host* host) {
    const ProviderHost face(host);
    got = {face.setting("here", "default"), face.setting("absent", "default"), face.setting("empty", "x")};
    return host->setting(host->context, nullptr) == nullptr ? VSS_PROVIDER_OK : VSS_PROVIDER_E_UNEXPECTED;
  });
  operation.offer({{"here", "5"}, {"empty", ""}, {"odd", "1"}, {"strange", "2"}});
  operation.run();
  ASSERT_TRUE(operation.outcome()) << operation.outcome().error().message;
  EXPECT_EQ(got, (std::vector<std::string>{"5", "default", ""}));
  EXPECT_EQ(operation.settings_unasked(), (std::vector<std::string>{"odd", "strange"}));
}

TEST(Operations, HoldRefusedIsAnAnswerOfCommitOnly) {
  for (const OperationKind kind : {OperationKind::Commit, OperationKind::PreCommit}) {
    Operation operation("test", kind, [](const vss_provider_host* host) {
      host->report_error(host->context, "EBUSY");
      return static_cast<int>(VSS_PROVIDER_E_HOLD_REFUSED);
    });
    operation.run();
    const bool legal = kind == OperationKind::Commit;
    EXPECT_EQ(operation.hold_refused(), legal);
    EXPECT_EQ(operation.outcome().error().code,
              legal ? ErrorCode::ProviderVeto : ErrorCode::UnexpectedProviderError);
    EXPECT_THAT(operation.outcome().error().message, HasSubstr("EBUSY"));
  }
}

TEST(Operations, TheLongestAllowedDataIsKept) {
  Operation operation("test", OperationKind::Commit, [](const vss_provider_host* host) {
    ProviderHost(host).set_data("id", std::string(4096, 'x'));
    return 0;
  });
  operation.run();
  ASSERT_TRUE(operation.outcome());
  EXPECT_EQ(operation.reports().data.front().second.size(), 4096U);
}

TEST(Operations, NullStringsOfAModuleAreEmpty) {
  Operation operation("test", OperationKind::MountInfo, [](const vss_provider_host* host) {
    host->set_mount(host->context, nullptr, nullptr, nullptr, nullptr);
    host->report_error(host->context, nullptr);
    host->log(host->context, 0, nullptr);
    return static_cast<int>(VSS_PROVIDER_E_UNEXPECTED);
  });
  operation.run();
  EXPECT_EQ(operation.reports().mount->source, "");
  EXPECT_THAT(operation.outcome().error().message, HasSubstr("it gave no message"));
}

}  // namespace
}  // namespace vss::provider_host
