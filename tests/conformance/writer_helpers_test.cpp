// SPDX-License-Identifier: LGPL-2.1-or-later
// The rows of writer_helpers.hpp, each tried in every event of real operations.

#include "tests/conformance/writer_helpers.hpp"

#include <map>
#include <mutex>
#include <thread>

#include "tests/conformance/conformance_test.hpp"

namespace vss::test {
namespace {

class WriterHelpers : public OnBothFaces {
 protected:
  using Outcomes = std::map<std::pair<std::string, std::string>, int>;  // event and helper to vss_status

  void add_trying_writer(std::function<void(const HandlerCall&)> in_handler) {
    start();
    ScriptedWriter::Setup setup;
    setup.data = volume();
    setup.in_handler = std::move(in_handler);
    add_writer("writer", std::move(setup));
  }
  static int status_of_call(const HelperRow& row, const HandlerCall& call) {
    if (call.c != nullptr) return row.c(call.c);
    try {
      row.cpp(*call.cpp);
      return VSS_OK;
    } catch (const Error& error) {
      return error.code();
    }
  }

  // A whole backup, its document, one that is aborted, and a restore: every event there is.
  void run_every_event() {
    std::string document;
    for (const bool abort : {false, true}) {
      Requester requester;
      select(requester, {"writer"}, {}, true);
      ASSERT_TRUE(requester.backup("StartSnapshotSet"));
      ASSERT_TRUE(requester.backup("AddToSnapshotSet", volume(), std::string("fake")));
      ASSERT_TRUE(requester.backup("PrepareForBackup"));
      if (abort) {
        ASSERT_TRUE(requester.backup("AbortBackup"));
      } else {
        const Reply<> made = requester.backup("DoSnapshotSet");
        ASSERT_TRUE(made) << made.error().message;
        ASSERT_TRUE(requester.backup("BackupComplete"));
        document = requester.backup<std::string>("SaveDocument").value();
      }
      ASSERT_TRUE(requester.backup("Release"));
    }
    Requester requester;
    ASSERT_TRUE(requester.create_restore(document));
    ASSERT_TRUE(requester.restore("GatherWriterMetadata"));
    ASSERT_TRUE(requester.restore("SetSelectedForRestore", class_id_of("writer"), std::string(),
                                  std::string(), std::string("data"), true, std::string()));
    EXPECT_EQ(name_of(requester.restore("PreRestore")), "");
    EXPECT_EQ(name_of(requester.restore("PostRestore")), "");
    EXPECT_EQ(name_of(requester.restore("Release")), "");
    for (const char* event : kHelperEvents) EXPECT_GE(log_.count(event), 1U) << event;
  }

  std::mutex mutex_;
  Outcomes outcomes_;
};

TEST_P(WriterHelpers, AreLegalInTheEventsOfTheTableAndBadStateInAllOthers) {
  add_trying_writer([this](const HandlerCall& call) {
    if (call.told.event == "Identify") return;
    const std::lock_guard lock(mutex_);
    for (const HelperRow& row : kHelperRows) {
      outcomes_[{call.told.event, row.name}] = status_of_call(row, call);
    }
  });
  run_every_event();
  const std::lock_guard lock(mutex_);
  for (const HelperRow& row : kHelperRows) {
    SCOPED_TRACE(row.source);
    for (std::size_t i = 0; i < std::size(kHelperEvents); ++i) {
      const int status = outcomes_.at({kHelperEvents[i], row.name});
      if (row.cells[i] == 'X') {
        EXPECT_GE(status, VSS_OK) << row.name << " in " << kHelperEvents[i];
      } else {
        EXPECT_EQ(status, VSS_ERR_BAD_STATE) << row.name << " in " << kHelperEvents[i];
      }
    }
  }
}

// vss.md 3.3, thread rule: what says something about the writer is legal on the handler's thread only.
TEST_P(WriterHelpers, WhatSaysSomethingIsLegalOnTheThreadOfTheHandlerOnly) {
  SCOPED_TRACE("vss.md 3.3, thread rule");
  add_trying_writer([this](const HandlerCall& call) {
    if (call.told.event == "Identify") return;
    const std::lock_guard lock(mutex_);
    std::thread([&] {
      for (const HelperRow& row : kHelperRows) {
        const std::string name = row.name;
        if (name == "fail" || name == "component_fail" || name.starts_with("set_") ||
            name.starts_with("add_"))
          outcomes_[{call.told.event, name}] = status_of_call(row, call);
      }
    }).join();
  });
  run_every_event();
  const std::lock_guard lock(mutex_);
  EXPECT_EQ(outcomes_.size(), 13 * std::size(kHelperEvents));
  for (const auto& [where, status] : outcomes_) {
    EXPECT_EQ(status, VSS_ERR_BAD_STATE) << where.second << " in " << where.first;
  }
}

VSS_ON_BOTH_FACES(WriterHelpers);

}  // namespace
}  // namespace vss::test
