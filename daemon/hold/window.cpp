// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/hold/window.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "daemon/core/urgency.hpp"
#include "daemon/hold/on_thread.hpp"
#include "daemon/hold/release.hpp"

namespace vss::hold {

using core::fail;
using core::Signal;
using core::TimePoint;
using Clock = std::chrono::steady_clock;

namespace {
using namespace std::chrono_literals;

// After the limit the helper has this long to say that it lets go; then it is taken for dead. With the same
// again for vssd to release in its place, nothing is held later than the limit and one second.
constexpr auto kAnswerGrace = 500ms;
constexpr auto kFinishGrace = 1s;
// A killed process with a thread stuck in the kernel ends when the kernel lets it.
constexpr auto kForEver = -1ms;

asio::awaitable<void> any_of(Signal first, Signal second, Signal third) {
  Signal wake;
  const auto set = [wake]() mutable { wake.set(); };
  const auto one = first.subscribe(set);
  const auto two = second.subscribe(set);
  const auto three = third.subscribe(set);
  co_await core::wait_for(wake, TimePoint::max());
}

bool something_is_held(const Record& record) {
  return std::ranges::any_of(
      record.targets(), [](const RecordTarget& target) { return target.now().state() == TargetState::Held; });
}

// The signals, timers and lists of what vssd does when it must do it itself; runs in a thread.
core::Result<ReleaseReport> release_on_own_descriptors(const std::shared_ptr<Record>& record,
                                                       const std::vector<std::shared_ptr<HoldAction>>& own,
                                                       const std::shared_ptr<ProcessWatch>& helper) {
  core::Urgency(gettid()).begin();
  const auto job = std::make_shared<ReleaseJob>();
  job->record = record;
  job->action = [own](std::size_t index) { return own[index]; };
  job->is_gone = [helper](pid_t by) { return by == helper->pid() && helper->gone(); };
  return release_in_place(job, *helper, kForEver);
}

void report(const std::string& why, const core::Result<ReleaseReport>& report) {
  if (!report) {
    spdlog::error("{}; releasing in its place failed: {}", why, report.error().message);
    return;
  }
  for (const std::string& name : report->released) spdlog::warn("{}; vssd released {}", why, name);
  for (const std::string& name : report->remaining) spdlog::error("{}; not released: {}", why, name);
}
}  // namespace

std::shared_ptr<Window> Window::open(const asio::any_io_executor& executor, ArmedParts parts) {
  std::shared_ptr<Window> window(new Window(executor, std::move(parts)));
  core::spawn(executor, read_replies(window));
  core::spawn(executor, watch_process(window));
  core::spawn(executor, live(window));
  return window;
}

Window::Window(const asio::any_io_executor& executor, ArmedParts parts)
    : executor_(executor),
      record_path_(std::move(parts.record_path)),
      record_(std::move(parts.record)),
      own_(std::move(parts.own)),
      helper_(parts.helper.pid()),
      limit_(parts.limit),
      socket_(executor, parts.helper.take_socket().release()),
      process_(executor, parts.helper.take_pidfd().release()),
      answers_(own_.size()) {}

asio::awaitable<core::Status> Window::hold(std::shared_ptr<Window> self, std::size_t index) {
  if (index >= self->answers_.size()) co_return fail(ErrorCode::BadState, "hold: no such target");
  if (self->let_go_.is_set() || self->lost_.is_set()) co_return fail(self->too_late(index));
  if (self->answers_[index].hold_asked)
    co_return fail(ErrorCode::BadState, self->name(index) + " was held before");
  self->answers_[index].hold_asked = true;
  self->start_limit();
  self->send(RequestKind::Hold, index);
  co_await any_of(self->answers_[index].held, self->let_go_, self->lost_);
  co_return self->hold_result(index);
}

asio::awaitable<core::Result<core::HoldTimes>> Window::release(std::shared_ptr<Window> self,
                                                               std::size_t index) {
  if (index >= self->answers_.size()) co_return fail(ErrorCode::BadState, "release: no such target");
  const Answers& answers = self->answers_[index];
  if (!answers.held.is_set() || answers.hold.error != 0)
    co_return fail(ErrorCode::BadState, self->name(index) + " is not held");
  if (std::exchange(self->answers_[index].release_asked, true))
    co_return fail(ErrorCode::BadState, self->name(index) + " was released before");
  if (!self->lost_.is_set()) {
    self->send(RequestKind::Release, index);
    co_await any_of(answers.released, self->lost_, self->lost_);
  }
  co_return self->release_result(index);
}

asio::awaitable<core::Status> Window::finish(std::shared_ptr<Window> self) {
  self->start_limit();
  if (!self->lost_.is_set()) self->send(RequestKind::Finish, 0);
  const TimePoint until = std::max(Clock::now(), *self->limit_end_) + kFinishGrace;
  co_await core::wait_for(self->over_, until);
  if (self->record_->settled()) co_return core::Status{};
  co_return fail(self->unreleased());
}

asio::awaitable<void> Window::read_replies(std::shared_ptr<Window> self) {
  asio::error_code error;
  while (!error && !self->gone_.is_set()) {
    co_await self->socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                                      asio::redirect_error(asio::use_awaitable, error));
    if (!error && !self->take_replies()) break;
  }
}

asio::awaitable<void> Window::watch_process(std::shared_ptr<Window> self) {
  asio::error_code error;
  co_await self->process_.async_wait(asio::posix::stream_descriptor::wait_read,
                                     asio::redirect_error(asio::use_awaitable, error));
  self->take_replies();  // the last ones, which may not have been read yet
  siginfo_t how{};
  waitid(P_PIDFD, static_cast<id_t>(self->process_.native_handle()), &how, WEXITED | WNOHANG);
  self->gone_.set();
  const bool killed = how.si_code == CLD_KILLED || how.si_code == CLD_DUMPED;
  self->lose(killed ? "vssd-hold was killed by signal " + std::to_string(how.si_status)
                    : "vssd-hold has ended");
}

asio::awaitable<void> Window::watch_limit(std::shared_ptr<Window> self) {
  const TimePoint until = *self->limit_end_ + kAnswerGrace;
  const bool over = co_await core::wait_for(self->over_, until);
  if (over) co_return;
  if (self->gone_.is_set() || (self->let_go_.is_set() && !something_is_held(*self->record_))) co_return;
  syscall(SYS_pidfd_send_signal, self->process_.native_handle(), SIGKILL, nullptr, 0);
  self->lose("vssd-hold did not let go at its limit and was killed");
}

asio::awaitable<void> Window::live(std::shared_ptr<Window> self) {
  co_await any_of(self->lost_, self->lost_, self->lost_);
  if (!self->record_->settled()) {
    const auto helper = std::make_shared<ProcessWatch>(self->helper_, self->process_.native_handle());
    auto release = [record = self->record_, own = self->own_, helper] {
      return release_on_own_descriptors(record, own, helper);
    };
    const auto done = co_await on_thread(std::move(release));
    report(self->why_let_go_, done);
  }
  co_await core::wait_for(self->gone_, TimePoint::max());
  self->close();
}

bool Window::take_replies() {
  for (;;) {
    Reply reply;
    switch (receive_message(socket_.native_handle(), reply)) {
      case Received::Message:
        take(reply);
        break;
      case Received::Nothing:
        return true;
      case Received::Malformed:
      case Received::Closed:
        return false;
    }
  }
}

void Window::take(const Reply& reply) {
  if (reply.kind == ReplyKind::LetGo) {
    if (why_let_go_.empty())
      why_let_go_ =
          reply.reason == LetGoReason::Limit
              ? "the limit of " + std::to_string(limit_.count()) + " ms passed"
              : (reply.reason == LetGoReason::Terminated ? "vssd-hold was told to end" : "it was finished");
    let_go_.set();
    return;
  }
  if (reply.target >= answers_.size()) return;
  Answers& answers = answers_[reply.target];
  if (reply.kind == ReplyKind::Held) {
    answers.hold = reply;
    answers.held.set();
  } else if (reply.kind == ReplyKind::Released) {
    answers.release = reply;
    answers.released.set();
  }
}

void Window::start_limit() {
  if (limit_end_) return;
  limit_end_ = Clock::now() + limit_;
  core::spawn(executor_, watch_limit(shared_from_this()));
}

// A failure needs no answer: then the helper has ended, and watch_process sees that.
void Window::send(RequestKind kind, std::size_t index) {
  Request request;
  request.kind = kind;
  request.target = static_cast<std::uint32_t>(index);
  send_message(socket_.native_handle(), request);
}

void Window::lose(std::string why) {
  if (why_let_go_.empty()) why_let_go_ = std::move(why);
  lost_.set();
}

void Window::close() {
  asio::error_code ignored;
  socket_.close(ignored);
  process_.close(ignored);
  own_.clear();
  std::error_code error;
  if (record_->settled()) {
    std::filesystem::remove(record_path_, error);
    if (error) spdlog::error("cannot remove {}: {}", record_path_.string(), error.message());
  }
  over_.set();
}

bool Window::was_let_go() const {
  for (std::size_t i = 0; i < answers_.size(); ++i) {
    const TargetState state = record_->targets()[i].now().state();
    const bool is_released = state == TargetState::Releasing || state == TargetState::Released;
    if (is_released && !answers_[i].release_asked) return true;
  }
  return false;
}

std::string Window::name(std::size_t index) const { return record_->targets()[index].mount_point.data(); }

core::Error Window::too_late(std::size_t index) const {
  return {ErrorCode::HoldWritesTimeout, name(index) + " was let go: " + why_let_go_};
}

core::Error Window::unreleased() const {
  core::Error error{ErrorCode::HoldWritesTimeout, "not released yet:"};
  for (const RecordTarget& target : record_->targets()) {
    const TargetState state = target.now().state();
    if (state == TargetState::Planned || state == TargetState::Released) continue;
    error.message.append(" ")
        .append(target.mount_point.data())
        .append(" (")
        .append(to_string(state))
        .append(")");
  }
  return error;
}

core::Status Window::hold_result(std::size_t index) const {
  const Answers& answers = answers_[index];
  const int error = answers.held.is_set() ? answers.hold.error : 0;
  if (error == EBUSY) return fail(ErrorCode::VolumeInUse, "somebody else holds " + name(index));
  if (error != 0) return fail(core::errno_error(error, "holding " + name(index)));
  if (let_go_.is_set() || lost_.is_set() || answers.hold.too_late != 0) return fail(too_late(index));
  return {};
}

core::Result<core::HoldTimes> Window::release_result(std::size_t index) const {
  const Answers& answers = answers_[index];
  if (!answers.released.is_set()) return fail(too_late(index));
  const Reply& reply = answers.release;
  if (reply.error == EINVAL)
    return fail(ErrorCode::HoldWritesTimeout, name(index) + " was let go: somebody else has thawed it");
  if (reply.too_late != 0) return fail(too_late(index));
  if (reply.error != 0) return fail(core::errno_error(reply.error, "releasing " + name(index)));
  return core::HoldTimes{std::chrono::nanoseconds(reply.held_ns),
                         std::chrono::nanoseconds(reply.released_ns)};
}

}  // namespace vss::hold
