// SPDX-License-Identifier: LGPL-2.1-or-later
// The commands that look and delete, their JSON, and the exit status of every error that vssd can answer.

#include <signal.h>
#include <stdlib.h>

#include <chrono>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "daemon/cli/exit_codes.hpp"
#include "tests/support/private_bus.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/unit/cli/fake_vssd.hpp"
#include "tests/unit/cli/vssctl_process.hpp"

namespace vss::test {
namespace {

using nlohmann::json;

class InspectTest : public testing::Test {
 protected:
  InspectTest() { ::setenv("DBUS_SYSTEM_BUS_ADDRESS", bus_.address().c_str(), 1); }

  struct Run {
    int status;
    std::string output;
    std::string errors;
  };

  static Run run(const std::vector<std::string>& arguments) {
    VssctlProcess process(arguments);
    process.close_input();
    const int status = process.wait();
    return {status, process.output(), process.errors()};
  }

  PrivateBus bus_;
  CallLog log_;
};

TEST_F(InspectTest, EveryCommandPrintsJsonOnOneLine) {
  Script script;
  script.snapshots = {snapshot_of("/srv", "/run/vssd/snapshots/s/1")};
  script.status = {writer_status("pg", "stable")};
  script.failures = {failure_of("pg", "Freeze", "no room")};
  const FakeVssd daemon(script, log_);
  struct Row {
    std::vector<std::string> arguments;
    const char* pointer;
    json expected;
  };
  const std::vector<Row> rows = {
      {{"list", "writers"}, "/0/name", "pg"},
      {{"list", "failures"}, "/0/message", "no room"},
      {{"list", "providers"}, "/0/priority", 10},
      {{"list", "volumes"}, "/0/path", "/srv"},
      {{"list", "snapshots"}, "/0/volume", "/srv"},
      {{"show", kSetId}, "/snapshots/0/path", "/run/vssd/snapshots/s/1"},
      {{"show", "99999999-2222-4333-8444-555555555555"}, "/volume", "/srv"},
      {{"status"}, "/version", "9.9"},
      {{"gc"}, "/removed", 3},
      {{"delete", "--set", kSetId}, "/deleted", 2},
      {{"expose", kSetId, "/mnt/x"}, "/exposed", "/resolved/mnt/x"},
      {{"unexpose", kSetId}, "/snapshot_id", kSetId},
      {{"reset-writer", kSetId}, "/instance_id", kSetId},
      {{"list", "storage"}, "/0/used", 1048576},
      {{"break", kSetId}, "/0/location", "/.vssd/x"},
      {{"revert", kSetId}, "/state", "done"},
      {{"revert-status", "/srv"}, "/percent", 40},
      {{"resize-storage", "/srv", "2GiB"}, "/maximum", 2147483648},
  };
  for (const Row& row : rows) {
    std::vector<std::string> arguments = row.arguments;
    arguments.emplace_back("--json");
    const Run result = run(arguments);
    EXPECT_EQ(result.status, 0) << row.arguments.front();
    EXPECT_EQ(result.output.find('\n'), result.output.size() - 1);
    EXPECT_EQ(json::parse(result.output).at(json::json_pointer(row.pointer)), row.expected);
    const Run text = run(row.arguments);
    EXPECT_EQ(text.status, 0);
    EXPECT_FALSE(text.output.empty());
  }
}

TEST_F(InspectTest, EveryErrorHasItsExitStatusAndItsJson) {
  const std::vector<ErrorCode> all = {
#define VSS_ERROR(name, vss_code, text) ErrorCode::name,
#include "dbus/error_names.def"
#undef VSS_ERROR
  };
  for (const ErrorCode code : all) {
    Script script;
    script.errors = {{"GetStatus", std::string(to_string(code))}};
    const FakeVssd daemon(script, log_);
    const Run result = run({"status", "--json"});
    EXPECT_EQ(result.status, static_cast<int>(cli::exit_code(code))) << to_string(code);
    const json error = json::parse(result.output)["error"];
    EXPECT_EQ(error["name"], to_string(code));
    EXPECT_EQ(error["transient"], is_transient(code));
    EXPECT_EQ(std::stoul(error["vss_code"].get<std::string>(), nullptr, 16), vss_code(code));
  }
}

TEST_F(InspectTest, WithoutADaemonOrABusTheStatusIsEight) {
  EXPECT_EQ(run({"status"}).status, 8);
  EXPECT_EQ(run({"create", "-v", "/"}).status, 8);
  EXPECT_EQ(run({"monitor"}).status, 8);
  ::setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
  EXPECT_EQ(run({"status"}).status, 8);
}

TEST_F(InspectTest, AMistakeOnTheCommandLineIsTwo) {
  const std::vector<std::vector<std::string>> mistakes = {
      {},
      {"nonsense"},
      {"create"},
      {"run", "-v", "/srv"},
      {"list", "nonsense"},
      {"status", "--", "command"},
      {"delete"},
      {"delete", "--set", "x", "--all"},
      {"create", "-v", "/", "--context", "nonsense"},
      {"create", "-v", "/", "--context", "backup", "--persistent"},
      {"delete", "--all"},  // nobody can be asked
      {"expose", "x"},
      {"unexpose"},
      {"reset-writer"},
      {"break"},
      {"revert"},
      {"revert-status"},
      {"resize-storage", "/srv"},
      {"resize-storage", "/srv", "much"},
      {"resize-storage", "/srv", "0"},
      {"resize-storage", "/srv", "-1GiB"},
  };
  for (const auto& arguments : mistakes) {
    EXPECT_EQ(run(arguments).status, 2) << (arguments.empty() ? "nothing" : arguments.back());
  }
  EXPECT_EQ(run({"--help"}).status, 0);
  EXPECT_EQ(run({"--version"}).output, "vssctl " VSSD_VERSION "\n");
}

TEST_F(InspectTest, WhatIsNotThereIsNotFound) {
  const FakeVssd daemon({}, log_);
  EXPECT_EQ(run({"show", kSetId}).status, 5);
}

TEST_F(InspectTest, DeletePassesKindIdAndForce) {
  const FakeVssd daemon({}, log_);
  EXPECT_EQ(run({"delete", "--oldest", "/srv", "--force"}).status, 0);
  EXPECT_EQ(run({"delete", "--all", "--yes"}).status, 0);
  EXPECT_THAT(log_.all(), testing::ElementsAre("DeleteSnapshots oldest /srv force", "DeleteSnapshots all "));
}

TEST_F(InspectTest, ExposingPassesIdAndPathAndPrintsWhereItIs) {
  const FakeVssd daemon({}, log_);
  EXPECT_EQ(run({"expose", kSetId, "/mnt/x"}).output, "/resolved/mnt/x\n");
  EXPECT_EQ(run({"unexpose", kSetId}).status, 0);
  EXPECT_EQ(run({"reset-writer", kSetId}).status, 0);
  EXPECT_THAT(log_.all(), testing::ElementsAre(std::string("ExposeSnapshot ") + kSetId + " /mnt/x",
                                               std::string("UnexposeSnapshot ") + kSetId,
                                               std::string("ResetWriter ") + kSetId));
}

TEST_F(InspectTest, ErrorsOfExposingHaveTheirExitStatus) {
  const std::pair<const char*, int> rows[] = {
      {"ObjectNotFound", 5}, {"ObjectAlreadyExists", 1}, {"VolumeInUse", 1},  {"InvalidArgument", 2},
      {"AccessDenied", 4},   {"UnsupportedContext", 7},  {"NotSupported", 7},
  };
  for (const auto& [error, status] : rows) {
    Script script;
    script.errors = {{"ExposeSnapshot", error}, {"UnexposeSnapshot", error}, {"ResetWriter", error}};
    const FakeVssd daemon(script, log_);
    EXPECT_EQ(run({"expose", kSetId, "/mnt/x"}).status, status) << error;
    EXPECT_EQ(run({"unexpose", kSetId}).status, status) << error;
    EXPECT_EQ(run({"reset-writer", kSetId}).status, status) << error;
  }
}

TEST_F(InspectTest, BreakRevertAndResizePassWhatTheyAreGiven) {
  const FakeVssd daemon({}, log_);
  EXPECT_EQ(run({"break", kSetId}).status, 0);
  EXPECT_EQ(run({"break", kSetId, "--writable"}).status, 0);
  EXPECT_EQ(run({"revert", "s"}).status, 0);
  EXPECT_EQ(run({"revert", "s", "--force", "--yes"}).status, 0);
  EXPECT_EQ(run({"resize-storage", "/srv", "none"}).status, 0);
  EXPECT_EQ(run({"resize-storage", "s", "10MiB"}).status, 0);
  EXPECT_THAT(log_.all(), testing::ElementsAre("BreakSnapshotSet " + std::string(kSetId),
                                               "BreakSnapshotSet " + std::string(kSetId) + " writable",
                                               "RevertToSnapshot s", "RevertToSnapshot s force",
                                               "ResizeStorage /srv 0", "ResizeStorage s 10485760"));
}

TEST_F(InspectTest, ARefusedRevertHasItsExitStatus) {
  for (const auto& [error, status] :
       {std::pair("VolumeInUse", 1), std::pair("RevertInProgress", 1), std::pair("UnsupportedContext", 7),
        std::pair("ObjectNotFound", 5), std::pair("NotSupported", 7)}) {
    Script script;
    script.errors = {{"RevertToSnapshot", error}};
    const FakeVssd daemon(script, log_);
    EXPECT_EQ(run({"revert", "s"}).status, status) << error;
  }
}

TEST_F(InspectTest, MonitorPrintsOneObjectForEachSignalAndSurvivesTheDaemon) {
  std::optional<FakeVssd> daemon(std::in_place, Script{}, log_);
  VssctlProcess process({"monitor", "--json"});
  ASSERT_TRUE(log_.wait_for("Version"));
  daemon->emit_event("pg", "Freeze");
  daemon->emit_event("pg", "Thaw");
  const auto lines = [&] {
    std::vector<json> parsed;
    std::istringstream text(process.output());
    for (std::string line; std::getline(text, line) && !text.eof();) parsed.push_back(json::parse(line));
    return parsed;
  };
  ASSERT_TRUE(wait_until([&] { return lines().size() == 2; }, std::chrono::seconds(10)));
  EXPECT_EQ(lines()[0]["event"], "Freeze");
  EXPECT_EQ(lines()[1]["event"], "Thaw");
  EXPECT_EQ(lines()[1]["duration_ms"], 1.5);
  daemon.reset();
  ASSERT_TRUE(wait_until([&] { return lines().size() == 3; }, std::chrono::seconds(10)));
  EXPECT_EQ(lines()[2]["signal"], "DaemonGone");
  process.signal(SIGINT);
  EXPECT_EQ(process.wait(), 128 + SIGINT);
}

}  // namespace
}  // namespace vss::test
