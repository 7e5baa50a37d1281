// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/exit_codes.hpp"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "daemon/cli/failure.hpp"

namespace vss::cli {
namespace {

// What the manual promises; an error that is not here is General.
const std::map<ErrorCode, ExitCode> kPromised = {
    {ErrorCode::InvalidArgument, ExitCode::Usage},
    {ErrorCode::AccessDenied, ExitCode::NotAuthorised},
    {ErrorCode::ObjectNotFound, ExitCode::NotFound},
    {ErrorCode::ProviderNotRegistered, ExitCode::NotFound},
    {ErrorCode::SnapshotNotInSet, ExitCode::NotFound},
    {ErrorCode::UnexpectedWriterError, ExitCode::WriterFailed},
    {ErrorCode::WriterInfrastructure, ExitCode::WriterFailed},
    {ErrorCode::WriterAlreadySubscribed, ExitCode::WriterFailed},
    {ErrorCode::WriterStatusNotAvailable, ExitCode::WriterFailed},
    {ErrorCode::WriterPartialFailure, ExitCode::WriterFailed},
    {ErrorCode::WriterInconsistentSnapshot, ExitCode::WriterFailed},
    {ErrorCode::WriterNonRetryable, ExitCode::WriterFailed},
    {ErrorCode::WriterRecoveryFailed, ExitCode::WriterFailed},
    {ErrorCode::NotSupported, ExitCode::NotSupported},
    {ErrorCode::UnsupportedContext, ExitCode::NotSupported},
    {ErrorCode::VolumeNotSupported, ExitCode::NotSupported},
    {ErrorCode::VolumeNotSupportedByProvider, ExitCode::NotSupported},
    {ErrorCode::ConsistencyNotReached, ExitCode::NotSupported},
    {ErrorCode::UnselectedVolume, ExitCode::WriterFailed},
    {ErrorCode::SelectionIncomplete, ExitCode::WriterFailed},
};

TEST(ExitCodes, EachErrorHasTheCodeOfItsClass) {
  for (const ErrorCode code : {
#define VSS_ERROR(name, vss_code, text) ErrorCode::name,
#include "dbus/error_names.def"
#undef VSS_ERROR
       }) {
    const auto promised = kPromised.find(code);
    const ExitCode expected = is_transient(code)            ? ExitCode::Transient
                              : promised != kPromised.end() ? promised->second
                                                            : ExitCode::General;
    EXPECT_EQ(exit_code(code), expected) << to_string(code);
  }
}

TEST(ExitCodes, ErrorsOfTheBusHaveTheirClass) {
  const std::map<std::string, ExitCode> table = {
      {"org.freedesktop.DBus.Error.ServiceUnknown", ExitCode::Unreachable},
      {"org.freedesktop.DBus.Error.NoReply", ExitCode::Unreachable},
      {"org.freedesktop.DBus.Error.Spawn.ChildExited", ExitCode::Unreachable},
      {"org.freedesktop.DBus.Error.AccessDenied", ExitCode::NotAuthorised},
      {"org.freedesktop.DBus.Error.UnknownMethod", ExitCode::General},
      {"org.vssd.Vss1.Error.BadState", ExitCode::General},
  };
  for (const auto& [name, expected] : table) {
    EXPECT_EQ(failure_from_bus(name, "m", "w").exit_status(), static_cast<int>(expected)) << name;
  }
}

TEST(Failure, SaysWhatFailedWhyAndUnderWhichNames) {
  const Failure ours(ErrorCode::BadState, "DoSnapshotSet", "PrepareForBackup is missing");
  EXPECT_EQ(ours.line(), "DoSnapshotSet: PrepareForBackup is missing (BadState, VSS 0x80042301)");
  EXPECT_EQ(ours.json()["error"]["vss_code"], "0x80042301");
  const Failure foreign = failure_from_bus("org.freedesktop.DBus.Error.UnknownMethod", "no", "status");
  EXPECT_EQ(foreign.line(), "status: no (org.freedesktop.DBus.Error.UnknownMethod)");
  EXPECT_TRUE(foreign.json()["error"]["vss_code"].is_null());
  EXPECT_EQ(failure_from_bus("org.vssd.Vss1.Error.BadState", "", "w").line(),
            "w: the call is not legal in the present state (BadState, VSS 0x80042301)");
}

}  // namespace
}  // namespace vss::cli
