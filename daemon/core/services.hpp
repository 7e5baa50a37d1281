// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What the coordinator works with: the ports, its limits, and who is told of what happens. All outlive the
// coordinator.

#include <string>
#include <string_view>
#include <vector>

#include <asio/any_io_executor.hpp>

#include "daemon/core/async.hpp"
#include "daemon/core/document.hpp"
#include "daemon/core/hold.hpp"
#include "daemon/core/provider.hpp"
#include "daemon/core/session_state.hpp"
#include "daemon/core/snapshot_files.hpp"
#include "daemon/core/snapshot_record.hpp"
#include "daemon/core/volume.hpp"
#include "daemon/core/writer.hpp"

namespace vss::core {

// How long the coordinator waits. VSS publishes only the 60 s and the 10 s; vssd.conf can change all but
// upwards of these two.
struct Limits {
  Milliseconds identify{30'000};
  Milliseconds prepare_for_backup{600'000};
  Milliseconds prepare_for_snapshot{600'000};
  Milliseconds freeze{60'000};
  Milliseconds hold{10'000};
  Milliseconds post_snapshot{600'000};
  Milliseconds abort{30'000};
  Milliseconds backup_complete{600'000};
  Milliseconds backup_shutdown{30'000};
  Milliseconds restore{600'000};  // PreRestore, PostRestore, each
  Milliseconds flush{300'000};
  Milliseconds watch{2'000};  // between two looks at the health of the snapshots
  std::size_t sessions = 1024;
  std::size_t sessions_per_caller = 64;
  std::size_t volumes_per_set = 64;
  std::size_t documents = kMostOfDocument;  // bytes, of what all writers of a session answer to Identify
};

// Port: who is told. Implemented in daemon/bus as signals. Must not block.
class Observer {
 public:
  virtual ~Observer() = default;
  struct DeliveredEvent {
    Guid session;
    Guid set;
    const WriterInfo& writer;
    WriterEvent event;
    std::string_view outcome;  // "ok" or the short name of an error
    double duration_ms;
  };
  virtual void event_delivered(const DeliveredEvent& event) = 0;
  virtual void progress(Guid session, std::string_view phase, std::size_t done, std::size_t total,
                        std::vector<std::string> waiting_for) = 0;
  virtual void session_changed(Guid session) = 0;
  virtual void session_ended(Guid session) = 0;
  virtual void set_created(const SetRecord& set) = 0;
  virtual void set_deleted(Guid set) = 0;
  // The snapshot is at risk or lost; `seconds_left` as in HealthReport.
  virtual void snapshot_invalidated(Guid set, Guid snapshot, const HealthReport& report) = 0;
  virtual void writer_added(const WriterInfo& writer) = 0;
  virtual void writer_removed(const WriterInfo& writer) = 0;
};

// Port: the log keeps its lines in memory between begin_hold and end_hold.
class LogGate {
 public:
  virtual ~LogGate() = default;
  virtual void begin_hold() = 0;
  virtual void end_hold() = 0;
};

struct Services {
  asio::any_io_executor executor;
  Limits limits;
  VolumeFacts& volumes;
  Providers& providers;
  Holder& holder;
  Catalogue& catalogue;
  Mounter& mounter;
  SnapshotFiles& snapshot_files;
  Observer& observer;
  LogGate& log_gate;
  std::string machine;  // its name
};

}  // namespace vss::core
