// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// vssctl as a process, against a scripted vssd on a private bus.

#include <stdlib.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/private_bus.hpp"
#include "tests/unit/cli/fake_vssd.hpp"
#include "tests/unit/cli/vssctl_process.hpp"

namespace vss::test {

using Calls = std::vector<std::string>;

class VssctlTest : public testing::Test {
 protected:
  VssctlTest() { ::setenv("DBUS_SYSTEM_BUS_ADDRESS", bus_.address().c_str(), 1); }

  void start_daemon() { daemon_.emplace(script_, log_); }

  // Runs vssctl to its end, with standard input at its end from the beginning.
  int run(const std::vector<std::string>& arguments) {
    if (!daemon_) start_daemon();
    VssctlProcess process(arguments);
    process.close_input();
    const int status = process.wait();
    output_ = process.output();
    errors_ = process.errors();
    return status;
  }

  // The calls that came after the first of this name.
  [[nodiscard]] Calls calls_after(const std::string& call) const {
    const Calls all = log_.all();
    const auto at = std::find(all.begin(), all.end(), call);
    return at == all.end() ? Calls{} : Calls(at + 1, all.end());
  }

  PrivateBus bus_;
  Script script_;
  CallLog log_;
  std::optional<FakeVssd> daemon_;
  std::string output_;
  std::string errors_;
};

}  // namespace vss::test
