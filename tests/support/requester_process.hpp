// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A requester in a process of its own (vss_test_requester), to be killed.

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"

namespace vss::test {

class RequesterProcess {
 public:
  // Makes the calls of the sequence up to and with `last` ("CreateBackup", ..., "DoSnapshotSet",
  // "BackupComplete"), then waits to be killed.
  RequesterProcess(const std::string& last, const std::vector<std::string>& volumes,
                   const std::string& context = "backup", const std::string& provider = "fake");

  // Waits until the answer to `step` is there.
  [[nodiscard]] bool wait_for(const std::string& step,
                              std::chrono::milliseconds limit = std::chrono::seconds(20)) const {
    return process_.wait_for_output("reached " + step + "\n", limit);
  }
  // Id of the set; "" before StartSnapshotSet.
  [[nodiscard]] std::string set_id() const;
  [[nodiscard]] std::string output() const { return process_.output(); }
  [[nodiscard]] pid_t pid() const { return process_.pid(); }
  void kill9() { process_.kill9(); }

 private:
  TempDir directory_;
  ChildProcess process_;
};

}  // namespace vss::test
