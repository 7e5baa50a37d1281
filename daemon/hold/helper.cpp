// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/hold/helper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <algorithm>
#include <cerrno>
#include <csignal>

#include "daemon/core/urgency.hpp"

namespace vss::hold {

namespace {
// A release that takes longer does not keep the others waiting any more.
constexpr std::int64_t kReleasePatienceNs = 200'000'000;

void send_armed(int socket, int error) {
  Reply reply;
  reply.kind = ReplyKind::Armed;
  reply.error = error;
  send_message(socket, reply);
}

// Nothing but the end of the connection, the limit and SIGTERM ends a hold; a Ctrl-C in vssd's terminal, a
// closed terminal or a write to a dead vssd do not.
sigset_t block_signals() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  return ending;
}

// Best effort: lowering the value needs CAP_SYS_RESOURCE.
void avoid_oom_killer() {
  const core::UniqueFd file(open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  [[maybe_unused]] const ssize_t written = write(file.get(), "-1000", 5);
}

// Before those whose hold it may have to end, vssd and its providers, too; its threads inherit that. Best
// effort.
void run_before_others() {
  sched_param priority{};
  priority.sched_priority = sched_get_priority_min(SCHED_RR) + 1;
  if (!core::is_real_time(sched_getscheduler(0))) sched_setscheduler(0, SCHED_RR, &priority);
}

void drain(int fd) noexcept {
  std::array<std::uint64_t, 16> ignored{};
  [[maybe_unused]] const ssize_t got = read(fd, ignored.data(), sizeof(ignored));
}
}  // namespace

int Helper::run(int socket) {
  setsid();
  close_range(kHelperSocket + 1, ~0U, 0);  // a leaked descriptor could keep a volume or a pipe busy
  const sigset_t ending = block_signals();
  avoid_oom_killer();

  Request arm;
  std::array<core::UniqueFd, kMostTargets + 1> fds;
  const int count = receive_arm(socket, arm, fds);
  if (count < 1) return 2;
  auto record = Record::map(std::move(fds[0]));
  const auto targets = std::span(fds).subspan(1, static_cast<std::size_t>(count) - 1);
  if (!record || record->targets().size() != targets.size()) {
    send_armed(socket, EPROTO);
    return 2;
  }
  Helper helper(socket, std::move(*record), std::chrono::nanoseconds(arm.limit_ns));
  helper.signals_ = core::UniqueFd(signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK));
  const int error = helper.prepare(targets);
  send_armed(socket, error);
  const int status = error == 0 ? helper.loop() : 2;
  _exit(status);  // the threads are alive and use what destructors would take away
}

Helper::Helper(int socket, Record record, std::chrono::nanoseconds limit)
    : record_(std::move(record)), limit_(limit) {
  shared_.socket = socket;
  shared_.pid = getpid();
  shared_.header = &record_.header();
}

int Helper::prepare(std::span<core::UniqueFd> fds) {
  wake_ = core::UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  limit_timer_ = core::UniqueFd(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!wake_ || !limit_timer_ || !signals_) return errno;
  shared_.wake = wake_.get();
  if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) return errno;
  run_before_others();
  for (std::size_t i = 0; i < fds.size(); ++i) {
    RecordTarget& target = record_.targets()[i];
    HoldAction action(static_cast<core::HoldAbility>(target.ability), std::move(fds[i]), target.device.data(),
                      makedev(target.device_major, target.device_minor));
    targets_.push_back(
        std::make_unique<HelperTarget>(static_cast<std::uint32_t>(i), target, std::move(action), shared_));
    if (const int error = targets_.back()->start_thread(); error != 0) return error;
  }
  record_.header().helper = this_process();
  return 0;
}

int Helper::loop() noexcept {
  while (!ending_ || !idle()) {
    std::array<pollfd, 4> events{{{connected_ ? shared_.socket : -1, POLLIN, 0},
                                  {wake_.get(), POLLIN, 0},
                                  {limit_timer_.get(), POLLIN, 0},
                                  {signals_.get(), POLLIN, 0}}};
    if (poll(events.data(), events.size(), next_timeout()) < 0) continue;
    if (events[1].revents != 0) drain(wake_.get());
    if (events[2].revents != 0) {
      drain(limit_timer_.get());
      let_everything_go(LetGoReason::Limit);
    }
    if (events[3].revents != 0) {
      drain(signals_.get());
      ending_ = true;
      let_everything_go(LetGoReason::Terminated);
    }
    if (events[0].revents != 0) take_request();
    release_next();
  }
  return 0;
}

int Helper::next_timeout() const noexcept {
  if (releasing_ == nullptr) return -1;
  const std::int64_t left = release_patience_ns_ - monotonic_ns();
  return left <= 0 ? 0 : static_cast<int>(left / 1'000'000 + 1);
}

void Helper::take_request() noexcept {
  Request request;
  switch (receive_message(shared_.socket, request)) {
    case Received::Nothing:
      return;
    case Received::Message:
      obey(request);
      return;
    case Received::Malformed:
    case Received::Closed:
      connected_ = false;
      ending_ = true;
      let_everything_go(LetGoReason::Finished);
      return;
  }
}

void Helper::obey(const Request& request) noexcept {
  if (request.kind == RequestKind::Finish) {
    ending_ = true;
    let_everything_go(LetGoReason::Finished);
    return;
  }
  if (request.target >= targets_.size()) return;
  HelperTarget& target = *targets_[request.target];
  if (request.kind == RequestKind::Hold) {
    start_limit();
    target.hold();
  } else if (request.kind == RequestKind::Release) {
    target.release();
  }
}

void Helper::start_limit() noexcept {
  if (limit_started_) return;
  limit_started_ = true;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit_);
  itimerspec when{};
  when.it_value.tv_sec = seconds.count();
  when.it_value.tv_nsec = std::max<long>((limit_ - seconds).count(), 1);  // zero would never fire
  timerfd_settime(limit_timer_.get(), 0, &when, nullptr);
}

void Helper::let_everything_go(LetGoReason reason) noexcept {
  if (shared_.let_go.exchange(true)) return;
  Reply reply;
  reply.kind = ReplyKind::LetGo;
  reply.reason = reason;
  send_message(shared_.socket, reply);
}

void Helper::release_next() noexcept {
  if (!shared_.let_go) return;
  if (releasing_ != nullptr && !releasing_->idle() && monotonic_ns() < release_patience_ns_) return;
  releasing_ = newest_held();
  if (releasing_ == nullptr) return;
  release_patience_ns_ = monotonic_ns() + kReleasePatienceNs;
  releasing_->let_go();
}

HelperTarget* Helper::newest_held() noexcept {
  HelperTarget* newest = nullptr;
  for (const auto& target : targets_) {
    if (target->was_let_go() || target->record().now().state() != TargetState::Held) continue;
    if (newest == nullptr || target->record().sequence > newest->record().sequence) newest = target.get();
  }
  return newest;
}

bool Helper::idle() const noexcept {
  return std::all_of(targets_.begin(), targets_.end(), [](const auto& target) {
    return target->idle() && (target->was_let_go() || target->record().now().state() != TargetState::Held);
  });
}

}  // namespace vss::hold
