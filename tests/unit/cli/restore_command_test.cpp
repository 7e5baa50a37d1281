// SPDX-License-Identifier: LGPL-2.1-or-later
// restore against a scripted vssd: which calls, in which order, and with which exit status.
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/private_bus.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/unit/cli/fake_vssd.hpp"
#include "tests/unit/cli/shop_document.hpp"
#include "tests/unit/cli/vssctl_test.hpp"

namespace vss::test {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;

class RestoreCommandTest : public VssctlTest {
 protected:
  RestoreCommandTest() : file_(bus_.directory() / "backup.json") {
    script_.document = shop_document();
    script_.status = {writer_status("shop", "stable")};
    script_.status.front()["class_id"] = sdbus::Variant{std::string("shop-class")};
    script_.status.front()["subscribe"] = sdbus::Variant{std::vector<std::string>{"backup", "restore"}};
    std::ofstream(file_) << script_.document;
  }

  int run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"restore", "--document", file_});
    return VssctlTest::run(arguments);
  }

  std::string file_;
};

TEST_F(RestoreCommandTest, TheCallsComeInTheOrderOfVss) {
  EXPECT_EQ(run({"--", "true"}), 0);
  EXPECT_THAT(log_.all(),
              ElementsAre("CreateRestore " + std::to_string(script_.document.size()),
                          "Restore.SetRestoreState by-copy", "Restore.GatherWriterMetadata",
                          "Restore.SetSelectedForRestore shop-class||/data yes", "Restore.PreRestore",
                          "Restore.GatherWriterStatus", "Restore.SaveDocument",
                          "Restore.SetFileRestoreStatus shop-class||/data all", "Restore.PostRestore",
                          "Restore.GatherWriterStatus", "Restore.Release"));
  EXPECT_THAT(errors_, HasSubstr("shop:log was not saved"));
}

TEST_F(RestoreCommandTest, OptionsAreToldToTheWriterBeforePreRestore) {
  EXPECT_EQ(
      run({"--component", "shop:data", "--option", "shop=to noon", "--authoritative", "--additional", "shop",
           "--new-target", "/srv=/new", "--into", "shop=instance-7", "--type", "other", "--", "true"}),
      0);
  const Calls all = log_.all();
  const Calls before(all.begin(), std::find(all.begin(), all.end(), "Restore.PreRestore"));
  EXPECT_THAT(before, IsSupersetOf({"Restore.SetRestoreState other",
                                    "Restore.SetSelectedForRestore shop-class||/data yesinstance-7",
                                    "Restore.SetRestoreOptions shop-class||/data to noon",
                                    "Restore.SetAuthoritativeRestore shop-class||/data yes",
                                    "Restore.SetAdditionalRestores shop-class||/data yes",
                                    "Restore.AddNewTarget shop-class||/data /srv/data * yes /new/data",
                                    "Restore.AddNewTarget shop-class||/data /srv/part * yes /new/part"}));
}

TEST_F(RestoreCommandTest, TheCommandFindsThePlan) {
  EXPECT_EQ(
      run({"--quiet", "--", "sh", "-c", "cat \"$VSS_RESTORE_PLAN\"; stat -c %a \"$VSS_RESTORE_PLAN\" >&2"}),
      0);
  EXPECT_EQ(json::parse(output_).at("components").at(0).at("file_sets").at(0).at("destination"), "/srv/data");
  EXPECT_THAT(errors_, HasSubstr("600\n"));
  EXPECT_EQ(run({"--json", "--", "sh", "-c", "echo \"$VSS_DOCUMENT\"; ls \"$VSS_RESTORE_PLAN\""}), 0);
  const std::string first = output_.substr(0, output_.find('\n'));
  EXPECT_EQ(json::parse(first).at("set_id"), "set-1");
  EXPECT_THAT(output_, HasSubstr("\n" + file_ + "\n"));
  const std::string plan = output_.substr(output_.find(file_) + file_.size() + 1);
  EXPECT_FALSE(std::filesystem::exists(plan.substr(0, plan.size() - 1))) << "it is gone with vssctl";
}

TEST_F(RestoreCommandTest, WhereTheWriterSentTheFilesIsToldBack) {
  json document = json::parse(script_.document);
  document["writers"][0]["components"][0]["restore_target"] = "alternate";
  script_.document = document.dump();
  EXPECT_EQ(run({"--", "true"}), 0);
  EXPECT_THAT(calls_after("Restore.SaveDocument"),
              Contains("Restore.AddAlternativeLocationMapping shop-class||/data /srv/data * yes /alt"));
}

TEST_F(RestoreCommandTest, ACommandThatFailsIsToldAndItsStatusIsOurs) {
  EXPECT_EQ(run({"--", "sh", "-c", "exit 42"}), 42);
  EXPECT_THAT(calls_after("Restore.SaveDocument"),
              ElementsAre("Restore.SetFileRestoreStatus shop-class||/data failed", "Restore.PostRestore",
                          "Restore.GatherWriterStatus", "Restore.Release"));
  EXPECT_EQ(run({"--", "/no/such/program"}), 127);
  EXPECT_THAT(log_.all(), Contains("Restore.SetFileRestoreStatus shop-class||/data none"));
}

TEST_F(RestoreCommandTest, APlanIsMadeWithoutAnyEvent) {
  EXPECT_EQ(run({"--plan", "--new-target", "/srv/data=/new", "--json"}), 0);
  EXPECT_THAT(log_.all(),
              ElementsAre("CreateRestore " + std::to_string(script_.document.size()), "Restore.Release"));
  EXPECT_EQ(json::parse(output_).at("components").at(0).at("file_sets").at(0).at("destination"), "/new");
  EXPECT_EQ(run({"--plan", "--", "true"}), 2);
  EXPECT_EQ(run({}), 2);
}

TEST_F(RestoreCommandTest, AWriterThatDoesNotRunIsNotFound) {
  script_.errors = {{"SetSelectedForRestore", "ObjectNotFound"}};
  EXPECT_EQ(run({"--", "true"}), 5);
  EXPECT_EQ(log_.all().back(), "Restore.Release");
  daemon_.reset();
  script_.status.clear();
  EXPECT_EQ(run({"--plan"}), 5);
}

// As SetSelectedForRestore decides, which a plan does not ask.
TEST_F(RestoreCommandTest, APlanIsRefusedWhenNoWriterWouldTakeTheRestore) {
  struct Running {
    const char* instance_name;
    const char* subscribe;
  };
  struct Row {
    const char* name;
    std::vector<Running> running;
    std::vector<std::string> more;
    int status;
  };
  const Row rows[] = {
      {"the one of that name", {{"", "restore"}}, {}, 0},
      {"the only one", {{"other", "restore"}}, {}, 0},
      {"one that does not subscribe", {{"", "backup"}}, {}, 5},
      {"one of two others", {{"other", "restore"}, {"third", "restore"}}, {}, 5},
      {"the only one that subscribes", {{"other", "restore"}, {"third", "backup"}}, {}, 0},
      {"one that is named", {{"other", "restore"}, {"third", "restore"}}, {"--into", "shop=third-id"}, 0},
      {"one that is not there", {{"other", "restore"}}, {"--into", "shop=third-id"}, 5},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    script_.status.clear();
    for (const Running& one : row.running) {
      Dict writer = writer_status("shop", "stable");
      writer["class_id"] = sdbus::Variant{std::string("shop-class")};
      writer["instance_name"] = sdbus::Variant{std::string(one.instance_name)};
      writer["instance_id"] = sdbus::Variant{std::string(one.instance_name) + "-id"};
      writer["subscribe"] = sdbus::Variant{std::vector<std::string>{one.subscribe}};
      script_.status.push_back(std::move(writer));
    }
    daemon_.reset();
    std::vector<std::string> arguments = row.more;
    arguments.emplace_back("--plan");
    EXPECT_EQ(run(arguments), row.status) << errors_;
  }
}

TEST_F(RestoreCommandTest, AWriterThatFailsInPreRestoreIsAnEndBeforeTheCommand) {
  script_.status = {writer_status("shop", "failed-at-pre-restore", "WriterNonRetryable", "stuck")};
  EXPECT_EQ(run({"--", "touch", bus_.directory() / "ran"}), 6);
  EXPECT_FALSE(std::filesystem::exists(bus_.directory() / "ran"));
  EXPECT_THAT(errors_, HasSubstr("stuck"));
  EXPECT_EQ(log_.all().back(), "Restore.Release");
  EXPECT_EQ(run({"--lenient", "--", "true"}), 0);
}

TEST_F(RestoreCommandTest, AnErrorOfAnyCallReleasesAndIsOurStatus) {
  const std::vector<std::pair<std::string, int>> rows = {{"CreateRestore", 1}, {"GatherWriterMetadata", 1},
                                                         {"PreRestore", 1},    {"SaveDocument", 1},
                                                         {"PostRestore", 1},   {"SetFileRestoreStatus", 1}};
  for (const auto& [method, status] : rows) {
    daemon_.reset();
    script_.errors = {{method, "InvalidDocument"}};
    EXPECT_EQ(run({"--", "true"}), status) << method;
    if (method != "CreateRestore") {
      EXPECT_EQ(log_.all().back(), "Restore.Release") << method;
    }
  }
}

TEST_F(RestoreCommandTest, ASignalDuringPreRestoreCancelsAndReleases) {
  script_.hang = {"PreRestore"};
  daemon_.emplace(script_, log_);
  VssctlProcess process({"restore", "--document", file_, "--", "true"});
  ASSERT_TRUE(log_.wait_for("Restore.PreRestore"));
  process.signal(SIGINT);
  EXPECT_EQ(process.wait(), 128 + SIGINT);
  EXPECT_THAT(calls_after("Restore.PreRestore"), ElementsAre("Restore.Cancel", "Restore.Release"));
}

TEST_F(RestoreCommandTest, SignalsArePassedToTheCommandAndWritersHearOfIt) {
  daemon_.emplace(script_, log_);
  VssctlProcess process({"restore", "--quiet", "--document", file_, "--", "sh", "-c",
                         "echo ready; exec tail --pid=" + std::to_string(::getpid()) + " -f /dev/null"});
  ASSERT_TRUE(wait_until([&] { return process.output() == "ready\n"; }, std::chrono::seconds(10)));
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait(), 128 + SIGTERM);
  EXPECT_THAT(log_.all(), IsSupersetOf({"Restore.SetFileRestoreStatus shop-class||/data failed",
                                        "Restore.PostRestore", "Restore.Release"}));
}

TEST_F(RestoreCommandTest, TheCommandIsEndedWhenTheDaemonDies) {
  daemon_.emplace(script_, log_);
  VssctlProcess process({"restore", "--quiet", "--document", file_, "--", "sh", "-c",
                         "echo ready; exec tail --pid=" + std::to_string(::getpid()) + " -f /dev/null"});
  ASSERT_TRUE(wait_until([&] { return process.output() == "ready\n"; }, std::chrono::seconds(10)));
  daemon_.reset();
  EXPECT_EQ(process.wait(), 75);
}

TEST_F(RestoreCommandTest, AFileThatIsNoDocumentIsRefusedHere) {
  std::filesystem::remove(file_);
  EXPECT_EQ(run({"--", "true"}), 5);
  std::filesystem::create_directory(file_);
  EXPECT_EQ(run({"--", "true"}), 1);
  std::filesystem::remove(file_);
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  EXPECT_EQ(run({"--", "true"}), 1) << "it does not wait for somebody who writes to the pipe";
  std::filesystem::remove(file_);
  std::ofstream(file_).close();
  std::filesystem::resize_file(file_, (std::uintmax_t{64} << 20) + 1);
  EXPECT_EQ(run({"--", "true"}), 1);
  EXPECT_THAT(log_.all(), Not(Contains(HasSubstr("CreateRestore"))));
}

}  // namespace
}  // namespace vss::test
