// SPDX-License-Identifier: LGPL-2.1-or-later
// Writers without a program. vss.md 3.8: express writers.

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class ManifestWriters : public DaemonTest {
 protected:
  [[nodiscard]] std::filesystem::path manifests() const { return directory_.path() / "manifests.d"; }
  void put(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories(manifests());
    std::ofstream(manifests() / file) << text;
    std::filesystem::permissions(manifests() / file, std::filesystem::perms(0644));
  }
  // A writer with one component, which is all of the volume, and no snapshot of its cache.
  [[nodiscard]] std::string manifest(const std::string& name) const {
    return R"({"version":1,"writer":{"class_id":")" + class_id_of(name) + R"(","name":")" + name +
           R"("},"components":[{"logical_path":"","name":"data","selectable":true,"selectable_for_restore":true,
               "files":[{"path":")" +
           volume() + R"(","spec":"*","recursive":true}]}]})";
  }
  void start_with_manifests() { start("[writers]\nmanifest_dirs = [\"" + manifests().string() + "\"]\n"); }
  [[nodiscard]] static std::map<std::string, std::string> writers() {
    Requester requester;
    std::map<std::string, std::string> ids;
    const Dicts listed = requester.manager<Dicts>("ListWriters").value();
    for (const Dict& one : listed) ids[get<std::string>(one, "name")] = get<std::string>(one, "instance_id");
    return ids;
  }
};

TEST_F(ManifestWriters, AreChosenFrozenAndInTheDocumentLikeOthers) {
  put("wiki.json", manifest("wiki"));
  start_with_manifests();
  add_writer("database");
  const std::string wiki = writers().at("wiki");
  Requester requester;
  Requester::Plan selective = plan();
  selective.select_components = true;
  ASSERT_TRUE(requester.run_until(selective, "GatherWriterMetadata"));
  ASSERT_TRUE(requester.backup<Dicts>("GatherWriterMetadata"));
  ASSERT_TRUE(requester.backup("AddComponent", wiki, std::string(), std::string("data")));
  ASSERT_TRUE(requester.backup<std::string>("StartSnapshotSet"));
  ASSERT_TRUE(requester.backup<std::string>("AddToSnapshotSet", volume(), std::string("fake")));
  ASSERT_TRUE(requester.backup("PrepareForBackup"));
  ASSERT_TRUE(requester.backup<Dict>("DoSnapshotSet"));
  ASSERT_TRUE(requester.backup("SetBackupSucceeded", wiki, std::string(), std::string("data"), true));
  ASSERT_TRUE(requester.backup("BackupComplete"));
  const auto document = requester.backup<std::string>("SaveDocument");
  ASSERT_TRUE(document);
  EXPECT_THAT(*document, HasSubstr("\"wiki\""));
  EXPECT_THAT(*document, HasSubstr("backup_succeeded"));
  ASSERT_TRUE(requester.backup("Release"));
  expect_nothing_left();
}

TEST_F(ManifestWriters, AreReadAgainAtSighup) {
  put("wiki.json", manifest("wiki"));
  put("broken.json", "{");
  start_with_manifests();
  const auto before = writers();
  EXPECT_EQ(before.size(), 1U);
  EXPECT_THAT(vssd().log(), HasSubstr("broken.json"));

  put("mail.json", manifest("mail"));
  vssd().signal(SIGHUP);
  ASSERT_TRUE(wait_until([] { return writers().contains("mail"); }, std::chrono::seconds(20)));
  EXPECT_THAT(writers(), Contains(Pair("wiki", before.at("wiki"))));

  put("wiki.json", "");
  vssd().signal(SIGHUP);
  ASSERT_TRUE(wait_until([] { return !writers().contains("wiki"); }, std::chrono::seconds(20)));
  expect_nothing_left();
}

TEST_F(ManifestWriters, BelongToNobodyWhoCouldUnregisterThem) {
  put("wiki.json", manifest("wiki"));
  start_with_manifests();
  Requester requester;
  EXPECT_EQ(name_of(requester.manager("UnregisterWriter", writers().at("wiki"))), "ObjectNotFound");
  EXPECT_TRUE(writers().contains("wiki"));
}

TEST_F(ManifestWriters, OneThatGoesDuringABackupIsOneThatDoesNotRespond) {
  put("wiki.json", manifest("wiki"));
  start_with_manifests();
  Requester requester;
  ASSERT_TRUE(requester.run_until(plan(), "DoSnapshotSet"));
  put("wiki.json", "");
  vssd().signal(SIGHUP);
  ASSERT_TRUE(wait_until([] { return writers().empty(); }, std::chrono::seconds(20)));
  const auto made = requester.backup<Dict>("DoSnapshotSet");
  ASSERT_TRUE(made) << "a writer that fails in PrepareForSnapshot stops nothing: vss.md 5.1";
  const Dicts states = requester.backup<Dicts>("GatherWriterStatus").value();
  ASSERT_EQ(states.size(), 1U);
  EXPECT_EQ(get<std::string>(states[0], "state"), "failed-at-prepare-snapshot");
  EXPECT_EQ(get<std::string>(states[0], "failure"), "WriterNotResponding");
  EXPECT_EQ(name_of(requester.backup("Release")), "");
  expect_nothing_left();
}

}  // namespace
}  // namespace vss::test
