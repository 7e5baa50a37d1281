// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Makes a btrfs begin to commit its running transaction, in bounded time.
//
// BTRFS_IOC_START_SYNC wakes the kernel's transaction thread and waits until that has begun. When the thread
// is just about to sleep, the wake-up is lost and the call waits for the next periodic commit, many seconds
// (seen on 6.18). So it is called from threads that may be left waiting: a second call wakes again, and after
// that the caller goes on in any case.
//
// Thread rule: made, used and destroyed by one thread.

#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace vss::btrfs {

class CommitStarter {
 public:
  // directory: open on the filesystem, writable, for as long as this lives. Throws std::system_error.
  explicit CommitStarter(int directory);
  ~CommitStarter();
  CommitStarter(const CommitStarter&) = delete;
  CommitStarter& operator=(const CommitStarter&) = delete;

  // Comes back when a commit has begun, or after about 20 ms without one. Throws std::system_error.
  void start();

 private:
  enum class Caller { Idle, Asked, Calling };
  static constexpr std::size_t kCallers = 2;

  void caller(std::size_t index) noexcept;
  void stop() noexcept;

  int directory_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Caller, kCallers> callers_{};
  unsigned begun_ = 0;  // calls that came back
  int error_ = 0;       // of the last one
  bool stopping_ = false;
  std::array<std::thread, kCallers> threads_;
};

}  // namespace vss::btrfs
