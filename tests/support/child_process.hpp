// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A program that a test starts, whose output goes to a file. It dies with the object, and with the thread
// that started it.

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace vss::test {

class ChildProcess {
 public:
  using Environment = std::map<std::string, std::string>;

  // `environment` is added to ours. Standard output and error are appended to `output`.
  // Throws std::system_error.
  ChildProcess(const std::vector<std::string>& argv, const Environment& environment,
               std::filesystem::path output);
  // Kills it (SIGKILL) if it still runs.
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  void kill9();  // and waits
  // The exit code, 128 + n after signal n; nothing if it still runs when the limit passes.
  std::optional<int> wait(std::chrono::milliseconds limit);
  [[nodiscard]] std::string output() const;
  // Waits until the output contains `text`.
  [[nodiscard]] bool wait_for_output(const std::string& text, std::chrono::milliseconds limit) const;

 private:
  pid_t pid_ = -1;
  std::filesystem::path output_;
};

}  // namespace vss::test
