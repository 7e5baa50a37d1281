// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/conformance/conformance_test.hpp"

#include <algorithm>

namespace vss::test {
namespace {

// The calls of a backup; run_until() stops before the one it is given.
constexpr const char* kCalls[] = {"SetContext",       "SetBackupState",   "GatherWriterMetadata",
                                  "StartSnapshotSet", "AddToSnapshotSet", "PrepareForBackup",
                                  "DoSnapshotSet"};

// The call that stops when its event or operation does.
std::string call_after(const std::string& last) {
  const auto* const at = std::ranges::find(kCalls, last);
  if (last == "CreateBackup") return kCalls[0];
  return at == std::end(kCalls) || at + 1 == std::end(kCalls) ? "" : *(at + 1);
}

}  // namespace

void ConformanceTest::TearDown() {
  let_go();
  for (const auto& writer : writers_) writer->stop();
  EXPECT_THAT(broken_rules(log_.all()), ::testing::IsEmpty());
}

void ConformanceTest::end_row() {
  EXPECT_TRUE(wait_for_no_session());
  EXPECT_THAT(broken_rules(log_.all()), ::testing::IsEmpty());
  log_.clear();
}

void ConformanceTest::let_go() {
  script("");
  for (const auto& writer : writers_) {
    if (!stopped_in_.empty()) writer->on(stopped_in_, Reaction::ok());
    writer->unblock();
  }
  stopped_in_.clear();
}

std::optional<PendingCall> ConformanceTest::bring_to(Requester& requester, const Moment& moment,
                                                     const Requester::Plan& plan, const std::string& stops) {
  const std::string last = moment.last;
  const bool in_event = *moment.event != '\0';
  const bool in_operation = *moment.operation != '\0';
  const bool answered = !in_event && !in_operation;
  const bool complete = last == "BackupComplete";
  const std::string before_this = complete ? "" : answered ? call_after(last) : last;
  const Reply<> there = requester.run_until(plan, before_this);
  EXPECT_TRUE(there) << there.error().message;
  if (answered) {
    if (complete) {
      EXPECT_EQ(name_of(requester.backup("BackupComplete")), "");
    }
    return std::nullopt;
  }
  const std::size_t before = provider_log().size();
  const std::size_t told = log_.count(moment.event) + (moment.told == 0 ? writers_.size() : moment.told);
  stopped_in_ = moment.event;
  for (const auto& writer : writers_) {
    if (in_event && (stops.empty() || stops == writer->name())) writer->on(moment.event, Reaction::block());
  }
  if (in_operation) script(std::string(moment.operation) + " hang\n");
  PendingCall call = last == "AddToSnapshotSet" ? requester.begin(last, plan.volumes.front(), plan.provider)
                                                : requester.begin(last);
  EXPECT_TRUE(wait_until(
      [&] {
        if (in_event) return log_.count(moment.event) >= told;
        const std::vector<std::string> operations = provider_operations();
        return operations.size() > before && operations.back() == moment.operation;
      },
      std::chrono::seconds(20)))
      << moment.last << " " << moment.event << moment.operation;
  return call;
}

Dict ConformanceTest::status_of(Requester& requester, const std::string& writer) {
  const auto all = requester.backup<Dicts>("GatherWriterStatus");
  EXPECT_TRUE(all);
  if (!all) return {};
  const auto at = std::ranges::find_if(
      *all, [&](const Dict& status) { return get<std::string>(status, "name") == writer; });
  return at == all->end() ? Dict{} : *at;
}

std::string ConformanceTest::instance_of(const Dicts& metadata, const std::string& writer) {
  for (const Dict& one : metadata) {
    if (get<std::string>(one, "name") == writer) return get<std::string>(one, "instance_id");
  }
  return "";
}

void ConformanceTest::select(Requester& requester, const std::vector<std::string>& writers,
                             const Dict& options, bool partial_files) {
  ASSERT_TRUE(requester.create_backup(options));
  ASSERT_TRUE(requester.backup("SetBackupState", true, false, std::string("full"), partial_files));
  const auto metadata = requester.backup<Dicts>("GatherWriterMetadata");
  ASSERT_TRUE(metadata);
  for (const std::string& writer : writers) {
    const Reply<> added =
        requester.backup("AddComponent", instance_of(*metadata, writer), std::string(), std::string("data"));
    ASSERT_TRUE(added) << added.error().message;
  }
}

std::string ConformanceTest::document_of_backup(const std::vector<std::string>& writers) {
  Requester requester;
  select(requester, writers);
  EXPECT_EQ(name_of(requester.backup("StartSnapshotSet")), "");
  EXPECT_EQ(name_of(requester.backup("AddToSnapshotSet", volume(), std::string("fake"))), "");
  for (const char* method : {"PrepareForBackup", "DoSnapshotSet", "BackupComplete"})
    EXPECT_EQ(name_of(requester.backup(method)), "") << method;
  const auto document = requester.backup<std::string>("SaveDocument");
  EXPECT_EQ(name_of(document), "");
  EXPECT_EQ(name_of(requester.backup("Release")), "");
  return HasFailure() ? "" : document.value_or("");
}

bool ConformanceTest::wait_for_writers(std::size_t count) {
  return wait_until(
      [&] {
        Requester requester;
        const auto writers = requester.manager<Dicts>("ListWriters");
        return writers && writers->size() == count;
      },
      std::chrono::seconds(30));
}

}  // namespace vss::test
