// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/common/service.hpp"

#include <signal.h>
#include <systemd/sd-daemon.h>

#include <cstdint>
#include <list>

namespace vss::writers {
namespace {

sigset_t end_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// Tells systemd that we live, where the unit has a WatchdogSec=.
void wait_for_end_signal() {
  const sigset_t signals = end_signals();
  std::uint64_t watchdog_us = 0;
  if (sd_watchdog_enabled(0, &watchdog_us) <= 0) {
    int signal = 0;
    sigwait(&signals, &signal);
    return;
  }
  const std::uint64_t pause_us = watchdog_us / 4;
  const timespec pause{static_cast<time_t>(pause_us / 1000000), static_cast<long>(pause_us % 1000000 * 1000)};
  do {
    sd_notify(0, "WATCHDOG=1");
  } while (sigtimedwait(&signals, nullptr, &pause) < 0);
}

}  // namespace

void block_end_signals() {
  const sigset_t signals = end_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void serve(const std::vector<Writer*>& writers) {
  std::list<Subscription> subscriptions;
  for (Writer* writer : writers) subscriptions.push_back(writer->subscribe());
  sd_notify(0, "READY=1");
  wait_for_end_signal();
  sd_notify(0, "STOPPING=1");
}

}  // namespace vss::writers
