// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A writer without its bus: the rules of the session table, the freeze timers and the handlers behind them.
// Thread rule: the loop thread only; the handlers themselves run where the queue runs them.

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include "writer-sdk/include/vss/writer.h"
#include "writer-sdk/src/handler_queue.hpp"
#include "writer-sdk/src/metadata.hpp"
#include "writer-sdk/src/session_table.hpp"

namespace vss {

class Engine {
 public:
  // `wake` is called on the handler thread when deliver() has something to do.
  Engine(WriterConfig config, const vss_writer_callbacks& callbacks, void* user, std::function<void()> wake)
      : config_(std::move(config)), callbacks_(callbacks), user_(user), queue_(std::move(wake)) {}

  [[nodiscard]] const WriterConfig& config() const { return config_; }
  [[nodiscard]] HandlerQueue& queue() { return queue_; }
  [[nodiscard]] const HandlerQueue& queue() const { return queue_; }

  void identify(Reply reply);
  void event(Event event, const std::string& session, const std::string& set, EventArgs args, TimePoint now,
             Reply reply);
  void state_changed(vss_writer_state state, std::string message);

  // Aborts what has been frozen too long.
  void expire(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const { return table_.next_deadline(); }
  // vssd is gone or the writer stops: Abort where it is due, BackupShutdown or RestoreShutdown, for every
  // session.
  void end_all(const std::string& cause);

  // Handlers may look whether the writer is about to stop. Any thread.
  void announce_stop() { stopping_ = true; }

  // Hands out the answers of handlers that have returned.
  void deliver();

 private:
  void run(Event event, SessionTable::Session session, Reply reply);

  WriterConfig config_;
  vss_writer_callbacks callbacks_;
  void* user_;
  std::atomic<bool> stopping_ = false;
  SessionTable table_;
  HandlerQueue queue_;
};

}  // namespace vss
