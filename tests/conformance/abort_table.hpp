// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What raises an Abort and what does not, and what every writer is told then: vss.md 5.1 to 5.4. Three
// writers: one at each level; the one in the middle is the one that fails. What they are told is written as
// letters() has it.

#include "tests/conformance/conformance_test.hpp"

namespace vss::test {

// What the three hear and how DoSnapshotSet ends; `error` is "" for success.
struct Told {
  const char* error;
  const char* front_end;
  const char* back_end;  // the one that fails, where one does
  const char* system;
};

inline constexpr const char* kWhole = "bsFTPCS";

// A writer that fails.
struct WriterRow {
  const char* source;
  const char* event;
  enum class How { Veto, Report, Hang } how;
  Told strict;
  Told lenient;
};
using How = WriterRow::How;

inline constexpr Told kAllWhole{"", kWhole, kWhole, kWhole};

// clang-format off
inline constexpr WriterRow kWriterRows[] = {
  // Causes.
  {"vss.md 5.1 A2, veto at Freeze", "Freeze", How::Veto,
   {"WriterRetryable", "bsFAS", "bsFAS", "bsAS"}, {"", kWhole, "bsFAS", kWhole}},
  {"vss.md 5.1 A2, veto at Thaw", "Thaw", How::Veto,
   {"WriterRetryable", "bsFTAS", "bsFTAS", "bsFTAS"}, {"", kWhole, "bsFTAS", kWhole}},
  {"vss.md 5.1 A2, window exceeded in Freeze", "Freeze", How::Hang,
   {"WriterTimeout", "bsFAS", "bsFAS", "bsAS"}, {"", kWhole, "bsFAS", kWhole}},
  {"vss.md 5.1 A2, window exceeded in Thaw", "Thaw", How::Hang,
   {"WriterTimeout", "bsFTAS", "bsFTAS", "bsFTAS"}, {"", kWhole, "bsFTAS", kWhole}},
  // Not causes: a veto outside Freeze and Thaw ends the part of that writer alone.
  {"vss.md 5.1, OnIdentify false", "Identify", How::Veto, {"", kWhole, "", kWhole}, {"", kWhole, "", kWhole}},
  {"vss.md 5.1, OnPrepareBackup false", "PrepareForBackup", How::Veto,
   {"", kWhole, "bS", kWhole}, {"", kWhole, "bS", kWhole}},
  {"vss.md 5.1, OnPrepareSnapshot false", "PrepareForSnapshot", How::Veto,
   {"", kWhole, "bsS", kWhole}, {"", kWhole, "bsS", kWhole}},
  {"vss.md 5.1, OnPostSnapshot false", "PostSnapshot", How::Veto,
   {"", kWhole, "bsFTPS", kWhole}, {"", kWhole, "bsFTPS", kWhole}},
  {"vss.md 5.1, OnBackupComplete false", "BackupComplete", How::Veto, kAllWhole, kAllWhole},
  {"vss.md 5.1, OnBackupShutdown false", "BackupShutdown", How::Veto, kAllWhole, kAllWhole},
  // A failure that is reported, and true returned.
  {"vss.md 5.4, failure without veto", "PrepareForBackup", How::Report, kAllWhole, kAllWhole},
  {"vss.md 5.4, failure without veto", "PrepareForSnapshot", How::Report, kAllWhole, kAllWhole},
  {"vss.md 5.4, failure without veto", "Freeze", How::Report, kAllWhole, kAllWhole},
  {"vss.md 5.4, failure without veto", "Thaw", How::Report, kAllWhole, kAllWhole},
  {"vss.md 5.4, failure without veto", "PostSnapshot", How::Report, kAllWhole, kAllWhole},
  {"vss.md 5.4, failure without veto", "BackupComplete", How::Report, kAllWhole, kAllWhole},
  {"vss.md 5.4, failure without veto", "BackupShutdown", How::Report, kAllWhole, kAllWhole},
};

// A provider that fails; the same under both policies.
struct ProviderRow {
  const char* source;
  const char* script;
  Told told;
};
inline constexpr ProviderRow kProviderRows[] = {
  {"vss.md 5.1 A3, not BeginPrepareSnapshot", "begin_prepare fail 10 told to", {"UnexpectedProviderError", "", "", ""}},
  {"vss.md 5.1 A3, EndPrepareSnapshots", "end_prepare fail 10 told to", {"UnexpectedProviderError", "bsAS", "bsAS", "bsAS"}},
  {"vss.md 5.1 A3, PreCommitSnapshots", "pre_commit fail 10 told to", {"UnexpectedProviderError", "bsFAS", "bsFAS", "bsFAS"}},
  {"vss.md 5.1 A3, CommitSnapshots", "commit fail 10 told to", {"UnexpectedProviderError", "bsFAS", "bsFAS", "bsFAS"}},
  {"vss.md 5.1 A3, PostCommitSnapshots", "post_commit fail 10 told to", {"UnexpectedProviderError", "bsFAS", "bsFAS", "bsFAS"}},
  {"vss.md 5.1 A3, PreFinalCommitSnapshots", "pre_final_commit fail 10 told to", {"UnexpectedProviderError", "bsFTAS", "bsFTAS", "bsFTAS"}},
  {"vss.md 5.1 A3, mounting the writable snapshot", "mount_info fail 10 told to", {"UnexpectedProviderError", "bsFTAS", "bsFTAS", "bsFTAS"}},
  {"vss.md 5.1 A3 and 5.3 W4, PostFinalCommitSnapshots", "post_final_commit fail 10 told to", {"UnexpectedProviderError", "bsFTPS", "bsFTPS", "bsFTPS"}},
  // Last: the fake provider stays with what it has answered.
  {"vss.md 5.1 A3, a hold that the kernel refuses", "commit refuse-hold told to", {"ProviderVeto", "bsFAS", "bsFAS", "bsFAS"}},
};

// AbortBackup while the backup stands at a moment; the writer in the middle is the one that stops there.
struct RequesterRow {
  const char* source;
  Moment moment;
  Told told;  // the error is that of the call that ran
};
inline constexpr RequesterRow kRequesterRows[] = {
  {"vss.md 5.2 Q7", {"CreateBackup"}, {"", "", "", ""}},
  {"vss.md 5.2 Q3", {"GatherWriterMetadata"}, {"", "", "", ""}},
  {"vss.md 5.2 Q2", {"StartSnapshotSet"}, {"", "", "", ""}},
  {"vss.md 5.2 Q2", {"AddToSnapshotSet", "", "begin_prepare"}, {"Cancelled", "", "", ""}},
  {"vss.md 5.2 Q2", {"AddToSnapshotSet"}, {"", "", "", ""}},
  {"vss.md 5.1 A1 and 5.2 Q3", {"PrepareForBackup", "PrepareForBackup"}, {"Cancelled", "bAS", "bAS", "bAS"}},
  {"vss.md 5.1 A1 and 5.2 Q1", {"PrepareForBackup"}, {"", "bAS", "bAS", "bAS"}},
  {"vss.md 5.1 A1", {"DoSnapshotSet", "PrepareForSnapshot"}, {"Cancelled", "bsAS", "bsAS", "bsAS"}},
  {"vss.md 5.1 A1", {"DoSnapshotSet", "", "end_prepare"}, {"Cancelled", "bsAS", "bsAS", "bsAS"}},
  {"vss.md 5.1 A1 and 5.3 W5", {"DoSnapshotSet", "Freeze", "", 2}, {"Cancelled", "bsFAS", "bsFAS", "bsAS"}},
  {"vss.md 5.1 A1 and 5.3 W5", {"DoSnapshotSet", "", "pre_commit"}, {"Cancelled", "bsFAS", "bsFAS", "bsFAS"}},
  {"vss.md 5.1 A1 and 5.3 W5", {"DoSnapshotSet", "", "commit"}, {"Cancelled", "bsFAS", "bsFAS", "bsFAS"}},
  {"vss.md 5.1 A1 and 5.3 W5", {"DoSnapshotSet", "", "post_commit"}, {"Cancelled", "bsFAS", "bsFAS", "bsFAS"}},
  {"vss.md 5.1 A1 and 5.3 W5", {"DoSnapshotSet", "Thaw", "", 2}, {"Cancelled", "bsFAS", "bsFTAS", "bsFTAS"}},
  {"vss.md 5.1 A1", {"DoSnapshotSet", "", "pre_final_commit"}, {"Cancelled", "bsFTAS", "bsFTAS", "bsFTAS"}},
  {"vss.md 5.3 W4", {"DoSnapshotSet", "PostSnapshot"}, {"Cancelled", "bsFTPS", "bsFTPS", "bsFTPS"}},
  {"vss.md 5.3 W4", {"DoSnapshotSet", "", "post_final_commit"}, {"Cancelled", "bsFTPS", "bsFTPS", "bsFTPS"}},
  {"vss.md 5.2 Q7 and 5.3 W4", {"DoSnapshotSet"}, {"", "bsFTPS", "bsFTPS", "bsFTPS"}},
  {"vss.md 5.2 Q5", {"BackupComplete"}, {"", kWhole, kWhole, kWhole}},
};
// clang-format on

}  // namespace vss::test
