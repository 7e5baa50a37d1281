// SPDX-License-Identifier: LGPL-2.1-or-later
// The SDK on a real bus, against a coordinator that does what the test says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/integration/sdk/fake_coordinator.hpp"
#include "tests/integration/sdk/recording_writer.hpp"
#include "tests/support/private_bus.hpp"
#include "tests/support/wait_until.hpp"

namespace vss::test {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using Strings = std::vector<std::string>;

constexpr auto kLimit = 20s;
constexpr const char* kSession = "aaaaaaaa-0000-4000-8000-000000000001";
constexpr const char* kSet = "11111111-0000-4000-8000-000000000001";
constexpr const char* kOtherSession = "bbbbbbbb-0000-4000-8000-000000000002";
constexpr const char* kOtherSet = "22222222-0000-4000-8000-000000000002";
constexpr const char* kNull = "00000000-0000-0000-0000-000000000000";

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
  std::string send_error(const std::string& event, const std::string& session = kSession) {
    try {
      send(event, session);
    } catch (const sdbus::Error& error) {
      return error.getName();
    }
    return "no error";
  }
  void send_all(const Strings& events) {
    for (const std::string& event : events) EXPECT_THAT(send(event), ElementsAre()) << event;
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

TEST_F(WriterOnBus, RegistersWithWhatTheConfigurationSays) {
  begin();
  EXPECT_EQ(at<std::string>(registration_.properties, "name"), "recorder");
  EXPECT_EQ(at<std::string>(registration_.properties, "class_id"), kClassId);
  EXPECT_EQ(at<std::string>(registration_.properties, "level"), "front-end");
  EXPECT_EQ(at<std::uint32_t>(registration_.properties, "freeze_timeout"), 60000U);
  EXPECT_TRUE(wait_until([&] { return !writer_.states().empty(); }, kLimit));
  EXPECT_THAT(writer_.states(), Contains(StartsWith("registered")));
}

TEST_F(WriterOnBus, EveryEventReachesItsHandlerInOrder) {
  begin();
  send_all({"PrepareForBackup", "PrepareForSnapshot", "Freeze", "Thaw", "PostSnapshot", "BackupComplete",
            "BackupShutdown"});
  expect_events({"prepare_backup:aaaaaaaa", "prepare_snapshot:aaaaaaaa", "freeze:aaaaaaaa", "thaw:aaaaaaaa",
                 "post_snapshot:aaaaaaaa", "backup_complete:aaaaaaaa", "backup_shutdown:aaaaaaaa:11111111"});
}

TEST_F(WriterOnBus, IdentifyAnswersTheMetadataDocument) {
  begin();
  const auto document = nlohmann::json::parse(coordinator_->identify(registration_));
  EXPECT_EQ(document["version"], 1);
  EXPECT_EQ(document["writer"]["class_id"], kClassId);
  EXPECT_EQ(document["components"][0]["files"][0]["path"], "/srv/db");
  EXPECT_EQ(document["exclude_files"][0]["path"], "/srv/db/tmp");
}

}  // namespace
}  // namespace vss::test
