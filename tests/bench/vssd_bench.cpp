// SPDX-License-Identifier: LGPL-2.1-or-later
// vssd as a process: start to ready, memory when idle, and how soon the writers hear that a requester was
// killed. README.md says how to read it.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/private_bus.hpp"
#include "tests/support/requester_process.hpp"
#include "tests/support/scripted_writer.hpp"
#include "tests/support/vssd_process.hpp"
#include "tests/support/wait_until.hpp"

namespace {

using namespace vss::test;
using Milliseconds = std::chrono::duration<double, std::milli>;

struct Size {
  int starts;
  std::size_t writers;
  int kills;
};
constexpr Size kFull{20, 50, 30};
constexpr Size kSmoke{2, 5, 2};

double percentile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values.at(static_cast<std::size_t>(part * static_cast<double>(values.size() - 1) + 0.5));
}

void print_row(const char* what, double value, const char* unit, const char* goal) {
  std::printf("%-52s %10.1f %-4s %s\n", what, value, unit, goal);
}

void bench_start(const PrivateBus& bus, const Size& size) {
  std::vector<double> times;
  VssdProcess vssd(bus);
  for (int i = 0; i < size.starts; ++i) {
    vssd.restart();
    times.push_back(vssd.start_time().count());
  }
  print_row("start to ready, median", percentile(times, 0.5), "ms", "< 200");
  print_row("start to ready, worst", percentile(times, 1.0), "ms", "");
  print_row("resident memory, idle", static_cast<double>(vssd.resident_kib()) / 1024, "MiB", "< 20");
}

// From the kill to the last writer's BackupShutdown.
double time_one_kill(EventLog& log, std::size_t writers) {
  log.clear();
  RequesterProcess requester("PrepareForBackup", {"/"});
  if (!requester.wait_for("PrepareForBackup")) throw std::runtime_error(requester.output());
  const auto killed = std::chrono::steady_clock::now();
  requester.kill9();
  if (!log.wait_for("BackupShutdown", writers)) throw std::runtime_error("BackupShutdown did not arrive");
  std::chrono::steady_clock::time_point last{};
  for (const LoggedEvent& event : log.all()) {
    if (event.event == "BackupShutdown") last = std::max(last, event.time);
  }
  return Milliseconds(last - killed).count();
}

void bench_kill(const PrivateBus& bus, const Size& size) {
  const VssdProcess vssd(bus);
  EventLog log;
  std::vector<std::unique_ptr<ScriptedWriter>> writers;
  for (std::size_t i = 0; i < size.writers; ++i) {
    writers.push_back(std::make_unique<ScriptedWriter>(log, "writer " + std::to_string(i)));
    writers.back()->start();
  }
  std::vector<double> times;
  for (int i = 0; i < size.kills; ++i) times.push_back(time_one_kill(log, size.writers));
  const std::string what =
      "kill of a requester to the last of " + std::to_string(size.writers) + " writers, ";
  print_row((what + "median").c_str(), percentile(times, 0.5), "ms", "< 50");
  print_row((what + "p99").c_str(), percentile(times, 0.99), "ms", "");
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = argc > 1 && std::string_view(argv[1]) == "--smoke";
  if (argc > 2 || (argc == 2 && !smoke)) {
    std::fprintf(stderr, "usage: vssd_bench [--smoke]\n");
    return 2;
  }
  try {
    const PrivateBus bus;
    ::setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address().c_str(), 1);
    const Size& size = smoke ? kSmoke : kFull;
    bench_start(bus, size);
    bench_kill(bus, size);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "vssd_bench: %s\n", error.what());
    return 1;
  }
}
