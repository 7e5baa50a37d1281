// SPDX-License-Identifier: LGPL-2.1-or-later
// The check that follows every test of the suite sees what it is there to see.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/conformance/event_order.hpp"

namespace vss::test {
namespace {

struct OrderRow {
  const char* source;
  std::vector<std::string> events;
  bool good;
};
const OrderRow kOrderRows[] = {
    {"vss.md 1.2 B0-B26",
     {"PrepareForBackup", "PrepareForSnapshot", "Freeze", "Thaw", "PostSnapshot", "BackupComplete",
      "BackupShutdown"},
     true},
    {"vss.md 1.2 notes, no snapshot", {"PrepareForBackup", "BackupComplete", "BackupShutdown"}, true},
    {"vss.md 1.5", {"PreRestore", "PostRestore", "RestoreShutdown"}, true},
    {"vss.md 5.1 A2", {"PrepareForBackup", "PrepareForSnapshot", "Freeze", "Abort", "BackupShutdown"}, true},
    {"vss.md 5.1 A3", {"PrepareForBackup", "PrepareForSnapshot", "Freeze", "Thaw", "Abort"}, true},
    {"vss.md 5.3 W5", {"PrepareForBackup", "PrepareForSnapshot", "Freeze", "BackupShutdown"}, false},
    {"vss.md 5.3 W5", {"PrepareForBackup", "PrepareForSnapshot", "Freeze"}, false},
    {"vss.md 5.3 W5", {"PrepareForBackup", "PrepareForSnapshot", "Thaw", "BackupShutdown"}, false},
    {"vss.md 5.3 W3",
     {"PrepareForBackup", "PrepareForSnapshot", "Freeze", "Abort", "Thaw", "BackupShutdown"},
     false},
    {"vss.md 5.3 W3", {"PrepareForBackup", "Abort", "Abort", "BackupShutdown"}, false},
    {"vss.md 5.3 W4",
     {"PrepareForBackup", "PrepareForSnapshot", "Freeze", "Thaw", "PostSnapshot", "Abort"},
     false},
    {"vss.md 5.5 S1", {"PrepareForBackup", "BackupShutdown", "BackupShutdown"}, false},
    {"vss.md 5.5 S2", {"PrepareForBackup", "BackupShutdown", "BackupComplete"}, false},
    {"vss.md 5.1, not causes", {"PreRestore", "Abort"}, false},
};

TEST(EventOrder, ABrokenOrderIsSeenAndAGoodOneIsNot) {
  for (const OrderRow& row : kOrderRows) {
    SCOPED_TRACE(row.source);
    std::vector<LoggedEvent> log{{"writer", "Identify", "", "", "", {}}};
    for (const std::string& event : row.events) log.push_back({"writer", event, "session", "", "", {}});
    EXPECT_EQ(broken_rules(log).empty(), row.good) << ::testing::PrintToString(broken_rules(log));
  }
}

TEST(EventOrder, SessionsAndWritersAreToldApart) {
  const auto one = [](const char* writer, const char* session, const char* event) {
    return LoggedEvent{writer, event, session, "", "", {}};
  };
  EXPECT_THAT(broken_rules({one("a", "1", "Freeze"), one("a", "2", "Freeze"), one("b", "1", "Freeze"),
                            one("a", "2", "Thaw"), one("b", "1", "Abort"), one("a", "1", "Thaw")}),
              ::testing::IsEmpty());
  EXPECT_EQ(broken_rules({one("a", "1", "Freeze"), one("a", "2", "Thaw"), one("b", "1", "Thaw")}).size(), 3U);
}

}  // namespace
}  // namespace vss::test
