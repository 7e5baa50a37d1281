// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/common/service.hpp"

#include <signal.h>
#include <systemd/sd-daemon.h>

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

}  // namespace

void block_end_signals() {
  const sigset_t signals = end_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void serve(const std::vector<Writer*>& writers) {
  std::list<Subscription> subscriptions;
  for (Writer* writer : writers) subscriptions.push_back(writer->subscribe());
  sd_notify(0, "READY=1");
  const sigset_t signals = end_signals();
  int signal = 0;
  sigwait(&signals, &signal);
  sd_notify(0, "STOPPING=1");
}

}  // namespace vss::writers
