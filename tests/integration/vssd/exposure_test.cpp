// SPDX-License-Identifier: LGPL-2.1-or-later
// ExposeSnapshot, UnexposeSnapshot and the client-accessible contexts, through the bus.

#include <sys/mount.h>
#include <unistd.h>

#include <fstream>

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string kNoSnapshot = "7e57c1a5-0000-4000-8000-00000000dead";

class Exposure : public DaemonTest {
 protected:
  Exposure() {
    std::filesystem::create_directory(target());
    start();
  }
  ~Exposure() override { ::umount2(target().c_str(), MNT_DETACH); }

  [[nodiscard]] std::string target() const { return directory_.path() / "exposed"; }
  // The id of the one snapshot of a new set, whose session goes on.
  std::string begin(const std::string& context) {
    const std::string set = make_set_in(context, requester_);
    const Dicts snapshots = list({{"set", sdbus::Variant{set}}});
    EXPECT_THAT(snapshots, SizeIs(1));
    return get<std::string>(snapshots.at(0), "snapshot_id");
  }
  // The same of a set that is left on its own.
  std::string make(const std::string& context) {
    std::string snapshot = begin(context);
    EXPECT_EQ(name_of(requester_.backup("Release")), "");
    return snapshot;
  }
  Dicts list(const Dict& filter) { return requester_.manager<Dicts>("ListSnapshots", filter).value(); }
  Dict properties(const std::string& snapshot) {
    return list({{"snapshot", sdbus::Variant{snapshot}}}).at(0);
  }
  std::string exposed(const std::string& snapshot) {
    return get<std::string>(properties(snapshot), "exposed");
  }
  Reply<std::string> expose(const std::string& snapshot, const std::string& path) {
    return requester_.manager<std::string>("ExposeSnapshot", snapshot, path);
  }
  Reply<> unexpose(const std::string& snapshot) { return requester_.manager("UnexposeSnapshot", snapshot); }
  Reply<std::tuple<std::uint32_t, std::string>> remove(const std::string& kind, const std::string& id,
                                                       bool force) {
    return requester_.manager<std::tuple<std::uint32_t, std::string>>("DeleteSnapshots", kind, id, force);
  }
  // The fake provider's snapshots are files in a directory, which is what is mounted.
  [[nodiscard]] bool is_visible() const { return !std::filesystem::is_empty(target()); }

  Requester requester_;
};

TEST_F(Exposure, APersistentSnapshotIsExposedAndTakenAway) {
  const std::string snapshot = make("nas-rollback");
  EXPECT_EQ(exposed(snapshot), "");
  const auto where = expose(snapshot, target());
  ASSERT_TRUE(where) << where.error().message;
  EXPECT_EQ(*where, std::filesystem::canonical(target()).string());
  EXPECT_EQ(exposed(snapshot), *where);
  EXPECT_TRUE(is_visible());
  EXPECT_FALSE(std::ofstream(target() + "/new").put('x').flush().good());
  EXPECT_EQ(name_of(expose(snapshot, target())), "ObjectAlreadyExists");
  ASSERT_EQ(name_of(unexpose(snapshot)), "");
  EXPECT_EQ(exposed(snapshot), "");
  EXPECT_FALSE(is_visible());
  EXPECT_EQ(name_of(unexpose(snapshot)), "ObjectNotFound");
  EXPECT_TRUE(remove("snapshot", snapshot, false));
}

TEST_F(Exposure, EveryBadArgumentHasItsErrorAndChangesNothing) {
  const std::string snapshot = make("nas-rollback");
  const std::string base = directory_.path();
  std::filesystem::create_directory_symlink(target(), base + "/link");
  std::filesystem::create_directory(base + "/full");
  std::ofstream(base + "/full/file").close();
  const auto own = vssd().runtime_dir() / "empty";
  std::filesystem::create_directory(own);
  struct Row {
    std::string snapshot;
    std::string path;
    const char* error;
  };
  const Row rows[] = {
      {"no guid", target(), "InvalidArgument"},
      {std::string(100000, 'x'), target(), "InvalidArgument"},
      {kNoSnapshot, target(), "ObjectNotFound"},
      {kNullId, target(), "ObjectNotFound"},
      {snapshot, "", "InvalidArgument"},
      {snapshot, "relative", "InvalidArgument"},
      {snapshot, "/", "InvalidArgument"},
      {snapshot, target() + "/", "InvalidArgument"},
      {snapshot, target() + "/../exposed", "InvalidArgument"},
      {snapshot, target() + "\n", "InvalidArgument"},
      {snapshot, "/" + std::string(100000, 'x'), "InvalidArgument"},
      {snapshot, "//host/share", "NotSupported"},
      {snapshot, "\\\\host\\share", "NotSupported"},
      {snapshot, base + "/link", "InvalidArgument"},
      {snapshot, base + "/full/file", "InvalidArgument"},
      {snapshot, own, "InvalidArgument"},
      {snapshot, base + "/missing", "ObjectNotFound"},
      {snapshot, base + "/full", "VolumeInUse"},
      {snapshot, volume(), "VolumeInUse"},
  };
  for (const Row& row : rows) {
    const auto refused = expose(row.snapshot, row.path);
    EXPECT_EQ(name_of(refused), row.error) << row.snapshot.substr(0, 40) << " " << row.path.substr(0, 80);
    EXPECT_EQ(exposed(snapshot), "");
  }
  EXPECT_EQ(name_of(unexpose("no guid")), "InvalidArgument");
  EXPECT_EQ(name_of(unexpose(kNoSnapshot)), "ObjectNotFound");
  EXPECT_TRUE(expose(snapshot, target())) << "and it works all the same";
  EXPECT_EQ(name_of(remove("snapshot", snapshot, false)), "");
  EXPECT_FALSE(is_visible());
}

TEST_F(Exposure, OnlyRollbackContextsMayBeExposed) {
  add_writer("writer");
  for (const char* context :
       {"backup", "file-share-backup", "client-accessible", "client-accessible-writers"}) {
    const std::string snapshot = begin(context);
    EXPECT_EQ(name_of(expose(snapshot, target())), "UnsupportedContext") << context;
    EXPECT_EQ(name_of(requester_.backup("Release")), "");
  }
  EXPECT_TRUE(remove("all", "", false));
  expect_nothing_left();
}

TEST_F(Exposure, OneThatIsInUseIsDeletedOnlyByForce) {
  const std::string snapshot = make("nas-rollback");
  ASSERT_TRUE(expose(snapshot, target()));
  const std::string set = get<std::string>(properties(snapshot), "set_id");
  std::ifstream in_use(target() + "/" + set + "." + snapshot);
  ASSERT_TRUE(in_use);
  EXPECT_EQ(name_of(unexpose(snapshot)), "VolumeInUse");
  EXPECT_EQ(name_of(remove("snapshot", snapshot, false)), "VolumeInUse");
  EXPECT_EQ(name_of(remove("set", set, false)), "VolumeInUse");
  EXPECT_EQ(name_of(remove("oldest", volume(), false)), "VolumeInUse");
  const auto all = remove("all", "", false);
  ASSERT_TRUE(all);
  EXPECT_EQ(*all, std::tuple(0U, snapshot));
  EXPECT_NE(exposed(snapshot), "");
  EXPECT_TRUE(std::filesystem::is_directory(get<std::string>(properties(snapshot), "path")));
  EXPECT_TRUE(is_visible());
  EXPECT_EQ(provider_snapshots(), 1U);
  ASSERT_EQ(name_of(remove("set", set, true)), "");
  EXPECT_FALSE(is_visible());
  expect_nothing_left();
}

TEST_F(Exposure, ItSurvivesTheDeathOfVssdAndADirectoryThatIsMissing) {
  const std::string snapshot = make("nas-rollback");
  const std::string where = expose(snapshot, target()).value();
  vssd().kill9();
  EXPECT_TRUE(is_visible()) << "who uses it does not even notice";
  vssd().restart();
  Requester after;
  const auto exposed_now = [&] {
    return get<std::string>(after.manager<Dicts>("ListSnapshots", Dict{}).value().at(0), "exposed");
  };
  EXPECT_EQ(exposed_now(), where);
  EXPECT_TRUE(is_visible());

  vssd().signal(SIGTERM);
  EXPECT_EQ(vssd().wait(), 0);
  ASSERT_EQ(::umount2(target().c_str(), 0), 0) << "as a new start of the machine would";
  ASSERT_EQ(::rmdir(target().c_str()), 0);
  vssd().restart();
  EXPECT_THAT(vssd().log(), HasSubstr("cannot be exposed at " + where));
  Requester again;
  const Dict kept = again.manager<Dicts>("ListSnapshots", Dict{}).value().at(0);
  EXPECT_EQ(get<std::string>(kept, "exposed"), where);
  EXPECT_NE(get<std::string>(kept, "path"), "");

  std::filesystem::create_directory(target());
  vssd().restart();
  EXPECT_TRUE(is_visible()) << "it is there again";
  Requester last;
  EXPECT_EQ(name_of(last.manager("UnexposeSnapshot", snapshot)), "");
  EXPECT_FALSE(is_visible());
  EXPECT_EQ(name_of(last.manager("DeleteSnapshots", std::string("snapshot"), snapshot, false)), "");
  expect_nothing_left();
}

TEST_F(Exposure, OnlyWhoMayManageSnapshotsMayExpose) {
  const std::string snapshot = make("nas-rollback");
  Requester nobody(65534);
  EXPECT_EQ(name_of(nobody.manager("ExposeSnapshot", snapshot, target())), "AccessDenied");
  EXPECT_EQ(name_of(nobody.manager("UnexposeSnapshot", snapshot)), "AccessDenied");
  EXPECT_EQ(name_of(nobody.manager("ResetWriter", snapshot)), "AccessDenied");
  EXPECT_EQ(exposed(snapshot), "");
  EXPECT_TRUE(remove("snapshot", snapshot, false));
}

class ClientAccessible : public Exposure {
 protected:
  [[nodiscard]] std::filesystem::path views() { return vssd().runtime_dir() / "client-accessible"; }
  // Below the directory of each volume.
  std::set<std::filesystem::path> seen() {
    std::set<std::filesystem::path> found;
    std::error_code none;
    for (const auto& volume : std::filesystem::directory_iterator(views(), none)) {
      for (const auto& view : std::filesystem::directory_iterator(volume)) found.insert(view.path());
    }
    return found;
  }
};

TEST_F(ClientAccessible, SetsAreShownUnderNamesOfTheirOwnUntilTheyAreDeleted) {
  std::set<std::filesystem::path> paths;
  std::vector<std::string> snapshots;
  for (int i = 0; i < 3; ++i) {  // some of them in one second
    snapshots.push_back(make("client-accessible"));
    const Dict facts = properties(snapshots.back());
    paths.insert(get<std::string>(facts, "client_path"));
    EXPECT_TRUE(get<bool>(facts, "persistent"));
    EXPECT_FALSE(get<bool>(facts, "auto_release"));
  }
  EXPECT_THAT(paths, SizeIs(3));
  EXPECT_EQ(seen(), paths);
  for (const auto& path : paths) {
    EXPECT_THAT(path.filename().string(),
                ::testing::ContainsRegex("^@GMT-[0-9]{4}(\\.[0-9]{2}){2}-[0-9]{2}(\\.[0-9]{2}){2}$"));
    EXPECT_FALSE(std::filesystem::is_empty(path));
  }
  EXPECT_TRUE(remove("snapshot", snapshots[0], false));
  EXPECT_THAT(seen(), SizeIs(2));
  vssd().restart();
  EXPECT_THAT(seen(), SizeIs(2)) << "the same after a restart";
  for (const auto& path : seen()) EXPECT_TRUE(paths.contains(path));
  Requester after;
  EXPECT_TRUE(after.manager("DeleteSnapshots", std::string("all"), std::string(), false));
  EXPECT_THAT(seen(), IsEmpty());
  EXPECT_TRUE(std::filesystem::is_empty(views()));
  expect_nothing_left();
}

TEST_F(ClientAccessible, WritersTakePartInTheOneContextAndNotInTheOther) {
  add_writer("writer");
  make("client-accessible");
  EXPECT_EQ(log_.count("Freeze"), 0U);
  begin("client-accessible-writers");
  EXPECT_EQ(log_.count("Freeze"), 1U);
  EXPECT_EQ(name_of(requester_.backup("BackupComplete")), "");
  EXPECT_EQ(name_of(requester_.backup("Release")), "");
  EXPECT_EQ(log_.count("BackupShutdown"), 1U);
  EXPECT_THAT(seen(), SizeIs(2));
  EXPECT_TRUE(remove("all", "", false));
  expect_nothing_left();
}

TEST_F(ClientAccessible, ASetThatIsNotMadeIsNotShown) {
  Requester::Plan way = plan();
  way.context = "client-accessible";
  script("post_final_commit fail 3 scripted\n");
  EXPECT_FALSE(requester_.run_until(way));
  EXPECT_THAT(seen(), IsEmpty());
  ASSERT_TRUE(requester_.backup("Release"));
  script("");
  expect_nothing_left();
}

TEST_F(ClientAccessible, AllIsAContextForQueriesOnly) {
  make("client-accessible");
  make("nas-rollback");
  const auto in = [&](const char* context) {
    return list({{"context", sdbus::Variant{std::string(context)}}}).size();
  };
  EXPECT_EQ(in("all"), 2U);
  EXPECT_EQ(list({}).size(), 2U);
  EXPECT_EQ(in("client-accessible"), 1U);
  EXPECT_EQ(in("client-accessible-writers"), 0U);
  ASSERT_TRUE(requester_.create_backup());
  const auto refused = requester_.backup("SetContext", std::string("all"));
  EXPECT_EQ(name_of(refused), "UnsupportedContext");
  EXPECT_THAT(refused.error().message, HasSubstr("queries only"));
  EXPECT_EQ(name_of(requester_.backup("SetContext", std::string("client-accessible"))), "")
      << "nothing has changed";
  ASSERT_TRUE(requester_.backup("Release"));
  EXPECT_TRUE(remove("all", "", false));
}

}  // namespace
}  // namespace vss::test
