// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A scripted vssd on a private bus: it writes down what is called and answers as told. One Backup object.

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "tests/support/sdbus_compat.hpp"

namespace vss::test {

using Dict = std::map<std::string, sdbus::Variant>;

struct Script {
  std::map<std::string, std::string> errors;   // method -> short name of the error that it answers
  std::set<std::string> hang;                  // methods that answer Cancelled, once Cancel is called
  std::map<std::string, std::string> volumes;  // path asked for -> root of its volume
  std::set<std::string> missing;               // paths that are ObjectNotFound
  std::vector<Dict> writers;                   // GatherWriterMetadata
  std::vector<Dict> status;                    // GatherWriterStatus
  std::vector<Dict> status_after_complete;     // the same after BackupComplete; empty: no change
  std::vector<Dict> snapshots;                 // ListSnapshots, DoSnapshotSet
  std::vector<std::string> warnings;           // DoSnapshotSet
  std::vector<Dict> failures;                  // ListWriterFailures
  std::string document = "{}";                 // SaveDocument
};

// Puts the calls of all objects into one order. Any thread.
class CallLog {
 public:
  void add(std::string call);
  [[nodiscard]] std::vector<std::string> all() const;
  void clear();
  // False if `call` has not come within ten seconds.
  [[nodiscard]] bool wait_for(const std::string& call) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<std::string> calls_;
};

class FakeManager;

// DBUS_SYSTEM_BUS_ADDRESS names the bus. Its end is the death of the service.
class FakeVssd {
 public:
  FakeVssd(Script script, CallLog& log);
  ~FakeVssd();
  FakeVssd(const FakeVssd&) = delete;
  FakeVssd& operator=(const FakeVssd&) = delete;

  void emit_event(const std::string& writer, const std::string& event);

 private:
  std::unique_ptr<sdbus::IConnection> connection_;
  std::unique_ptr<FakeManager> manager_;
};

// A writer's entry in GatherWriterMetadata with one component, "data", with these paths.
[[nodiscard]] Dict writer_with_files(const std::string& name, const std::vector<std::string>& paths);
// Its entry in GatherWriterStatus.
[[nodiscard]] Dict writer_status(const std::string& name, const std::string& state,
                                 const std::string& failure = "", const std::string& message = "");
// An entry in ListWriterFailures.
[[nodiscard]] Dict failure_of(const std::string& name, const std::string& event, const std::string& message);
[[nodiscard]] Dict snapshot_of(const std::string& volume, const std::string& path);

inline constexpr const char* kSetId = "11111111-2222-4333-8444-555555555555";

}  // namespace vss::test
