// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Exit codes of vssctl: one per class of error, so that a script can decide without parsing a message.

#include <cstdint>

#include "dbus/error_names.hpp"

namespace vss::cli {

enum class ExitCode : std::uint8_t {
  Ok = 0,
  General = 1,
  Usage = 2,      // the command line, or an argument that vssd refuses as malformed
  Transient = 3,  // the whole operation may be tried again
  NotAuthorised = 4,
  NotFound = 5,
  WriterFailed = 6,  // and trying again will not help: a failure that may pass is Transient
  NotSupported = 7,  // volume or provider not supported, or the consistency cannot be reached
  Unreachable = 8,   // no bus, or no vssd on it
  SetLost = 75,      // run: vssd went away while the command ran (EX_TEMPFAIL)
};

// A process ended by signal n is reported as 128 + n, as shells do.
inline constexpr int kSignalBase = 128;

[[nodiscard]] constexpr ExitCode exit_code(ErrorCode code) noexcept {
  if (is_transient(code)) return ExitCode::Transient;
  switch (code) {
    case ErrorCode::InvalidArgument:
      return ExitCode::Usage;
    case ErrorCode::AccessDenied:
      return ExitCode::NotAuthorised;
    case ErrorCode::ObjectNotFound:
    case ErrorCode::ProviderNotRegistered:
    case ErrorCode::SnapshotNotInSet:
      return ExitCode::NotFound;
    case ErrorCode::UnexpectedWriterError:
    case ErrorCode::WriterInfrastructure:
    case ErrorCode::WriterNotResponding:
    case ErrorCode::WriterAlreadySubscribed:
    case ErrorCode::WriterStatusNotAvailable:
    case ErrorCode::WriterPartialFailure:
    case ErrorCode::WriterInconsistentSnapshot:
    case ErrorCode::WriterOutOfResources:
    case ErrorCode::WriterTimeout:
    case ErrorCode::WriterRetryable:
    case ErrorCode::WriterNonRetryable:
    case ErrorCode::WriterRecoveryFailed:
    case ErrorCode::UnselectedVolume:
    case ErrorCode::SelectionIncomplete:
      return ExitCode::WriterFailed;
    case ErrorCode::NotSupported:
    case ErrorCode::UnsupportedContext:
    case ErrorCode::VolumeNotSupported:
    case ErrorCode::VolumeNotSupportedByProvider:
    case ErrorCode::ConsistencyNotReached:
      return ExitCode::NotSupported;
    case ErrorCode::BadState:
    case ErrorCode::Unexpected:
    case ErrorCode::OutOfMemory:
    case ErrorCode::Cancelled:
    case ErrorCode::ObjectAlreadyExists:
    case ErrorCode::InvalidDocument:
    case ErrorCode::ProviderVeto:
    case ErrorCode::ProviderInUse:
    case ErrorCode::UnexpectedProviderError:
    case ErrorCode::VolumeInUse:
    case ErrorCode::RevertInProgress:
    case ErrorCode::MaximumNumberOfVolumesReached:
    case ErrorCode::MaximumNumberOfSnapshotsReached:
    case ErrorCode::InsufficientStorage:
    case ErrorCode::SnapshotSetInProgress:
    case ErrorCode::FlushWritesTimeout:
    case ErrorCode::HoldWritesTimeout:
      return ExitCode::General;
  }
  return ExitCode::General;
}

}  // namespace vss::cli
