// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The rules of the event order, for all sessions of one writer. Pure: no threads, no clock, no bus. Whoever
// uses it calls it from one thread, so the first of Thaw, Abort, expiry and loss wins and the others see it.

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "writer-sdk/src/event.hpp"

namespace vss {

using TimePoint = std::chrono::steady_clock::time_point;

// The last event that was accepted. Aborted: the handler of Abort ran or is about to.
enum class Phase : std::uint8_t {
  None,
  Prepared,
  Waiting,
  Frozen,
  Thawed,
  Final,
  Complete,
  Aborted,
  PreRestored,
  PostRestored
};
inline constexpr std::size_t kPhaseCount = 10;

// What an event means in a phase. Run: call the handler. Ignore: answer success, call nothing. Late: the
// writer has aborted by itself, say so. Wrong: an error.
enum class Verdict : std::uint8_t { Run, Ignore, Late, Wrong };

// One line per event, one column per phase. A session is a backup or a restore; a restore has no Abort.
inline constexpr std::array<std::array<Verdict, kPhaseCount>, kEventCount> kVerdicts = [] {
  constexpr Verdict R = Verdict::Run;
  constexpr Verdict I = Verdict::Ignore;
  constexpr Verdict L = Verdict::Late;
  constexpr Verdict W = Verdict::Wrong;
  return std::array<std::array<Verdict, kPhaseCount>, kEventCount>{{
      // clang-format off
      //                         None Prep Wait Froz Thaw Finl Cmpl Abrt PreR PostR
      /* PrepareForBackup   */ {{R,   W,   W,   W,   W,   W,   W,   W,   W,   W}},
      /* PrepareForSnapshot */ {{W,   R,   W,   W,   W,   W,   W,   L,   W,   W}},
      /* Freeze             */ {{W,   W,   R,   W,   W,   W,   W,   L,   W,   W}},
      /* Thaw               */ {{W,   W,   W,   R,   W,   W,   W,   L,   W,   W}},
      /* PostSnapshot       */ {{W,   W,   W,   W,   R,   W,   W,   L,   W,   W}},
      /* Abort              */ {{W,   R,   R,   R,   R,   I,   I,   I,   W,   W}},
      /* BackupComplete     */ {{W,   R,   W,   W,   W,   R,   W,   L,   W,   W}},
      /* BackupShutdown     */ {{W,   R,   R,   R,   R,   R,   R,   R,   W,   W}},
      /* PreRestore         */ {{R,   W,   W,   W,   W,   W,   W,   W,   W,   W}},
      /* PostRestore        */ {{W,   W,   W,   W,   W,   W,   W,   W,   R,   W}},
      /* RestoreShutdown    */ {{W,   W,   W,   W,   W,   W,   W,   W,   R,   R}},
      // clang-format on
  }};
}();

class SessionTable {
 public:
  // What a session was told so far; handed to the handlers.
  struct Session {
    std::string id;
    std::string set{kNullGuid};
    EventArgs known;
    Phase phase = Phase::None;
    Event shutdown = Event::BackupShutdown;  // the event that ends it
    TimePoint deadline{};                    // Frozen only
    std::string abort_cause;                 // not empty: the writer aborted by itself
    // Set with Phase::Aborted: handlers that have not begun need not begin. Any thread may read it.
    std::shared_ptr<std::atomic<bool>> given_up = std::make_shared<std::atomic<bool>>(false);
  };

  struct Arrival {
    Verdict verdict;
    Answer refusal;            // Late, Wrong
    Session session;           // Run
    bool abort_first = false;  // Run of BackupShutdown while frozen: Abort comes before it
  };

  // An event has arrived. `freeze_limit` is the writer's own limit; the window that vssd gives may shorten
  // it.
  [[nodiscard]] Arrival arrive(Event event, const std::string& session, const std::string& set,
                               EventArgs args, TimePoint now, std::chrono::milliseconds freeze_limit);

  // The sessions whose freeze has lasted too long. They are aborted now: the caller runs the handler of
  // Abort.
  [[nodiscard]] std::vector<Session> expire(TimePoint now);
  // When expire() has something to do next.
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;

  // vssd is gone: all sessions end. Phase Aborted in the result: the handler of Abort is still to be run; all
  // of them get the event that ends them.
  [[nodiscard]] std::vector<Session> end_all(const std::string& cause);

  // What the answer to a Freeze must be whose handler has said yes: a refusal if the writer aborted
  // meanwhile.
  [[nodiscard]] std::optional<Answer> aborted_meanwhile(const std::string& session) const;

  // A handler that saw `before` has made `after` of it, for later events that do not tell of the components.
  // What vssd has said meanwhile stays.
  void remember(const std::string& session, const doc::SharedComponents& before,
                const doc::SharedComponents& after);

  [[nodiscard]] bool empty() const { return sessions_.empty(); }

 private:
  std::map<std::string, Session> sessions_;
};

}  // namespace vss
