// SPDX-License-Identifier: LGPL-2.1-or-later
// A backup made on one root, restored on another: a second vssd with a bus, a state and a writer of its own,
// on another filesystem. All that goes from one to the other are the document and the copied files.
// vss.md 1.5.
#include <sys/mount.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/loop/vssd/file_tree.hpp"
#include "tests/loop/vssd/volumes.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/mount_namespace.hpp"
#include "tests/support/private_bus.hpp"
#include "tests/support/vssd_process.hpp"
#include "tests/support/wait_until.hpp"

namespace vss::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string contents(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// A machine, as far as vssd sees one.
class Root {
 public:
  explicit Root(fs::path directory) : directory_(std::move(directory)) {
    fs::create_directories(directory_);
    vssd_ = std::make_unique<VssdProcess>(bus_);
  }

  // vss-writer-command with one component, `data`, that notes its events. Returns when it is registered.
  void start_writer(const fs::path& data) {
    const fs::path script = directory_ / "event";
    std::ofstream(script) << "#!/bin/sh\necho $VSS_EVENT $VSS_RESTORE_STATUS >> " << events_file().string()
                          << "\n";
    fs::permissions(script, fs::perms(0755));
    std::ofstream config(directory_ / "writer.toml");
    config << "name = \"shop\"\nclass_id = \"5b0a4a5e-0f6c-4c43-9d3e-0c1a3c1f7b61\"\nnew_target = "
              "true\npaths = [\""
           << data.string() << "\"]\n";
    for (const char* event : {"freeze", "thaw", "pre_restore", "post_restore", "restore_shutdown"})
      config << "[events." << event << "]\ncommand = [\"" << script.string() << "\"]\n";
    config.close();
    writer_.emplace(std::vector<std::string>{VSS_WRITER_COMMAND, "--config", directory_ / "writer.toml"},
                    environment(), directory_ / "writer.log");
    ASSERT_TRUE(wait_until(
        [&] {
          return vssctl({"list", "writers", "--json"}).out.find("shop") != std::string::npos;
        },
        30s))
        << writer_->output();
  }

  struct Ended {
    int status = -1;
    std::string out;  // standard error too
  };
  Ended vssctl(const std::vector<std::string>& arguments) {
    ChildProcess process = start(arguments);
    const std::optional<int> status = process.wait(60s);
    return {status.value_or(-1), process.output()};
  }
  ChildProcess start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), VSSCTL_PROGRAM);
    return {arguments, environment(), directory_ / ("vssctl." + std::to_string(++runs_))};
  }

  [[nodiscard]] std::vector<std::string> events() const {
    std::vector<std::string> lines;
    std::istringstream text(contents(events_file()));
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }

 private:
  [[nodiscard]] ChildProcess::Environment environment() const {
    return {{"DBUS_SYSTEM_BUS_ADDRESS", bus_.address()}};
  }
  [[nodiscard]] fs::path events_file() const { return directory_ / "events"; }

  fs::path directory_;
  PrivateBus bus_;
  std::unique_ptr<VssdProcess> vssd_;
  std::optional<ChildProcess> writer_;
  int runs_ = 0;
};

class TwoRoots : public testing::Test {
 protected:
  TwoRoots() {
    private_mount_namespace();
    first_ =
        std::make_unique<LoopFilesystem>(LoopFilesystem::create(directory_.path(), "first", "btrfs", 200));
    second_ =
        std::make_unique<LoopFilesystem>(LoopFilesystem::create(directory_.path(), "second", "btrfs", 200));
    volume_ = Volumes::add_subvolumes(*first_, 1).front();
    data_ = volume_ / "data";
    make_file_tree(data_);
    before_ = describe_tree(data_);
    back_up();
    other_ = std::make_unique<Root>(directory_.path() / "other");
  }
  ~TwoRoots() override {
    other_.reset();
    if (is_covered_) ::umount2(first_->mount_point().c_str(), MNT_DETACH);
  }

  // The snapshots stand where the data is, for the command alone; they are read-only, which tells them apart.
  void look_in_place(Root& root) const {
    const std::string top = (data_ / "top").string();
    const auto looked = root.vssctl(
        {"run", "--in-place", "-v", volume_, "--", "sh", "-c", "cat " + top + " && ! touch " + top});
    EXPECT_EQ(looked.status, 0) << looked.out;
    EXPECT_THAT(looked.out, HasSubstr("later\n"));
    std::ofstream live(top);
    EXPECT_TRUE(live) << "here it is as before";
    EXPECT_EQ(root.vssctl({"run", "--in-place", "-v", volume_, "--", "/no/such/program"}).status, 127);
    const std::filesystem::path here = std::filesystem::current_path();
    std::filesystem::current_path(data_);
    const auto within =
        root.vssctl({"run", "--in-place", "-v", ".", "--", "sh", "-c", "cat top && ! touch top"});
    std::filesystem::current_path(here);
    EXPECT_EQ(within.status, 0) << "who stands in the volume stands in its snapshot: " << within.out;
  }

  // The first root is gone afterwards, and its path shows another filesystem, without data.
  void back_up() {
    {
      Root root(directory_.path() / "one");
      root.start_writer(data_);
      // What is written after the snapshot is in no copy.
      const std::string command = "echo later > " + (data_ / "top").string() + "; rm -r " +
                                  (data_ / "deep" / "er").string() +
                                  "; cp -a --sparse=always \"$VSS_SNAPSHOT_1/data\" " + copies().string();
      const auto made = root.vssctl(
          {"run", "-v", volume_, "--writer", "shop", "--document", document(), "--", "sh", "-c", command});
      ASSERT_EQ(made.status, 0) << made.out;
      EXPECT_THAT(root.events(), ElementsAre("Freeze", "Thaw"));
      look_in_place(root);
    }
    first_->unmount();
    fs::create_directories(second_->mount_point() / volume_.filename());
    ASSERT_EQ(
        ::mount(second_->mount_point().c_str(), first_->mount_point().c_str(), nullptr, MS_BIND, nullptr), 0);
    is_covered_ = true;
    ASSERT_FALSE(fs::exists(data_));
  }

  [[nodiscard]] fs::path copies() const { return second_->mount_point() / "copies"; }
  [[nodiscard]] fs::path document() const { return directory_.path() / "backup.json"; }

  // What somebody's backup tool does: it reads the plan.
  [[nodiscard]] std::string copy_back() const {
    return "to=$(sed -n 's/.*\"destination\": \"\\(.*\\)\",*$/\\1/p' \"$VSS_RESTORE_PLAN\"); cp -a "
           "--sparse=always " +
           copies().string() + " \"$to\"";
  }

  TempDir directory_;
  std::unique_ptr<LoopFilesystem> first_;
  std::unique_ptr<LoopFilesystem> second_;
  fs::path volume_;
  fs::path data_;
  std::vector<std::string> before_;
  std::unique_ptr<Root> other_;
  bool is_covered_ = false;
};

TEST_F(TwoRoots, TheDocumentAndTheFilesAreAllThatTheOtherOneNeeds) {
  EXPECT_EQ(fs::status(document()).permissions(), fs::perms(0600));
  const json saved = json::parse(contents(document()));
  EXPECT_EQ(saved.at("state"), "completed");
  EXPECT_EQ(saved.at("writers").at(0).at("components").at(0).at("backup_succeeded"), true);
  other_->start_writer(data_);
  const auto done = other_->vssctl({"restore", "--document", document(), "--", "sh", "-c", copy_back()});
  ASSERT_EQ(done.status, 0) << done.out;
  EXPECT_EQ(describe_tree(data_), before_);
  EXPECT_THAT(other_->events(), ElementsAre("PreRestore", "PostRestore all", "RestoreShutdown"));
}

TEST_F(TwoRoots, ANewTargetGetsTheSameFiles) {
  other_->start_writer(data_);
  const fs::path target = volume_ / "elsewhere";
  const auto done =
      other_->vssctl({"restore", "--document", document(), "--component", "shop", "--new-target",
                      data_.string() + "=" + target.string(), "--", "sh", "-c", copy_back()});
  ASSERT_EQ(done.status, 0) << done.out;
  EXPECT_EQ(describe_tree(target), before_);
  EXPECT_FALSE(fs::exists(data_));
}

TEST_F(TwoRoots, APlanTellsNoWriterAnything) {
  other_->start_writer(data_);
  const auto plan = other_->vssctl({"restore", "--document", document(), "--plan", "--json"});
  ASSERT_EQ(plan.status, 0) << plan.out;
  const json files = json::parse(plan.out).at("components").at(0).at("file_sets").at(0);
  EXPECT_EQ(files.at("destination"), data_.string());
  EXPECT_EQ(files.at("volume"), volume_.string());
  EXPECT_THAT(other_->events(), IsEmpty());
}

TEST_F(TwoRoots, WhatCannotBeRestoredIsRefusedBeforeAnyFileIsTouched) {
  const std::string whole = contents(document());
  std::ofstream(directory_.path() / "truncated.json") << whole.substr(0, whole.size() / 2);
  json newer = json::parse(whole);
  newer["version"] = 2;
  std::ofstream(directory_.path() / "newer.json") << newer.dump();
  struct Row {
    const char* document;
    int status;
    const char* error;
  };
  const auto refuse = [&](const Row& row) {
    const fs::path ran = directory_.path() / "ran";
    const auto refused = other_->vssctl(
        {"restore", "--document", directory_.path() / row.document, "--", "touch", ran.string()});
    EXPECT_EQ(refused.status, row.status) << row.document << ": " << refused.out;
    EXPECT_THAT(refused.out, HasSubstr(row.error)) << row.document;
    EXPECT_FALSE(fs::exists(ran)) << row.document;
  };
  refuse({"backup.json", 5, "no writer of class"});  // none runs here yet
  other_->start_writer(data_);
  refuse({"truncated.json", 1, "InvalidDocument"});
  refuse({"newer.json", 1, "version"});
  refuse({"missing.json", 5, "ObjectNotFound"});
  EXPECT_THAT(other_->events(), IsEmpty());
}

TEST_F(TwoRoots, ACommandThatFailsIsToldToTheWriterInPostRestore) {
  other_->start_writer(data_);
  const auto done = other_->vssctl({"restore", "--document", document(), "--", "sh", "-c", "exit 7"});
  EXPECT_EQ(done.status, 7) << done.out;
  EXPECT_THAT(other_->events(), ElementsAre("PreRestore", "PostRestore failed", "RestoreShutdown"));
  const auto missing = other_->vssctl({"restore", "--document", document(), "--", "/no/such/program"});
  EXPECT_EQ(missing.status, 127) << missing.out;
  EXPECT_EQ(other_->events().at(4), "PostRestore none");
}

TEST_F(TwoRoots, TheDeathOfVssctlInBetweenIsRestoreShutdown) {
  other_->start_writer(data_);
  // Nobody ends the command but the end of this process.
  const std::string copy = "echo copying; exec tail -f /dev/null --pid=" + std::to_string(::getpid());
  ChildProcess vssctl = other_->start({"restore", "--document", document(), "--", "sh", "-c", copy});
  ASSERT_TRUE(vssctl.wait_for_output("copying", 30s)) << vssctl.output();
  vssctl.kill9();
  EXPECT_TRUE(wait_until([&] { return other_->events().size() == 2; }, 20s));
  EXPECT_THAT(other_->events(), ElementsAre("PreRestore", "RestoreShutdown"));
  // Nothing of it is in the way of the next one.
  const auto done = other_->vssctl({"restore", "--document", document(), "--", "sh", "-c", copy_back()});
  EXPECT_EQ(done.status, 0) << done.out;
  EXPECT_EQ(describe_tree(data_), before_);
}

TEST_F(TwoRoots, AScriptMakesTheSameRestore) {
  other_->start_writer(data_);
  const fs::path copy = directory_.path() / "copy.sh";
  std::ofstream(copy) << "#!/bin/sh\n" << copy_back() << "\n";
  fs::permissions(copy, fs::perms(0755));
  std::ofstream(directory_.path() / "restore.vss")
      << "load metadata " << document().string()
      << "   # of the other machine\nsimulate restore\nrestore options shop "
      << "'go on'\nbegin restore\nshow session\nshow components shop\nlist writers status\nexec "
      << copy.string() << "\nrestore status shop all\nend restore\n";
  const auto done = other_->vssctl({"script", "--json", directory_.path() / "restore.vss"});
  ASSERT_EQ(done.status, 0) << done.out;
  EXPECT_EQ(describe_tree(data_), before_);
  EXPECT_THAT(other_->events(), ElementsAre("PreRestore", "PostRestore all", "RestoreShutdown"));
}

}  // namespace
}  // namespace vss::test
