// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever callers send: a typed error, nothing changed, the daemon lives. Its memory: tests/plain.

#include <sys/mount.h>

#include <fstream>
#include <functional>

#include "tests/integration/vssd/bad_input_fixture.hpp"
#include "tests/support/run_program.hpp"

namespace vss::test {
namespace {

constexpr const char* kInvalidArgs = "org.freedesktop.DBus.Error.InvalidArgs";
constexpr const char* kUnknownMethod = "org.freedesktop.DBus.Error.UnknownMethod";
constexpr const char* kUnknownObject = "org.freedesktop.DBus.Error.UnknownObject";

sdbus::Variant text(const char* value) { return sdbus::Variant{std::string(value)}; }

TEST_F(BadInput, ArgumentsOfTheWrongTypeAreRefusedByTheBusLibrary) {
  Requester requester;
  fill(requester);
  struct Row {
    const char* interface;
    const char* method;
  };
  const Row rows[] = {{kManagerInterface, "CreateBackup"},
                      {kManagerInterface, "RegisterWriter"},
                      {kManagerInterface, "UnregisterWriter"},
                      {kManagerInterface, "ListSnapshots"},
                      {kManagerInterface, "DeleteSnapshots"},
                      {kManagerInterface, "IsVolumeSupported"},
                      {kManagerInterface, "BreakSnapshotSet"},
                      {kManagerInterface, "RevertToSnapshot"},
                      {kManagerInterface, "QueryRevertStatus"},
                      {kManagerInterface, "ListStorage"},
                      {kManagerInterface, "ResizeStorage"},
                      {kManagerInterface, "GetStatus"},
                      {kBackupInterface, "SetContext"},
                      {kBackupInterface, "SetBackupState"},
                      {kBackupInterface, "EnableWriterClasses"},
                      {kBackupInterface, "AddComponent"},
                      {kBackupInterface, "AddToSnapshotSet"},
                      {kBackupInterface, "StartSnapshotSet"},
                      {kBackupInterface, "GetSnapshotProperties"},
                      {kBackupInterface, "SetBackupSucceeded"},
                      {kBackupInterface, "DeleteSnapshots"},
                      {kBackupInterface, "Release"}};
  for (const Row& row : rows) {
    const std::string path = row.interface == kManagerInterface ? kManagerPath : requester.backup_path();
    // No member takes one double.
    expect_error(requester, row.method, kInvalidArgs,
                 [&] { return requester.begin_at(path, row.interface, row.method, 1.5).result(); });
  }
}

TEST_F(BadInput, ObjectsAndMembersThatDoNotExist) {
  Requester requester;
  fill(requester);
  const std::string path = requester.backup_path();
  expect_error(requester, "object", kUnknownObject, [&] {
    return requester.begin_at("/org/vssd/Vss1/backup/4711", kBackupInterface, "Release").result();
  });
  expect_error(requester, "method", kUnknownMethod,
               [&] { return requester.begin_at(path, kBackupInterface, "Explode").result(); });
  expect_error(requester, "interface of another object", kUnknownMethod,
               [&] { return requester.begin_at(kManagerPath, kBackupInterface, "Release").result(); });
}

TEST_F(BadInput, TheObjectOfSomebodyElseIsNoObjectOfMine) {
  Requester owner, stranger;
  fill(owner);
  stranger.use_backup(owner.backup_path());
  const std::string none;
  const std::vector<std::pair<std::string, std::function<Reply<>()>>> calls{
      {"SetContext", [&] { return stranger.backup("SetContext", std::string("backup")); }},
      {"SetBackupState",
       [&] { return stranger.backup("SetBackupState", true, true, std::string("full"), true); }},
      {"AddToSnapshotSet",
       [&] { return stranger.backup("AddToSnapshotSet", volume(), std::string("fake")); }},
      {"PrepareForBackup", [&] { return stranger.backup("PrepareForBackup"); }},
      {"DoSnapshotSet", [&] { return stranger.backup("DoSnapshotSet"); }},
      {"GatherWriterStatus", [&] { return stranger.backup("GatherWriterStatus"); }},
      {"SaveDocument", [&] { return stranger.backup("SaveDocument"); }},
      {"DeleteSnapshots", [&] { return stranger.backup("DeleteSnapshots", std::string("set"), kId, true); }},
      {"BackupComplete", [&] { return stranger.backup("BackupComplete"); }},
      {"Cancel", [&] { return stranger.backup("Cancel"); }},
      {"Release", [&] { return stranger.backup("Release"); }},
  };
  for (const auto& [name, call] : calls) expect_error(owner, name, "AccessDenied", call);
}

TEST_F(BadInput, PathsThatNameNoVolume) {
  Requester requester;
  fill(requester);
  const std::string file = volume() + "/file";
  std::ofstream(file) << "x";
  const std::pair<std::string, std::string> rows[] = {
      {"", "InvalidArgument"},
      {"relative/path", "InvalidArgument"},
      {".", "InvalidArgument"},
      {volume() + "/new\nline", "InvalidArgument"},
      {volume() + "/\x01", "InvalidArgument"},
      {"/" + std::string(4095, 'a'), "InvalidArgument"},
      {"/" + std::string(100000, 'a'), "InvalidArgument"},
      {volume() + "/nothing here", "ObjectNotFound"},
      {file + "/below a file", "ObjectNotFound"},
      {"/proc/self", "VolumeNotSupported"},
      {"/dev/shm", "VolumeNotSupported"},
  };
  for (const auto& [path, name] : rows) {
    const std::string what = path.substr(0, 60);
    expect_error(requester, "AddToSnapshotSet " + what, name,
                 [&] { return requester.backup("AddToSnapshotSet", path, std::string("fake")); });
    // For IsVolumeSupported a volume without support is an answer.
    expect_error(requester, "IsVolumeSupported " + what, name == "VolumeNotSupported" ? "" : name,
                 [&] { return requester.manager("IsVolumeSupported", path, std::string("fake")); });
  }
  for (const std::string& provider :
       {std::string("nobody"), std::string("../fake"), std::string(100000, 'p'), std::string("new\nline")}) {
    expect_error(requester, "provider " + provider.substr(0, 20), "ProviderNotRegistered",
                 [&] { return requester.backup("AddToSnapshotSet", volume(), provider); });
  }
}

TEST_F(BadInput, TheSameVolumeTwiceAlsoThroughABindMount) {
  Requester requester;
  fill(requester);
  ASSERT_TRUE(requester.backup("AddToSnapshotSet", volume(), std::string("fake")));
  const std::string below = volume() + "/below";
  std::filesystem::create_directory(below);
  const std::string other = (directory_.path() / "bind").string();
  std::filesystem::create_directory(other);
  ASSERT_EQ(::mount(below.c_str(), other.c_str(), nullptr, MS_BIND, nullptr), 0);
  for (const std::string& path : {volume(), volume() + "/", volume() + "/./below/..", below, other}) {
    expect_error(requester, path, "ObjectAlreadyExists",
                 [&] { return requester.backup("AddToSnapshotSet", path, std::string("fake")); });
  }
  ::umount2(other.c_str(), MNT_DETACH);
}

TEST_F(BadInput, AtMost64Volumes) {
  const LoopFilesystem many = LoopFilesystem::create(directory_.path() / "disk", "many", "btrfs", 128);
  std::vector<std::string> paths;
  for (int i = 0; i < 65; ++i) paths.push_back((many.mount_point() / std::to_string(i)).string());
  for (const std::string& path : paths) run_program({"btrfs", "-q", "subvolume", "create", path});
  Requester requester;
  fill(requester);
  for (int i = 0; i < 64; ++i) {
    ASSERT_TRUE(requester.backup("AddToSnapshotSet", paths[static_cast<std::size_t>(i)], std::string("fake")))
        << i;
  }
  expect_error(requester, "the 65th", "MaximumNumberOfVolumesReached",
               [&] { return requester.backup("AddToSnapshotSet", paths.back(), std::string("fake")); });
  ASSERT_TRUE(requester.backup("PrepareForBackup"));
  const auto made = requester.backup<Dict>("DoSnapshotSet");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(get<Dicts>(*made, "snapshots").size(), 64U);
  EXPECT_EQ(provider_snapshots(), 64U);
  ASSERT_TRUE(requester.backup("Release"));
  expect_nothing_left();
}

TEST_F(BadInput, IdsThatAreNoGuid) {
  Requester requester;
  fill(requester);
  const std::string none;
  for (const std::string& id : {std::string(), std::string("x"), kId + "0", kId.substr(1), "{" + kId,
                                std::string(36, 'g'), std::string(100000, '1'), kId + "\n"}) {
    const std::string what = id.substr(0, 40);
    const std::vector<std::string> ids{kId, id};
    expect_error(requester, "GetSnapshotProperties " + what, "InvalidArgument",
                 [&] { return requester.backup("GetSnapshotProperties", id); });
    expect_error(requester, "EnableWriterClasses " + what, "InvalidArgument",
                 [&] { return requester.backup("EnableWriterClasses", ids); });
    expect_error(requester, "DisableWriterInstances " + what, "InvalidArgument",
                 [&] { return requester.backup("DisableWriterInstances", ids); });
    expect_error(requester, "AddComponent " + what, "InvalidArgument",
                 [&] { return requester.backup("AddComponent", id, none, none); });
    expect_error(requester, "SetBackupSucceeded " + what, "InvalidArgument",
                 [&] { return requester.backup("SetBackupSucceeded", id, none, none, true); });
    expect_error(requester, "Backup.DeleteSnapshots " + what, "InvalidArgument",
                 [&] { return requester.backup("DeleteSnapshots", std::string("set"), id, true); });
    expect_error(requester, "Manager.DeleteSnapshots " + what, "InvalidArgument",
                 [&] { return requester.manager("DeleteSnapshots", std::string("set"), id, true); });
    expect_error(requester, "Manager.BreakSnapshotSet " + what, "InvalidArgument",
                 [&] { return requester.manager("BreakSnapshotSet", id, Dict{}); });
    expect_error(requester, "Manager.RevertToSnapshot " + what, "InvalidArgument",
                 [&] { return requester.manager("RevertToSnapshot", id, true); });
    expect_error(requester, "UnregisterWriter " + what, "InvalidArgument",
                 [&] { return requester.manager("UnregisterWriter", id); });
    if (id.empty()) continue;  // no filter
    const Dict filter{{"set", sdbus::Variant{id}}};
    expect_error(requester, "ListSnapshots " + what, "InvalidArgument",
                 [&] { return requester.manager("ListSnapshots", filter); });
  }
  // Well formed, but of nothing.
  expect_error(requester, "foreign set", "ObjectNotFound",
               [&] { return requester.backup("DeleteSnapshots", std::string("set"), kId, true); });
  expect_error(requester, "no set", "ObjectNotFound",
               [&] { return requester.manager("DeleteSnapshots", std::string("set"), kId, true); });
  expect_error(requester, "writer of nobody", "ObjectNotFound",
               [&] { return requester.manager("UnregisterWriter", kId); });
  expect_error(requester, "kind", "InvalidArgument",
               [&] { return requester.manager("DeleteSnapshots", std::string("some"), kId, true); });
}

TEST_F(BadInput, DictionariesWithUnknownKeysOrWrongValues) {
  Requester requester;
  fill(requester);
  const Dict good{{"name", text("w")}, {"class_id", sdbus::Variant{kId}}};
  const auto with = [&](const char* key, sdbus::Variant value) {
    Dict changed = good;
    changed[key] = std::move(value);
    return changed;
  };
  const Dict backups[] = {
      {{"colour", text("red")}},
      {{"client", sdbus::Variant{1}}},
      {{"client", sdbus::Variant{std::string(257, 'c')}}},
      {{"client", text("new\nline")}},
      {{"policy", text("loose")}},
      {{"require", text("")}},
      {{"lock_timeout", text("1")}},
      {{"lock_timeout", sdbus::Variant{std::int32_t{1}}}},
  };
  for (const Dict& options : backups) {
    expect_error(requester, "CreateBackup " + options.begin()->first, "InvalidArgument",
                 [&] { return requester.manager("CreateBackup", options); });
  }
  const Dict writers[] = {
      {},
      {{"name", text("w")}},
      with("name", text("")),
      with("name", text("new\nline")),
      with("name", sdbus::Variant{std::string(100000, 'n')}),
      with("class_id", text("no guid")),
      with("class_id", text(kNullId)),
      with("level", text("upper")),
      with("freeze_timeout", sdbus::Variant{std::uint32_t{0}}),
      with("freeze_timeout", sdbus::Variant{std::uint32_t{60001}}),
      with("freeze_timeout", text("1")),
      with("colour", text("red")),
  };
  for (const Dict& properties : writers) {
    expect_error(requester, "RegisterWriter", "InvalidArgument", [&] {
      return requester.manager("RegisterWriter", sdbus::ObjectPath("/writer"), properties);
    });
  }
  for (const Dict& filter :
       {Dict{{"colour", text("red")}}, Dict{{"set", sdbus::Variant{1}}}, Dict{{"context", text("none")}}}) {
    expect_error(requester, "ListSnapshots", "InvalidArgument",
                 [&] { return requester.manager("ListSnapshots", filter); });
  }
  expect_error(requester, "type of backup", "InvalidArgument",
               [&] { return requester.backup("SetBackupState", true, true, std::string("some"), true); });
}

TEST_F(BadInput, ContextsThatDoNotExist) {
  Requester requester;
  ASSERT_TRUE(requester.create_backup());
  for (const std::string& context : {std::string(), std::string("Backup"), std::string(100000, 'b')}) {
    expect_error(requester, context.substr(0, 10), "UnsupportedContext",
                 [&] { return requester.backup("SetContext", context); });
  }
}

TEST_F(BadInput, MoreSessionsThanAllowed) {
  vssd().configure("[limits]\nmax_sessions = 5\nmax_sessions_per_caller = 3\n");
  vssd().restart();
  ASSERT_TRUE(writer_->wait_registered(std::chrono::seconds(20)));
  Requester greedy, other;
  std::vector<std::string> paths;
  for (int i = 0; i < 3; ++i) paths.push_back(greedy.create_backup().value());
  expect_error(greedy, "the fourth of one caller", "OutOfMemory",
               [&] { return greedy.manager("CreateBackup", Dict{}); });
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(other.create_backup());
  expect_error(greedy, "the sixth of all", "OutOfMemory",
               [&] { return other.manager("CreateBackup", Dict{}); });
  ASSERT_TRUE(greedy.backup("Release"));
  EXPECT_TRUE(other.create_backup()) << "a session that ended makes room";
}

TEST_F(BadInput, OneObjectOfACallerIsOneWriter) {
  Requester requester;
  const Dict properties{{"name", text("twice")}, {"class_id", sdbus::Variant{kId}}};
  const sdbus::ObjectPath path("/writer");
  const auto instance = requester.manager<std::string>("RegisterWriter", path, properties);
  ASSERT_TRUE(instance);
  expect_error(requester, "again", "WriterAlreadySubscribed",
               [&] { return requester.manager("RegisterWriter", path, properties); });
  Requester stranger;
  expect_error(requester, "somebody else's", "ObjectNotFound",
               [&] { return stranger.manager("UnregisterWriter", *instance); });
  EXPECT_TRUE(requester.manager("UnregisterWriter", *instance));
}

}  // namespace
}  // namespace vss::test
