// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The log of vssd. While volumes are held nothing may be written anywhere: the journal, or the disk below it,
// may be what is held. Lines logged meanwhile stay in memory and are written afterwards.

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include "daemon/core/services.hpp"

namespace vss::system {

// A sink in front of another one. Any thread.
class DeferredSink final : public spdlog::sinks::base_sink<std::mutex>, public core::LogGate {
 public:
  // `capacity`: the lines that are kept; when there are more, the oldest go, and how many is logged.
  explicit DeferredSink(std::shared_ptr<spdlog::sinks::sink> target, std::size_t capacity = 4096);

  // Calls nest: lines are kept until each begin_hold has had its end_hold.
  void begin_hold() override;
  // The last one writes all that was kept, in order, with its own times.
  void end_hold() override;

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override;
  void set_formatter_(std::unique_ptr<spdlog::formatter> formatter) override;

 private:
  // Of a fixed size, so that keeping a line needs no memory. What is longer is cut.
  struct Line {
    spdlog::log_clock::time_point time;
    spdlog::level::level_enum level = spdlog::level::off;
    std::uint16_t length = 0;
    std::array<char, 480> text;
  };
  void keep(const spdlog::details::log_msg& message);
  void write_kept();
  void write_dropped();

  std::shared_ptr<spdlog::sinks::sink> target_;
  std::vector<Line> lines_;  // a ring; next_ is where the next line goes
  std::size_t next_ = 0;
  std::size_t kept_ = 0;
  std::uint64_t dropped_ = 0;
  unsigned holds_ = 0;
};

// Makes the default logger of spdlog write to standard error through a DeferredSink: with the priorities of
// sd-daemon(3) if that is the journal and not `foreground`, as plain text with times otherwise.
std::shared_ptr<DeferredSink> install_log(spdlog::level::level_enum level, bool foreground);

// How a line looks there. Control characters of a message become '?': one message is one line.
enum class LogStyle : std::uint8_t { Plain, Journal };
[[nodiscard]] std::unique_ptr<spdlog::formatter> log_formatter(LogStyle style);

}  // namespace vss::system
