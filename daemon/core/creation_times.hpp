// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// How long each step of a creation took, and each operation of each provider: what an administrator looks at
// when a backup holds longer than it should.

#include <chrono>
#include <map>
#include <string>
#include <string_view>

namespace vss::core {

class CreationTimes {
 public:
  using Durations = std::map<std::string, double>;  // ms; what ran twice is added up
  using Clock = std::chrono::steady_clock;

  void note_phase(std::string_view phase, Clock::time_point start) {
    phases_[std::string(phase)] += since(start);
  }
  void note_provider(const std::string& provider, std::string_view operation, Clock::time_point start) {
    providers_[provider][std::string(operation)] += since(start);
  }
  [[nodiscard]] const Durations& phases() const { return phases_; }
  [[nodiscard]] const std::map<std::string, Durations>& providers() const { return providers_; }

 private:
  static double since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  }

  Durations phases_;
  std::map<std::string, Durations> providers_;
};

}  // namespace vss::core
