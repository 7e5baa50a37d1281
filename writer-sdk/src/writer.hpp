// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// vss_writer: engine, way to vssd and loop together.

#include <atomic>
#include <string>
#include <thread>

#include "writer-sdk/include/vss/writer.h"
#include "writer-sdk/src/bus_link.hpp"
#include "writer-sdk/src/engine.hpp"
#include "writer-sdk/src/event_loop.hpp"

// Made and used through writer.h; throws only in the constructor and in start().
struct vss_writer {
 public:
  vss_writer(vss::WriterConfig config, const vss_writer_callbacks& callbacks, void* user);
  ~vss_writer();
  vss_writer(const vss_writer&) = delete;
  vss_writer& operator=(const vss_writer&) = delete;

  int start();
  int stop();
  int dispatch();
  [[nodiscard]] int fd() const;
  [[nodiscard]] bool in_handler() const { return engine_.queue().on_handler_thread(); }

 private:
  enum class State : unsigned char { Created, Running, Stopped };

  [[nodiscard]] bool host_loop() const { return (engine_.config().flags & VSS_WRITER_HOST_LOOP) != 0; }
  void work();
  void turn();
  void arm();
  void finish();

  vss::EventLoop loop_;
  vss::Engine engine_;
  vss::BusLink link_;
  State state_ = State::Created;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};
