// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What a client sees of systemd's freezing of units: owns org.freedesktop.systemd1 on the bus of the test,
// and keeps the control groups as directories with the files that the kernel has there.

#include <sdbus-c++/sdbus-c++.h>

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace vss::test {

class FakeSystemd {
 public:
  // Late: not even read, as nothing else after it, until end_delay(); then it is told to freeze.
  enum class Answer { Yes, No, Never, Late };

  // `cgroups`: where the control groups are made.
  explicit FakeSystemd(std::filesystem::path cgroups);
  // Leaves the bus as a process does that is killed.
  ~FakeSystemd();
  FakeSystemd(const FakeSystemd&) = delete;
  FakeSystemd& operator=(const FakeSystemd&) = delete;

  // Before start(). A unit that is active has the control group /system.slice/NAME.
  void add_unit(const std::string& name, const std::string& active_state = "active",
                const std::string& load_state = "loaded");
  void start();

  // To FreezeUnit of this unit.
  void answer(const std::string& unit, Answer answer);
  void end_delay();
  // One that was added as inactive.
  void start_unit(const std::string& name);
  // What the kernel shows.
  void set_frozen(const std::string& unit, bool frozen) const;
  // "FreezeUnit NAME" and "ThawUnit NAME", in order.
  [[nodiscard]] std::vector<std::string> calls() const;

 private:
  struct Unit {
    std::string name;
    std::string active_state;
    std::string load_state;
    std::uint64_t started = 1;
    Answer answer = Answer::Yes;
    std::unique_ptr<sdbus::IObject> object;
  };
  [[nodiscard]] static std::string path_of(std::size_t index);
  [[nodiscard]] std::filesystem::path group_of(const std::string& unit) const;
  void show(Unit& unit, const std::string& path);
  void freeze(sdbus::Result<>&& result, const std::string& name);
  void thaw(const std::string& name);
  void tell(const std::string& unit, bool frozen) const;
  [[nodiscard]] bool stands_still(const std::string& unit) const;
  sdbus::ObjectPath load(const std::string& name);

  const std::filesystem::path cgroups_;
  mutable std::mutex mutex_;
  std::condition_variable delay_;
  bool is_delay_over_ = false;
  std::vector<std::string> calls_;
  std::unique_ptr<sdbus::IConnection> connection_;
  std::vector<std::unique_ptr<Unit>> units_;
  std::vector<sdbus::Result<>> unanswered_;
  std::unique_ptr<sdbus::IObject> manager_;
  std::thread loop_;
};

}  // namespace vss::test
