// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// One run of vssctl, with its standard input held open until close_input().

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace vss::test {

class VssctlProcess {
 public:
  explicit VssctlProcess(const std::vector<std::string>& arguments);
  // Kills it if it still runs.
  ~VssctlProcess();
  VssctlProcess(const VssctlProcess&) = delete;
  VssctlProcess& operator=(const VssctlProcess&) = delete;

  void close_input();
  void signal(int number) const;
  // Its exit status, 128 + n for signal n; -1 if it does not end within ten seconds.
  [[nodiscard]] int wait();
  // What it has written so far.
  [[nodiscard]] std::string output() const;
  [[nodiscard]] std::string errors() const;

 private:
  std::filesystem::path directory_;
  pid_t pid_ = -1;
  int input_ = -1;
};

}  // namespace vss::test
