// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A lane is one thread of a provider: its operations run one after another, each for a limited time.
//
// When an operation overruns its limit, its caller gets an error, the operation goes on, and the lane is
// stuck until it returns: new operations are refused at once, save an abort, which is queued and runs as soon
// as the overdue operation returns.
//
// While a commit is waited for, its thread runs before ordinary ones: volumes may be held.
//
// Thread rule: all members are called on the executor. The executor's context must outlive the lane. A lane
// that is destroyed while its operation still runs leaves the thread behind; it touches nothing of ours then.

#include <deque>
#include <memory>
#include <string>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include "daemon/core/error.hpp"
#include "daemon/provider_host/operation.hpp"

namespace vss::provider_host {

class Lane {
 public:
  // thread_name: at most 15 characters, as the kernel keeps them.
  // Throws std::system_error when there is no thread to be had.
  Lane(asio::any_io_executor executor, const std::string& thread_name);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Queues the operation and waits for it; its limit counts from its start. Success means that it returned:
  // operation->outcome() says how. Errors: UnexpectedProviderError (limit passed), ProviderInUse (stuck; for
  // an abort: it follows later), Cancelled (the coroutine was cancelled; the operation goes on, told so).
  asio::awaitable<core::Status> run(std::shared_ptr<Operation> operation);

  // The operation that overran its limit and still runs, "" otherwise.
  [[nodiscard]] std::string stuck_in() const;

 private:
  class Worker;
  class CancelWhenLeft;

  [[nodiscard]] bool stuck() const;
  void start_next();
  void finished(const std::shared_ptr<Operation>& operation);
  void refuse_waiting();
  [[nodiscard]] core::Error stuck_error(const Operation& operation) const;

  asio::any_io_executor executor_;
  std::deque<std::shared_ptr<Operation>> queue_;
  std::shared_ptr<Operation> running_;
  std::shared_ptr<Worker> worker_;
  std::shared_ptr<Lane*> self_;  // reset first in the destructor: late completions find nobody
};

}  // namespace vss::provider_host
