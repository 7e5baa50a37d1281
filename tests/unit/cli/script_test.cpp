// SPDX-License-Identifier: LGPL-2.1-or-later
// Scripts against a scripted vssd: which calls each command makes, and where a script stops.
#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "daemon/cli/script_forms.hpp"
#include "tests/support/private_bus.hpp"
#include "tests/unit/cli/fake_vssd.hpp"
#include "tests/unit/cli/shop_document.hpp"
#include "tests/unit/cli/vssctl_test.hpp"

namespace vss::test {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

class ScriptTest : public VssctlTest {
 protected:
  ScriptTest()
      : volume_(bus_.directory()), file_(volume_ + "/script.vss"), document_(volume_ + "/backup.json") {
    script_.volumes = {{volume_, volume_}, {"/proc", "/proc"}};
    script_.writers = {writer_with_files("pg", {volume_ + "/data"})};
    script_.status = {writer_status("pg", "stable"), writer_status("shop", "stable")};
    script_.status.back()["class_id"] = sdbus::Variant{std::string("shop-class")};
    script_.status.back()["subscribe"] = sdbus::Variant{std::vector<std::string>{"backup", "restore"}};
    script_.snapshots = {snapshot_of(volume_, "/run/vssd/snapshots/s/1")};
    script_.document = shop_document();
    std::ofstream(document_) << script_.document;
  }

  int run(const std::string& lines, std::vector<std::string> options = {}) {
    std::ofstream(file_) << lines;
    options.insert(options.begin(), {"script", file_});
    return VssctlTest::run(options);
  }

  // What one line, after the lines in front of it, has called last.
  [[nodiscard]] bool called(const std::string& call) const {
    const Calls all = log_.all();
    return std::find(all.begin(), all.end(), call) != all.end();
  }

  std::string volume_;
  std::string file_;
  std::string document_;
};

TEST_F(ScriptTest, AWholeBackupOfDiskShadow) {
  EXPECT_EQ(
      run("# the script of the documentation\nset context persistent\nset metadata " + document_ +
          "\nset verbose on\nbegin backup\nadd volume " + volume_ +
          " alias a\ncreate\nexpose %a% /mnt/p\nexec /bin/sh -c 'echo \"$a|$VSS_SHADOW_SET|$VSS_SET_ID\"'\n"
          "end backup\n"),
      0)
      << errors_;
  EXPECT_THAT(
      log_.all(),
      ElementsAre("IsVolumeSupported " + volume_, "CreateBackup policy=strict lock_timeout=0",
                  "SetContext app-rollback", "SetBackupState", "GatherWriterMetadata",
                  "IsVolumeSupported " + volume_, "AddComponent pg-instance data", "StartSnapshotSet",
                  "AddToSnapshotSet " + volume_, "PrepareForBackup", "GatherWriterStatus", "DoSnapshotSet",
                  "GatherWriterStatus",
                  "GatherWriterStatus",  // verbose
                  "ExposeSnapshot 99999999-2222-4333-8444-555555555555 /mnt/p", "SetBackupSucceeded true",
                  "BackupComplete", "SaveDocument", "GatherWriterStatus", "Release"));
  EXPECT_THAT(output_,
              HasSubstr("99999999-2222-4333-8444-555555555555|" + std::string(kSetId) + "|" + kSetId));
}

TEST_F(ScriptTest, ASetWithoutBeginBackupIsACopyThatIsCompleteAtTheEnd) {
  EXPECT_EQ(run("add volume " + volume_ + "\ncreate\n"), 0) << errors_;
  EXPECT_TRUE(called("SetBackupState copy"));
  EXPECT_TRUE(called("BackupComplete"));
}

TEST_F(ScriptTest, ABackupThatIsNotEndedIsAborted) {
  EXPECT_EQ(run("begin backup\nadd volume " + volume_ + "\ncreate\nexit\nthis is not reached\n"), 2)
      << "all lines are looked at first";
  EXPECT_THAT(log_.all(), IsEmpty());
  EXPECT_EQ(run("begin backup\nadd volume " + volume_ + "\ncreate\nexit\ngc\n"), 1);
  EXPECT_THAT(errors_, HasSubstr("comes before \"end backup\""));
  EXPECT_TRUE(called("AbortBackup"));
  EXPECT_FALSE(called("BackupComplete"));
}

TEST_F(ScriptTest, ItStopsAtTheFirstErrorAndReleases) {
  EXPECT_EQ(run("add volume " + volume_ + "\ncreate\nexec /bin/sh -c 'exit 9'\ngc\n"), 9);
  EXPECT_THAT(errors_, HasSubstr(file_ + ":3: exec: run /bin/sh: exit status 9"));
  const Calls calls = log_.all();
  EXPECT_THAT(Calls(calls.end() - 3, calls.end()),
              ElementsAre("SetBackupSucceeded false", "AbortBackup", "Release"));
  EXPECT_EQ(run("add volume /sys\n"), 7);
  EXPECT_THAT(errors_, HasSubstr(":1: add volume: volume /sys: no provider wants it"));
}

struct ErrorRow {
  std::string lines;
  int status;
  std::string message;
};

TEST_F(ScriptTest, WhatDoesNotGoTogetherIsATypedError) {
  const std::string set = "add volume " + volume_ + "\ncreate\n";
  const std::vector<ErrorRow> rows = {
      {"destroy everything\n", 2, ":1: unknown command \"destroy\""},
      {"end backup\n", 1, "\"create\" is missing (BadState"},
      {"end restore\n", 1, "\"begin restore\" is missing (BadState"},
      {"begin restore\n", 1, "\"load metadata\" is missing (BadState"},
      {"simulate restore\n", 1, "\"load metadata\" is missing"},
      {"load metadata /no/such/file\n", 5, ":1: load metadata: read /no/such/file"},
      {"import\n", 7, "(NotSupported"},
      {"set option transportable\n", 7, "(NotSupported"},
      {"mask 7\n", 7, "(NotSupported"},
      {"set context backup nowriters\n", 2, "nowriters goes with"},
      {"set option lock-timeout soon\n", 2, "soon is no number"},
      {"resize storage /srv big\n", 2, "big is no size"},
      {"exec /bin/echo %nothing%\n", 2, "there is no %nothing%"},
      {"exec /no/such/program\n", 127, "/no/such/program"},
      {"delete shadows exposed /mnt/nothing\n", 5, "no snapshot of /mnt/nothing"},
      {set + "create\n", 1, ":3: create: settings: the set exists"},
      {set + "set context volatile\n", 1, "the set exists"},
      {set + "show components nobody\n", 5, "no writer \"nobody\""},
      {set + "set succeeded nobody yes\n", 5, "component nobody"},
      {set + "begin restore\n", 1, "the set exists"},
      {"load metadata " + document_ + "\nbegin restore\nrestore ranges shop x /r\n", 2, "x is no number"},
      {"load metadata " + document_ + "\nbegin restore\nrestore status nobody all\n", 5, "component nobody"},
  };
  for (const ErrorRow& row : rows) {
    EXPECT_EQ(run(row.lines), row.status) << row.lines << errors_;
    EXPECT_THAT(errors_, HasSubstr(row.message)) << row.lines;
    if (called("CreateBackup policy=strict lock_timeout=0")) {
      EXPECT_THAT(log_.all().back(),
                  testing::AnyOf("Release", "Restore.Release", HasSubstr("Supported"), HasSubstr("Delete")))
          << row.lines;
    }
  }
}

struct CallRow {
  std::string lines;
  std::string call;
};

TEST_F(ScriptTest, EachCommandIsACallOfTheBus) {
  const std::string set = "add volume " + volume_ + "\n";
  const std::string restore = "load metadata " + document_ + "\n";
  const std::string component = "shop-class||/data ";
  const std::vector<CallRow> rows = {
      {"set context volatile nowriters\n" + set + "create", "SetContext file-share-backup"},
      {"set context persistent nowriters\n" + set + "create", "SetContext nas-rollback"},
      {"set context clientaccessible\n" + set + "create", "SetContext client-accessible"},
      {"set option lenient\nset option require cut\nset option lock-timeout 2\n" + set + "create",
       "CreateBackup policy=lenient lock_timeout=2000 require=cut"},
      {"set option partial-files on\nset option bootable on\nbegin backup type log\n" + set +
           "create\nend backup",
       "SetBackupState bootable log partial"},
      {"writer enable classes a b\n" + set + "create", "EnableWriterClasses 2 a"},
      {"writer disable classes a\n" + set + "create", "DisableWriterClasses 1 a"},
      {"writer disable instances i\n" + set + "create", "DisableWriterInstances 1 i"},
      {"writer reset i", "ResetWriter i"},
      {"add volume " + volume_ + " provider lvm\ncreate", "AddToSnapshotSet " + volume_ + " lvm"},
      {"add component pg:data options 'go on' stamp s\n" + set + "create",
       "SetBackupOptions pg-instance data go on"},
      {"add component pg:data options 'go on' stamp s\n" + set + "create",
       "SetPreviousBackupStamp pg-instance data s"},
      {set + "create\nset succeeded pg no\nend backup", "SetBackupSucceeded false"},
      {set + "create\nabort backup", "AbortBackup"},
      {set + "create\nreset", "Release"},
      {set + "create\nshow components pg", "GetWriterComponents pg-instance"},
      {set + "create\nshow snapshot s", "GetSnapshotProperties"},
      {set + "create\nlist writers status", "GatherWriterStatus"},
      {set + "create\nsave metadata " + volume_ + "/now.json", "SaveDocument"},
      {set + "create\ndelete own set %VSS_SHADOW_SET% force",
       "Backup.DeleteSnapshots set " + std::string(kSetId) + " force"},
      {set + "create\ndelete own id %VSS_SHADOW_1%",
       "Backup.DeleteSnapshots snapshot 99999999-2222-4333-8444-555555555555"},
      {"list writers metadata", "GatherWriterMetadata"},
      {"list failures writer i", "ListWriterFailures i"},
      {"delete shadows all", "DeleteSnapshots all "},
      {"delete shadows set s force", "DeleteSnapshots set s force"},
      {"delete shadows id s", "DeleteSnapshots snapshot s"},
      {"delete shadows oldest /srv", "DeleteSnapshots oldest /srv"},
      {"expose s /mnt", "ExposeSnapshot s /mnt"},
      {"unexpose s", "UnexposeSnapshot s"},
      {"break writable s", "BreakSnapshotSet s writable"},
      {"revert s force", "RevertToSnapshot s force"},
      {"show revert /srv", "QueryRevertStatus /srv"},
      {"show volume /proc", "IsVolumeSupported /proc"},
      {"resize storage /srv 2MiB", "ResizeStorage /srv 2097152"},
      {"resize storage /srv none", "ResizeStorage /srv 0"},
      {restore + "restore type import\nbegin restore", "Restore.SetRestoreState import"},
      {restore + "restore select shop:data into i\nbegin restore",
       "Restore.SetSelectedForRestore " + component + "yesi"},
      {restore + "restore select shop:data/part\nbegin restore",
       "Restore.AddRestoreSubcomponent " + component + "data/part"},
      {restore + "restore options shop 'go on'\nbegin restore",
       "Restore.SetRestoreOptions " + component + "go on"},
      {restore + "restore additional shop\nbegin restore",
       "Restore.SetAdditionalRestores " + component + "yes"},
      {restore + "restore authoritative shop\nbegin restore",
       "Restore.SetAuthoritativeRestore " + component + "yes"},
      {restore + "restore name shop other\nbegin restore", "Restore.SetRestoreName " + component + "other"},
      {restore + "restore roll-forward shop partial point noon\nbegin restore",
       "Restore.SetRollForward " + component + "partial noon"},
      {restore + "restore target /srv/data /new\nbegin restore",
       "Restore.AddNewTarget " + component + "/srv/data * yes /new"},
      {restore + "begin restore\nrestore location shop /srv/data * /else recursive",
       "Restore.AddAlternativeLocationMapping " + component + "/srv/data * yes /else"},
      {restore + "begin restore\nrestore ranges shop 0 /ranges",
       "Restore.SetRangesFilePath " + component + "0 /ranges"},
      {restore + "begin restore\nrestore status shop none\nend restore",
       "Restore.SetFileRestoreStatus " + component + "none"},
      {restore + "begin restore\nshow components shop", "Restore.GetWriterComponents shop-class|"},
      {restore + "begin restore\nend restore", "Restore.PostRestore"},
      {restore + "simulate restore", "Restore.Release"},
  };
  for (const CallRow& row : rows) {
    const bool is_open = row.lines.find("begin restore") != std::string::npos &&
                         row.lines.find("end restore") == std::string::npos;
    EXPECT_EQ(run(row.lines + (is_open ? "\nend restore\n" : "\n")), 0) << row.lines << "\n" << errors_;
    EXPECT_TRUE(called(row.call)) << row.lines << "\n" << testing::PrintToString(log_.all());
    log_.clear();
  }
}

// The line of a form without what may be left out: of a choice the first, `placeholder` for what is in
// capitals.
std::string plain_line(std::string_view form, const std::string& placeholder) {
  std::string line;
  std::istringstream words{std::string(form.substr(0, form.find('[')))};
  for (std::string word; words >> word; line += word + " ") {
    if (std::isupper(static_cast<unsigned char>(word.front())) != 0) word = placeholder;
    word.resize(std::min(word.find('|'), word.size()));
  }
  return line + "\n";
}

// The last line that the script got to, by what "set verbose on" and an error say of it.
std::size_t last_line_of(const std::string& file, const std::string& errors) {
  std::size_t last = 0;
  const std::string place = file + ":";
  for (auto at = errors.find(place); at != std::string::npos; at = errors.find(place, at + 1))
    last = std::max<std::size_t>(last, std::strtoul(errors.c_str() + at + place.size(), nullptr, 10));
  return last;
}

TEST_F(ScriptTest, EveryFormOfTheTableHasAnAction) {
  const std::string complaint = "no action belongs to this verb";
  std::ostringstream runner;
  runner << std::ifstream(VSS_SOURCE_DIR "/daemon/cli/script_runner.cpp").rdbuf();
  ASSERT_THAT(runner.str(), HasSubstr('"' + complaint + '"')) << "what is looked for below";
  std::vector<std::string> lines;
  std::string all;
  for (const cli::ScriptForm& form : cli::kScriptForms) {
    lines.push_back(plain_line(form.text, volume_ + "/placeholder"));
    all += lines.back();
  }
  EXPECT_EQ(run(all, {"--check"}), 0) << errors_;
  // A script ends with its first error, or with "exit": the next one begins behind that.
  for (std::size_t done = 0; done < lines.size();) {
    std::string rest = "set verbose on\n";
    for (std::size_t i = done; i < lines.size(); ++i) rest += lines[i];
    (void)run(rest);
    EXPECT_THAT(errors_, Not(HasSubstr(complaint)));
    const std::size_t last = last_line_of(file_, errors_);
    ASSERT_GT(last, 1U) << lines[done] << errors_;
    done += last - 1;
  }
}

TEST_F(ScriptTest, ARestoreThatIsNotEndedIsAnError) {
  EXPECT_EQ(run("load metadata " + document_ + "\nbegin restore\n"), 1);
  EXPECT_THAT(errors_, HasSubstr("comes before \"end restore\""));
  EXPECT_TRUE(called("Restore.Release"));
  EXPECT_FALSE(called("Restore.PostRestore"));
}

TEST_F(ScriptTest, WhatIsShownIsJsonWithItsLine) {
  EXPECT_EQ(run("list writers\nlist providers\nlist volumes\nlist storage\nlist status\nadd alias x 1\nlist "
                "aliases\n"
                "list shadows all\nlist shadows set " +
                    std::string(kSetId) + "\nadd volume " + volume_ + "\ncreate\nshow session\n",
                {"--json"}),
            0)
      << errors_;
  std::istringstream lines(output_);
  std::vector<std::string> commands;
  json last;
  for (std::string line; std::getline(lines, line);) {
    last = json::parse(line);
    commands.push_back(std::to_string(last.at("line").get<int>()) + " " +
                       last.at("command").get<std::string>());
  }
  EXPECT_THAT(commands, ElementsAre("1 list writers", "2 list", "3 list", "4 list", "5 list", "7 list",
                                    "8 list shadows all", "9 list shadows", "11 create", "12 show session"));
  EXPECT_EQ(last.at("result").at("kind"), "backup");
  EXPECT_EQ(last.at("result").at("session_id"), kSetId);
}

TEST_F(ScriptTest, CheckOnlyReads) {
  EXPECT_EQ(run("create\nend backup\n", {"--check"}), 0);
  EXPECT_EQ(run("create\nend backups\n", {"--check"}), 2);
  EXPECT_THAT(errors_, HasSubstr(":2: expected: end backup"));
  EXPECT_THAT(log_.all(), IsEmpty());
}

TEST_F(ScriptTest, ASignalCancelsWhatRunsAndReleases) {
  script_.hang = {"DoSnapshotSet"};
  daemon_.emplace(script_, log_);
  std::ofstream(file_) << "add volume " << volume_ << "\ncreate\ngc\n";
  VssctlProcess process({"script", file_});
  ASSERT_TRUE(log_.wait_for("DoSnapshotSet"));
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait(), 128 + SIGTERM);
  EXPECT_THAT(log_.all(), IsSupersetOf({"Cancel", "AbortBackup"}));
  EXPECT_EQ(log_.all().back(), "Release");
}

}  // namespace
}  // namespace vss::test
