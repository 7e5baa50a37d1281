// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A recording writer on a bus of its own, against a coordinator that does what the test says.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/sdk/fake_coordinator.hpp"
#include "tests/integration/sdk/recording_writer.hpp"
#include "tests/support/private_bus.hpp"
#include "tests/support/wait_until.hpp"

namespace vss::test {

using Strings = std::vector<std::string>;

inline constexpr auto kLimit = std::chrono::seconds(20);
inline constexpr const char* kSession = "aaaaaaaa-0000-4000-8000-000000000001";
inline constexpr const char* kSet = "11111111-0000-4000-8000-000000000001";
inline constexpr const char* kOtherSession = "bbbbbbbb-0000-4000-8000-000000000002";
inline constexpr const char* kOtherSet = "22222222-0000-4000-8000-000000000002";
inline constexpr const char* kNull = "00000000-0000-0000-0000-000000000000";

class WriterOnBus : public testing::Test {
 protected:
  WriterOnBus() { setenv("DBUS_SYSTEM_BUS_ADDRESS", bus_.address().c_str(), 1); }

  void begin() {
    coordinator_ = std::make_unique<FakeCoordinator>();
    subscription_ = std::make_unique<Subscription>(writer_.subscribe());
    registration_ = coordinator_->registration();
  }
  Dictionary send(const std::string& event, const std::string& session = kSession,
                  const std::string& set = kSet, const Dictionary& args = {}) {
    return coordinator_->send(registration_, event, session, set, args);
  }
  std::string send_error(const std::string& event, const std::string& session = kSession,
                         const Dictionary& args = {}) {
    try {
      send(event, session, kSet, args);
    } catch (const sdbus::Error& error) {
      return error.getName();
    }
    return "no error";
  }
  void send_all(const Strings& events) {
    for (const std::string& event : events) EXPECT_THAT(send(event), testing::IsEmpty()) << event;
  }
  void expect_events(const Strings& events) {
    EXPECT_TRUE(wait_until([&] { return writer_.events() == events; }, kLimit))
        << testing::PrintToString(writer_.events());
  }

  PrivateBus bus_;
  RecordingWriter writer_;
  std::unique_ptr<FakeCoordinator> coordinator_;
  FakeCoordinator::Registration registration_;
  std::unique_ptr<Subscription> subscription_;  // ends before the writer
};

template <typename T>
T at(const Dictionary& dictionary, const std::string& key) {
  const auto found = dictionary.find(key);
  return found == dictionary.end() ? T{} : found->second.get<T>();
}

}  // namespace vss::test
