// SPDX-License-Identifier: LGPL-2.1-or-later
// monitor: every event that a writer gets, every set that comes and goes, until it is ended by a signal.
#include <poll.h>

#include <chrono>
#include <iostream>

#include <fmt/format.h>

#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/cli/signals.hpp"

namespace vss::cli {
namespace {

class Printer final : public ManagerListener {
 public:
  explicit Printer(bool json) : json_(json) {}

  void on_signal(const Json& signal) override {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    const auto seconds = static_cast<std::uint64_t>(ms / 1000);
    if (json_) {
      Json stamped{{"time", static_cast<double>(ms) / 1000}};
      stamped.update(signal);
      std::cout << stamped.dump() << std::endl;
    } else {
      std::cout << fmt::format("{}.{:03}  {}", utc_time(seconds), ms % 1000, describe_signal(signal))
                << std::endl;
    }
  }

 private:
  bool json_;
};

}  // namespace

int monitor(const CommonOptions& common) {
  const SignalFd signals;
  Bus bus(common.host);
  Printer printer(common.json);
  bus.on_daemon_change([&](bool present) {
    printer.on_signal({{"signal", present ? "DaemonStarted" : "DaemonGone"}});
  });
  ManagerProxy manager(bus, &printer);
  // Tells whether there is a vssd at all, and has it started if the bus can.
  (void)attempt("monitor", [&] { return manager.Version(); });
  bus.start();
  while (true) {
    pollfd poll{signals.fd(), POLLIN, 0};
    ::poll(&poll, 1, -1);
    if (const auto info = signals.next()) return kSignalBase + static_cast<int>(info->ssi_signo);
  }
}

}  // namespace vss::cli
