// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The built vssd with the built vssd-hold and providers, on a private bus, with directories of its own.

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "tests/support/child_process.hpp"
#include "tests/support/private_bus.hpp"
#include "tests/support/temp_dir.hpp"

namespace vss::test {

class VssdProcess {
 public:
  struct Options {
    std::string config;                     // text of the configuration file
    ChildProcess::Environment environment;  // besides the address of the bus
    std::filesystem::path directory;        // where "state" and "run" are; default: a temporary one
  };

  // Returns when it is ready; throws std::runtime_error with its log if that takes longer than 20 s.
  // Thread rule: one thread; vssd dies with it.
  explicit VssdProcess(const PrivateBus& bus, Options options = {});
  // Prints the log if the running test has failed.
  ~VssdProcess();
  VssdProcess(const VssdProcess&) = delete;
  VssdProcess& operator=(const VssdProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return process_->pid(); }
  [[nodiscard]] bool is_running();
  void signal(int number) const { process_->signal(number); }
  // SIGKILL, and waits until it is gone.
  void kill9() { process_->kill9(); }
  // The exit code, 128 + n after signal n; nothing if it runs on.
  std::optional<int> wait(std::chrono::milliseconds limit = std::chrono::seconds(20)) {
    return process_->wait(limit);
  }
  // Starts it again, with the same directories, after it ended; kills it first if it runs.
  void restart();
  // Writes another configuration for the next restart().
  void configure(const std::string& text) const;

  [[nodiscard]] std::filesystem::path state_dir() const { return directory_ / "state"; }
  [[nodiscard]] std::filesystem::path runtime_dir() const { return directory_ / "run"; }
  // What it has logged, all runs.
  [[nodiscard]] std::string log() const;
  // Resident memory, in KiB.
  [[nodiscard]] std::size_t resident_kib() const;
  // From exec to READY=1 of the last start.
  [[nodiscard]] std::chrono::duration<double, std::milli> start_time() const { return start_time_; }

 private:
  void start();
  void wait_until_ready(int socket);

  std::string address_;
  std::optional<TempDir> own_directory_;
  std::filesystem::path directory_;
  ChildProcess::Environment environment_;
  std::optional<ChildProcess> process_;
  std::chrono::duration<double, std::milli> start_time_{};
};

}  // namespace vss::test
