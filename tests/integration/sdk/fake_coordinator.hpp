// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What a writer sees of vssd: owns org.vssd.Vss1, takes registrations, sends what the test says.

#include <sdbus-c++/sdbus-c++.h>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace vss::test {

using Dictionary = std::map<std::string, sdbus::Variant>;

class FakeCoordinator {
 public:
  struct Registration {
    std::string sender;
    std::string path;
    Dictionary properties;
    std::string instance;
  };

  // `own_name` false: a stranger on the bus.
  explicit FakeCoordinator(bool own_name = true);
  // Leaves the bus as a process does that is killed.
  ~FakeCoordinator();

  // Registrations answer this error until it is "" again.
  void refuse_with(const std::string& error_name);

  [[nodiscard]] std::vector<Registration> registrations() const;
  [[nodiscard]] int refusals() const;
  // Waits for the registration with this number, from 1; throws when it does not come.
  [[nodiscard]] Registration registration(std::size_t number = 1) const;

  // Sends an event to a writer and waits for the answer. Throws sdbus::Error.
  Dictionary send(const Registration& writer, const std::string& event, const std::string& session,
                  const std::string& set, const Dictionary& args = {});
  std::string identify(const Registration& writer);

 private:
  std::string take(const std::string& path, const Dictionary& properties);

  mutable std::mutex mutex_;
  std::vector<Registration> registrations_;
  std::string refusal_;
  int refusals_ = 0;
  std::unique_ptr<sdbus::IConnection> connection_;
  std::unique_ptr<sdbus::IObject> manager_;
  std::thread loop_;
};

}  // namespace vss::test
