// SPDX-License-Identifier: LGPL-2.1-or-later
// vssd is killed (SIGKILL) in each phase: vss.md 5.6, coordinator crash. The writers help themselves (5.3 W1,
// W5), the provider hears nothing more, and the next start leaves only what persists.

#include "tests/conformance/conformance_test.hpp"

namespace vss::test {
namespace {

struct CrashRow {
  const char* source;
  Moment moment;
  const char* told;             // to each writer, by vssd and by itself
  std::size_t catalogue;        // entries that the dead one leaves
  const char* next_start = "";  // what the provider is told to clear away by the next one
};

// clang-format off
constexpr CrashRow kCrashRows[] = {
  {"vss.md 5.6, after Init/GatherWriterMetadata", {"CreateBackup"}, "", 0},
  {"vss.md 5.6, after Init/GatherWriterMetadata", {"GatherWriterMetadata", "Identify"}, "", 0},
  {"vss.md 5.6, after Init/GatherWriterMetadata", {"GatherWriterMetadata"}, "", 0},
  {"vss.md 5.6, after StartSnapshotSet", {"StartSnapshotSet"}, "", 0},
  {"vss.md 5.6, after AddToSnapshotSet", {"AddToSnapshotSet", "", "begin_prepare"}, "", 0},
  {"vss.md 5.6, after AddToSnapshotSet", {"AddToSnapshotSet"}, "", 0},
  {"vss.md 5.6, after PrepareForBackup", {"PrepareForBackup", "PrepareForBackup"}, "bAS", 0},
  {"vss.md 5.6, after PrepareForBackup", {"PrepareForBackup"}, "bAS", 0},
  {"vss.md 5.6, before Commit", {"DoSnapshotSet", "PrepareForSnapshot"}, "bsAS", 1, "remove"},
  {"vss.md 5.6, before Commit", {"DoSnapshotSet", "", "end_prepare"}, "bsAS", 1, "remove"},
  {"vss.md 5.6, before Commit; 5.3 W5", {"DoSnapshotSet", "Freeze"}, "bsFAS", 1, "remove"},
  {"vss.md 5.6, before Commit; 5.3 W5", {"DoSnapshotSet", "", "pre_commit"}, "bsFAS", 1, "remove"},
  {"vss.md 5.6, during hold; 5.3 W5", {"DoSnapshotSet", "", "commit"}, "bsFAS", 1, "remove"},
  {"vss.md 5.6, after Commit; 5.3 W5", {"DoSnapshotSet", "", "post_commit"}, "bsFAS", 1, "remove"},
  {"vss.md 5.6, after Commit", {"DoSnapshotSet", "Thaw"}, "bsFTAS", 1, "remove"},
  {"vss.md 5.6, after Commit", {"DoSnapshotSet", "", "pre_final_commit"}, "bsFTAS", 1, "remove"},
  {"vss.md 5.6, after Commit", {"DoSnapshotSet", "", "mount_info"}, "bsFTAS", 1, "remove"},
  {"vss.md 5.6, after Commit; 5.3 W4", {"DoSnapshotSet", "PostSnapshot"}, "bsFTPS", 1, "remove"},
  {"vss.md 5.6, after Commit; 5.3 W4", {"DoSnapshotSet", "", "post_final_commit"}, "bsFTPS", 1, "remove"},
  {"vss.md 5.6, after DoSnapshotSet; 5.7", {"DoSnapshotSet"}, "bsFTPS", 1, "remove"},
  {"vss.md 5.6, after DoSnapshotSet; 5.7", {"BackupComplete", "BackupComplete"}, "bsFTPCS", 1, "remove"},
  {"vss.md 5.6, after BackupComplete; 5.7", {"BackupComplete"}, "bsFTPCS", 1, "remove"},
};
// clang-format on

class CoordinatorCrash : public OnBothFaces {
 protected:
  void SetUp() override {
    start();
    for (const char* name : {"a", "b", "c"}) add_writer(name);
  }

  // Kills vssd at the moment; returns when the writers have heard all that they will, and vssd runs again.
  void crash_at(const CrashRow& row, const std::string& context) {
    Requester::Plan way = plan();
    way.context = context;
    Requester requester;
    std::optional<PendingCall> running = bring_to(requester, row.moment, way);
    const std::string set = requester.property("SnapshotSetId");
    vssd().kill9();
    const std::size_t asked = provider_log().size();
    EXPECT_EQ(catalogue_entries(), row.catalogue) << "a set is recorded before its first snapshot exists";
    let_go();
    if (running) {
      EXPECT_NE(name_of(running->result()), "");
    }
    if (*row.told != '\0') {
      ASSERT_TRUE(log_.wait_for("BackupShutdown", writers_.size()));
    }
    for (const auto& writer : writers_) {
      EXPECT_TRUE(wait_until([&] { return !writer->is_registered(); }, std::chrono::seconds(10)));
      EXPECT_EQ(told(writer->name()), row.told) << writer->name();
    }
    for (const LoggedEvent& event : log_.all()) {
      if (event.event == "BackupShutdown") {
        EXPECT_EQ(event.set, set) << "5.5 S6: the set that the writer last heard of";
      }
    }
    EXPECT_EQ(provider_log().size(), asked) << "a dead coordinator asks for nothing";
    vssd().restart();
    const std::vector<std::string> operations = provider_operations();
    if (!survives(row, context)) {
      EXPECT_EQ(operations.size() > asked ? operations.back() : "", row.next_start);
    }
    EXPECT_TRUE(wait_for_writers(writers_.size()));
  }

  // 5.7: what DoSnapshotSet has finished in a persistent context.
  static bool survives(const CrashRow& row, const std::string& context) {
    const std::string last = row.moment.last;
    const bool made = last == "BackupComplete" ||
                      (last == "DoSnapshotSet" && *row.moment.event == '\0' && *row.moment.operation == '\0');
    return context == "app-rollback" && made;
  }

  void walk(const std::string& context) {
    for (const CrashRow& row : kCrashRows) {
      SCOPED_TRACE(row.source);
      SCOPED_TRACE(std::string(row.moment.last) + " " + row.moment.event + row.moment.operation);
      crash_at(row, context);
      if (survives(row, context)) {
        EXPECT_EQ(provider_snapshots(), 1U);
        Requester admin;
        const auto kept = admin.manager<Dicts>("ListSnapshots", Dict{});
        ASSERT_TRUE(kept);
        ASSERT_EQ(kept->size(), 1U);
        EXPECT_EQ(name_of(admin.manager("DeleteSnapshots", std::string("set"),
                                        get<std::string>(kept->front(), "set_id"), false)),
                  "");
      }
      expect_nothing_left();
      for (const auto& writer : writers_) {
        EXPECT_EQ(told(writer->name()), row.told) << "nothing more of a session of the dead one";
      }
      end_row();
    }
    expect_next_backup_works();
    end_row();
  }
};

TEST_P(CoordinatorCrash, InAContextThatReleasesItsSets) { walk("backup"); }
TEST_P(CoordinatorCrash, InAContextThatKeepsThem) { walk("app-rollback"); }

VSS_ON_BOTH_FACES(CoordinatorCrash);

}  // namespace
}  // namespace vss::test
