// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// One target inside vssd-hold with the thread that makes its system calls: one that is stuck in the kernel
// blocks nobody else.

#include <semaphore.h>
#include <atomic>
#include <cstdint>

#include "daemon/hold/action.hpp"
#include "daemon/hold/protocol.hpp"
#include "daemon/hold/record.hpp"

namespace vss::hold {

// What the threads of vssd-hold share.
struct HelperShared {
  int socket = -1;
  int wake = -1;  // eventfd: a thread has finished something
  pid_t pid = 0;
  RecordHeader* header = nullptr;
  std::atomic<bool> let_go = false;  // from now on nothing may be held
};

class HelperTarget {
 public:
  HelperTarget(std::uint32_t index, RecordTarget& record, HoldAction action, HelperShared& shared);
  HelperTarget(const HelperTarget&) = delete;
  HelperTarget& operator=(const HelperTarget&) = delete;
  ~HelperTarget() = default;  // lives as long as the process

  // Starts the thread; 0 or an errno.
  int start_thread() noexcept;

  // Posted to the thread, from the main thread only.
  void hold() noexcept { post(kHold); }
  void release() noexcept { post(kRelease); }  // answers
  void let_go() noexcept;                      // once; does not answer

  [[nodiscard]] bool was_let_go() const { return let_go_posted_; }
  [[nodiscard]] bool idle() const { return pending_ == 0; }
  [[nodiscard]] const RecordTarget& record() const { return record_; }

 private:
  enum Command : std::uint32_t { kHold = 1, kRelease = 2, kLetGo = 4 };

  static void* thread_entry(void* self) noexcept;
  void post(std::uint32_t command) noexcept;
  void serve() noexcept;
  void do_hold() noexcept;
  void do_release() noexcept;
  void answer(ReplyKind kind, int error, bool too_late) noexcept;

  std::uint32_t index_;
  RecordTarget& record_;
  HoldAction action_;
  HelperShared& shared_;
  sem_t wake_{};
  std::atomic<std::uint32_t> commands_ = 0;
  std::atomic<std::uint32_t> pending_ = 0;  // commands posted and not yet done
  bool let_go_posted_ = false;              // main thread only
};

}  // namespace vss::hold
