// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The state of one hold window in vssd. It lives until the window is over for good, whoever still waits for
// it: its own coroutines keep it. Thread rule: the coordinator's thread only.

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include "daemon/core/async.hpp"
#include "daemon/core/hold.hpp"
#include "daemon/core/unique_fd.hpp"
#include "daemon/hold/action.hpp"
#include "daemon/hold/helper_process.hpp"
#include "daemon/hold/protocol.hpp"
#include "daemon/hold/record.hpp"

namespace vss::hold {

// What arm() has made; nothing is held yet.
struct ArmedParts {
  std::filesystem::path record_path;
  std::shared_ptr<Record> record;
  std::vector<std::shared_ptr<HoldAction>> own;  // vssd's own descriptors, one per target
  HelperProcess helper;
  std::chrono::milliseconds limit{};
};

class Window : public std::enable_shared_from_this<Window> {
 public:
  static std::shared_ptr<Window> open(const asio::any_io_executor& executor, ArmedParts parts);

  // As core::HoldWindow.
  static asio::awaitable<core::Status> hold(std::shared_ptr<Window> self, std::size_t index);
  static asio::awaitable<core::Result<core::HoldTimes>> release(std::shared_ptr<Window> self,
                                                                std::size_t index);
  static asio::awaitable<core::Status> finish(std::shared_ptr<Window> self);
  [[nodiscard]] bool was_let_go() const;

  [[nodiscard]] const asio::any_io_executor& executor() const { return executor_; }
  [[nodiscard]] bool over() const { return over_.is_set(); }

 private:
  struct Answers {
    core::Signal held;
    core::Signal released;
    Reply hold;
    Reply release;
    bool hold_asked = false;
    bool release_asked = false;
  };

  Window(const asio::any_io_executor& executor, ArmedParts parts);

  static asio::awaitable<void> read_replies(std::shared_ptr<Window> self);
  static asio::awaitable<void> watch_process(std::shared_ptr<Window> self);
  static asio::awaitable<void> watch_limit(std::shared_ptr<Window> self);
  static asio::awaitable<void> live(std::shared_ptr<Window> self);

  bool take_replies();  // false: no more will come
  void take(const Reply& reply);
  void start_limit();
  void send(RequestKind kind, std::size_t index);
  void lose(std::string why);  // no more is to be expected of the helper
  void close();
  [[nodiscard]] std::string name(std::size_t index) const;
  [[nodiscard]] core::Error too_late(std::size_t index) const;
  [[nodiscard]] core::Error unreleased() const;
  [[nodiscard]] core::Status hold_result(std::size_t index) const;
  [[nodiscard]] core::Result<core::HoldTimes> release_result(std::size_t index) const;

  asio::any_io_executor executor_;
  std::filesystem::path record_path_;
  std::shared_ptr<Record> record_;
  std::vector<std::shared_ptr<HoldAction>> own_;
  pid_t helper_;
  std::chrono::milliseconds limit_;
  asio::posix::stream_descriptor socket_;
  asio::posix::stream_descriptor process_;
  std::vector<Answers> answers_;
  std::optional<core::TimePoint> limit_end_;  // from the first hold
  std::string why_let_go_;                    // set before let_go_ or lost_
  core::Signal let_go_;                       // the helper releases, or has released, everything
  core::Signal lost_;                         // the helper ended or does not answer
  core::Signal gone_;                         // no thread of it is left
  core::Signal over_;                         // nothing is left to do
};

}  // namespace vss::hold
