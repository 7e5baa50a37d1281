// SPDX-License-Identifier: LGPL-2.1-or-later
// What a backup tells of itself: the backup components document and the answer of DoSnapshotSet.

#include <set>

#include <nlohmann/json.hpp>

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

using Durations = std::map<std::string, double>;

template <typename Map>
std::set<std::string> keys_of(const Map& map) {
  std::set<std::string> keys;
  for (const auto& [key, value] : map) keys.insert(key);
  return keys;
}
std::set<std::string> keys_of(const json& object) {
  std::set<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.insert(key);
  return keys;
}

const std::set<std::string> kPhases{
    "record", "prepare-for-snapshot", "end-prepare", "freeze",        "pre-commit",
    "hold",   "post-commit",          "thaw",        "post-snapshot", "publish"};
const std::set<std::string> kOperations{"end_prepare", "pre_commit",       "commit",
                                        "post_commit", "pre_final_commit", "post_final_commit"};
const std::set<std::string> kEventsOfCreation{"PrepareForBackup", "PrepareForSnapshot", "Freeze", "Thaw",
                                              "PostSnapshot"};

class BackupDocument : public DaemonTest {
 protected:
  BackupDocument() : second_(LoopFilesystem::create(directory_.path() / "disk", "second", "ext4", 8)) {}
  void SetUp() override {
    start();
    add_writer("writer");
    add_writer("other");
    both_ = plan();
    both_.volumes.push_back(second());
  }
  [[nodiscard]] std::string second() const { return second_.mount_point().string(); }
  static json document_of(Requester& requester) {
    const auto text = requester.backup<std::string>("SaveDocument");
    EXPECT_TRUE(text) << text.error().message;
    return json::parse(text.value_or("{}"));
  }
  static json writer_in(const json& document, const std::string& name) {
    for (const json& writer : document.at("writers")) {
      if (writer.at("name") == name) return writer;
    }
    return json::object();
  }

  LoopFilesystem second_;
  Requester::Plan both_;
};

TEST_F(BackupDocument, TellsWhatTheSetIsWorthAndHowLongEachVolumeWasHeld) {
  Requester requester;
  ASSERT_EQ(name_of(requester.run_until(both_)), "");
  EXPECT_EQ(writer_in(document_of(requester), "writer").at("state"), "waiting-for-backup-complete");
  ASSERT_EQ(name_of(requester.backup("BackupComplete")), "");
  const json document = document_of(requester);
  EXPECT_EQ(document.at("version"), 1);
  EXPECT_EQ(document.at("state"), "completed");
  EXPECT_EQ(document.at("consistency"), "cut");
  EXPECT_EQ(document.at("consistency_reason"), "");
  EXPECT_FALSE(document.contains("failure"));
  ASSERT_THAT(document.at("snapshots"), SizeIs(2));
  std::vector<std::string> volumes;
  for (const json& snapshot : document.at("snapshots")) {
    volumes.push_back(snapshot.at("volume"));
    EXPECT_TRUE(snapshot.at("hold_ms").is_number());
    EXPECT_GE(snapshot.at("hold_ms"), 0.0);
    EXPECT_EQ(snapshot.at("provider"), "fake");
  }
  EXPECT_THAT(volumes, ElementsAre(volume(), second()));
  ASSERT_THAT(document.at("writers"), SizeIs(2));
  std::set<std::string> events = kEventsOfCreation;
  events.insert("BackupComplete");
  for (const json& writer : document.at("writers")) {
    EXPECT_EQ(writer.at("state"), "stable");
    EXPECT_TRUE(writer.at("selected"));
    EXPECT_FALSE(writer.contains("failure"));
    EXPECT_EQ(keys_of(writer.at("durations")), events);
  }
  EXPECT_EQ(keys_of(document.at("phases")), kPhases);
  EXPECT_EQ(keys_of(document.at("providers")), std::set<std::string>{"fake"});
  EXPECT_EQ(keys_of(document.at("providers").at("fake")), kOperations);
}

// From its second attempt on the provider cannot be held: two volumes have no instant in common then.
TEST_F(BackupDocument, ALesserConsistencyComesWithItsReason) {
  script("commit refuse-hold-once the kernel is too old\n");
  Requester requester;
  ASSERT_EQ(name_of(requester.run_until(both_, "DoSnapshotSet")), "");
  const auto made = requester.backup<Dict>("DoSnapshotSet");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(get<std::string>(*made, "consistency"), "per-volume");
  const auto reason = get<std::string>(*made, "consistency_reason");
  EXPECT_THAT(reason, HasSubstr(volume()));
  EXPECT_THAT(reason, HasSubstr(second()));
  ASSERT_EQ(name_of(requester.backup("BackupComplete")), "");
  const json document = document_of(requester);
  EXPECT_EQ(document.at("consistency"), "per-volume");
  EXPECT_EQ(document.at("consistency_reason"), reason);
  for (const json& snapshot : document.at("snapshots")) EXPECT_TRUE(snapshot.at("hold_ms").is_number());
}

TEST_F(BackupDocument, AWriterThatFailedIsInItWithItsFailure) {
  writers_.front()->on("Freeze", Reaction::veto(VSS_E_WRITER_OUT_OF_RESOURCES, "no 'room'", -7));
  for (const bool lenient : {true, false}) {
    SCOPED_TRACE(lenient ? "lenient" : "strict");
    Requester requester;
    Requester::Plan way = plan();
    way.options["policy"] = sdbus::Variant{std::string(lenient ? "lenient" : "strict")};
    ASSERT_EQ(name_of(requester.run_until(way, "DoSnapshotSet")), "");
    EXPECT_EQ(name_of(requester.backup("DoSnapshotSet")), lenient ? "" : "WriterOutOfResources");
    if (lenient) {
      ASSERT_EQ(name_of(requester.backup("BackupComplete")), "");
    }
    const json document = document_of(requester);
    EXPECT_EQ(document.at("state"), lenient ? "completed" : "failed");
    const json writer = writer_in(document, "writer");
    EXPECT_EQ(writer.at("state"), "failed-at-freeze");
    EXPECT_EQ(writer.at("failure"),
              json({{"error", "WriterOutOfResources"}, {"application_code", -7}, {"message", "no 'room'"}}));
    const json other = writer_in(document, "other");
    EXPECT_FALSE(other.contains("failure"));
    EXPECT_EQ(document.contains("failure"), !lenient) << "of the whole";
    if (lenient) {
      EXPECT_EQ(other.at("state"), "stable");
      EXPECT_EQ(document.at("consistency"), "cut");
    } else {
      EXPECT_EQ(document.at("failure").at("error"), "WriterOutOfResources");
      EXPECT_THAT(document.at("failure").at("message").get<std::string>(), HasSubstr("no 'room'"));
    }
    EXPECT_EQ(name_of(requester.backup("Release")), "");
  }
  expect_nothing_left();
}

TEST_F(BackupDocument, TheAnswerOfDoSnapshotSetHasEachKeyOfItsDescription) {
  Requester requester;
  ASSERT_EQ(name_of(requester.run_until(both_, "DoSnapshotSet")), "");
  const auto made = requester.backup<Dict>("DoSnapshotSet");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(keys_of(*made),
              UnorderedElementsAre("set_id", "context", "consistency", "consistency_reason", "hold_ms",
                                   "snapshots", "writers", "phases", "providers", "warnings"));
  EXPECT_THAT(get<std::vector<std::string>>(*made, "warnings"), IsEmpty());
  const auto snapshots = get<Dicts>(*made, "snapshots");
  ASSERT_THAT(snapshots, SizeIs(2));
  for (const Dict& snapshot : snapshots) {
    const auto id = get<std::string>(snapshot, "snapshot_id");
    const auto properties = requester.backup<Dict>("GetSnapshotProperties", id);
    ASSERT_TRUE(properties);
    EXPECT_EQ(keys_of(snapshot), keys_of(*properties));
    EXPECT_EQ(get<std::string>(snapshot, "set_id"), get<std::string>(*made, "set_id"));
    EXPECT_GE(get<double>(snapshot, "hold_ms"), 0.0);
  }
  const auto phases = get<Durations>(*made, "phases");
  EXPECT_EQ(keys_of(phases), kPhases);
  for (const auto& [phase, took] : phases) EXPECT_GE(took, 0.0) << phase;

  const auto providers = get<Dicts>(*made, "providers");
  ASSERT_THAT(providers, SizeIs(1));
  EXPECT_THAT(keys_of(providers[0]), UnorderedElementsAre("name", "durations"));
  EXPECT_EQ(get<std::string>(providers[0], "name"), "fake");
  const auto operations = get<Durations>(providers[0], "durations");
  EXPECT_EQ(keys_of(operations), kOperations);
  for (const auto& [operation, took] : operations) EXPECT_GE(took, 0.0) << operation;

  const auto writers = get<Dicts>(*made, "writers");
  ASSERT_THAT(writers, SizeIs(2));
  const auto states = requester.backup<Dicts>("GatherWriterStatus");
  ASSERT_TRUE(states);
  for (const Dict& writer : writers) {
    EXPECT_EQ(keys_of(writer), keys_of(states->at(0)));
    EXPECT_EQ(get<std::string>(writer, "state"), "waiting-for-backup-complete");
    EXPECT_EQ(get<std::uint32_t>(writer, "state_number"), 5U);
    EXPECT_EQ(get<std::string>(writer, "failure"), "");
    EXPECT_TRUE(get<bool>(writer, "selected"));
    const auto events = get<Durations>(writer, "durations");
    EXPECT_EQ(keys_of(events), kEventsOfCreation);
    for (const auto& [event, took] : events) EXPECT_GE(took, 0.0) << event;
  }
}

}  // namespace
}  // namespace vss::test
