// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/hold/helper_target.hpp"

#include <pthread.h>
#include <cerrno>
#include <utility>

namespace vss::hold {

namespace {
constexpr std::size_t kStackSize = std::size_t{64} * 1024;
}

HelperTarget::HelperTarget(std::uint32_t index, RecordTarget& record, HoldAction action, HelperShared& shared)
    : index_(index), record_(record), action_(std::move(action)), shared_(shared) {
  sem_init(&wake_, 0, 0);
}

int HelperTarget::start_thread() noexcept {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackSize);  // present at once: mlockall(MCL_FUTURE) came before
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread{};
  const int error = pthread_create(&thread, &attributes, &HelperTarget::thread_entry, this);
  pthread_attr_destroy(&attributes);
  return error;
}

void* HelperTarget::thread_entry(void* self) noexcept {
  static_cast<HelperTarget*>(self)->serve();
  return nullptr;
}

void HelperTarget::let_go() noexcept {
  let_go_posted_ = true;
  post(kLetGo);
}

void HelperTarget::post(std::uint32_t command) noexcept {
  ++pending_;
  commands_ |= command;
  sem_post(&wake_);
}

void HelperTarget::serve() noexcept {
  for (;;) {
    while (sem_wait(&wake_) != 0) {
    }
    const std::uint32_t commands = commands_.exchange(0);
    if ((commands & kHold) != 0) do_hold();
    if ((commands & kLetGo) != 0 && record_.claim(shared_.pid))
      release_claimed(record_, action_, shared_.pid);
    if ((commands & kRelease) != 0) do_release();
    --pending_;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(shared_.wake, &one, sizeof(one));
  }
}

void HelperTarget::do_hold() noexcept {
  if (!record_.begin_hold(shared_.pid)) return answer(ReplyKind::Held, EALREADY, false);
  if (shared_.let_go) {
    record_.hold_failed(shared_.pid);
    return answer(ReplyKind::Held, 0, true);
  }
  const std::int64_t since = monotonic_ns();
  if (const int error = action_.hold(); error != 0) {
    record_.hold_failed(shared_.pid);
    return answer(ReplyKind::Held, error, false);
  }
  record_.hold_done(shared_.pid, ++shared_.header->holds, since);
  // Held is visible before the flag is read, and the main thread sets the flag before it looks for what is
  // held: a hold that succeeds late is seen by one of the two.
  if (!shared_.let_go) return answer(ReplyKind::Held, 0, false);
  if (record_.claim(shared_.pid)) release_claimed(record_, action_, shared_.pid);
  answer(ReplyKind::Held, 0, true);
}

void HelperTarget::do_release() noexcept {
  if (!record_.claim(shared_.pid)) return answer(ReplyKind::Released, 0, true);
  const int error = release_claimed(record_, action_, shared_.pid);
  answer(ReplyKind::Released, error, error == EINVAL);
}

void HelperTarget::answer(ReplyKind kind, int error, bool too_late) noexcept {
  Reply reply;
  reply.kind = kind;
  reply.target = index_;
  reply.error = error;
  reply.too_late = too_late ? 1 : 0;
  reply.held_ns = record_.held_ns;
  reply.released_ns = record_.released_ns;
  send_message(shared_.socket, reply);
}

}  // namespace vss::hold
