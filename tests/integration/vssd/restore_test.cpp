// SPDX-License-Identifier: LGPL-2.1-or-later
// Backup documents and restores through the bus, with a writer made with the SDK: vss.md 1.5.
#include <future>
#include <vss/writer.hpp>

#include <nlohmann/json.hpp>

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kShopClass = "1c6f2dcb-8f43-4a3f-9a0e-6a1f0b6d3a55";

// Notes what it is told and writes into its component what a database would.
class Shop final : public Writer {
 public:
  Shop(EventLog& log, std::string data, std::uint32_t subscribe = VSS_SUBSCRIBE_ALL)
      : Writer({"shop", kShopClass, "", "", VSS_LEVEL_FRONT_END, std::chrono::minutes(1), 0, subscribe}),
        log_(log),
        data_(std::move(data)) {}
  ~Shop() override { stop(); }
  void start() {
    auto registered = registered_.get_future();
    on_.emplace(subscribe());
    if (registered.wait_for(std::chrono::seconds(20)) != std::future_status::ready)
      throw std::runtime_error("not registered");
  }
  void stop() { on_.reset(); }

 private:
  void note(const std::string& event, Session& session, const std::string& said = "") {
    log_.add({"shop", event, session.id(), "", said, std::chrono::steady_clock::now()});
  }
  void on_identify(Metadata& metadata) override {
    metadata.add_component(VSS_COMPONENT_DATABASE, "", "data", "", VSS_COMPONENT_SELECTABLE);
    metadata.add_files("", "data", data_);
  }
  void on_prepare_backup(Session& session) override {
    for (Component& component : all(session))
      component.set_backup_metadata("made of " + component.backup_options());
    note("PrepareForBackup", session);
  }
  void on_prepare_snapshot(Session&) override {}
  void on_freeze(Session&) override {}
  void on_thaw(Session&) override {}
  void on_abort(Session& session) override { note("Abort", session); }
  void on_post_snapshot(Session& session) override {
    for (Component& component : all(session)) component.set_backup_stamp("stamp 1");
  }
  void on_backup_complete(Session& session) override {
    note("BackupComplete", session, all(session).empty() || all(session)[0].succeeded ? "yes" : "no");
  }
  void on_pre_restore(Session& session) override {
    for (Component& component : all(session)) {
      note("PreRestore", session, component.backup_metadata() + ", " + component.restore_options());
      component.set_restore_target(VSS_RESTORE_TARGET_ALTERNATE);
    }
  }
  void on_post_restore(Session& session) override {
    for (const Component& component : all(session)) {
      note("PostRestore", session, std::to_string(static_cast<int>(component.file_restore_status())));
    }
  }
  void on_restore_shutdown(Session& session) override { note("RestoreShutdown", session); }
  void on_state_changed(vss_writer_state state, const std::string&) override {
    if (state == VSS_WRITER_REGISTERED && !std::exchange(was_registered_, true)) registered_.set_value();
  }
  static std::vector<Component> all(Session& session) { return session.components(); }

  EventLog& log_;
  const std::string data_;
  std::promise<void> registered_;
  bool was_registered_ = false;
  std::optional<Subscription> on_;
};

class RestoreOnTheBus : public DaemonTest {
 protected:
  void start_shop(std::uint32_t subscribe = VSS_SUBSCRIBE_ALL) {
    shop_ = std::make_unique<Shop>(log_, volume(), subscribe);
    shop_->start();
  }
  // A whole backup of the shop; its document.
  std::string backup() {
    Requester requester;
    Requester::Plan selective = plan();
    selective.select_components = true;
    EXPECT_TRUE(requester.run_until(selective, "GatherWriterMetadata"));
    const auto metadata = requester.backup<Dicts>("GatherWriterMetadata");
    const std::string instance = get<std::string>(metadata->at(0), "instance_id");
    const auto on_data = [&](const char* method, const auto&... more) {
      return requester.backup(method, instance, std::string(), std::string("data"), more...);
    };
    EXPECT_TRUE(on_data("AddComponent"));
    EXPECT_TRUE(on_data("SetBackupOptions", std::string("flour")));
    EXPECT_TRUE(requester.backup<std::string>("StartSnapshotSet"));
    EXPECT_TRUE(requester.backup<std::string>("AddToSnapshotSet", volume(), std::string("fake")));
    EXPECT_TRUE(requester.backup("PrepareForBackup"));
    EXPECT_TRUE(requester.backup("DoSnapshotSet"));
    EXPECT_TRUE(on_data("SetBackupSucceeded", true));
    EXPECT_TRUE(requester.backup("BackupComplete"));
    const auto document = requester.backup<std::string>("SaveDocument");
    EXPECT_TRUE(requester.backup("Release"));
    log_.clear();
    return document ? *document : "";
  }
  template <typename... More>
  Reply<> on_data(Requester& requester, const char* method, const More&... more) {
    return requester.restore(method, std::string(kShopClass), std::string(), std::string(),
                             std::string("data"), more...);
  }
  void select(Requester& requester) {
    ASSERT_TRUE(requester.restore("GatherWriterMetadata"));
    const Reply<> selected = on_data(requester, "SetSelectedForRestore", true, std::string());
    ASSERT_TRUE(selected) << selected.error().message;
  }
  [[nodiscard]] std::vector<std::string> told() const {
    std::vector<std::string> all;
    for (const LoggedEvent& event : log_.all())
      all.push_back(event.event + (event.reason.empty() ? "" : ": " + event.reason));
    return all;
  }

  std::unique_ptr<Shop> shop_;
};

TEST_F(RestoreOnTheBus, ADocumentIsAllThatAnotherRunOfVssdNeeds) {
  start();
  start_shop();
  const std::string document = backup();
  const auto parsed = nlohmann::json::parse(document);
  const auto& component = parsed.at("writers").at(0).at("components").at(0);
  EXPECT_EQ(component.value("backup_metadata", ""), "made of flour");
  EXPECT_EQ(component.value("backup_stamp", ""), "stamp 1");
  EXPECT_EQ(component.value("backup_succeeded", false), true);
  EXPECT_TRUE(parsed.at("phases").contains("hold"));
  EXPECT_TRUE(parsed.at("providers").at("fake").contains("commit"));
  EXPECT_TRUE(parsed.at("writers").at(0).at("durations").contains("Freeze"));

  shop_.reset();
  vssd().restart();
  start_shop();  // another instance
  Requester requester;
  ASSERT_TRUE(requester.create_restore(document));
  select(requester);
  ASSERT_TRUE(on_data(requester, "SetRestoreOptions", std::string("warm")));
  ASSERT_TRUE(requester.restore("PreRestore"));
  ASSERT_TRUE(on_data(requester, "SetFileRestoreStatus", std::string("all")));
  ASSERT_TRUE(requester.restore("PostRestore"));
  const auto after = requester.restore<std::string>("SaveDocument");
  ASSERT_TRUE(after);
  EXPECT_THAT(*after, HasSubstr(R"("restore_target": "alternate")"));
  ASSERT_TRUE(requester.restore("Release"));
  EXPECT_THAT(told(),
              ElementsAre("PreRestore: made of flour, warm",
                          "PostRestore: " + std::to_string(VSS_FILES_RESTORED_ALL), "RestoreShutdown"));
  EXPECT_TRUE(wait_for_no_session());
}

TEST_F(RestoreOnTheBus, AnUnchangedDocumentComesOutToTheLetter) {
  start();
  start_shop();
  const std::string document = backup();
  Requester requester;
  ASSERT_TRUE(requester.create_restore(document));
  EXPECT_EQ(requester.restore<std::string>("SaveDocument").value(), document);
}

TEST_F(RestoreOnTheBus, BadDocumentsAndStrangersAreRefusedAndVssdGoesOn) {
  start();
  start_shop();
  const std::string document = backup();
  Requester requester;
  const std::string deep(100'000, '[');
  for (const std::string& bad :
       {std::string(), std::string("[]"), std::string("{}"), deep, document.substr(0, document.size() / 2),
        R"({"version":2})" + std::string()}) {
    EXPECT_EQ(name_of(requester.create_restore(bad)), "InvalidDocument") << bad.substr(0, 40);
  }
  ASSERT_TRUE(requester.create_restore(document));
  EXPECT_EQ(name_of(requester.restore("PreRestore")), "BadState");
  EXPECT_EQ(name_of(requester.restore("SetRestoreOptions", std::string("x"), std::string(), std::string(),
                                      std::string("data"), std::string())),
            "InvalidArgument");
  Requester stranger;
  const auto foreign = stranger.begin_at(requester.restore_path(), kRestoreInterface, "GatherWriterMetadata");
  EXPECT_EQ(name_of(PendingCall(foreign).result()), "AccessDenied");
  EXPECT_EQ(sessions(), 1U);
  ASSERT_TRUE(requester.restore("GatherWriterMetadata"));
}

TEST_F(RestoreOnTheBus, AWriterHearsOnlyWhatItHasSubscribedTo) {
  start();
  start_shop(VSS_SUBSCRIBE_RESTORE);
  Requester requester;
  ASSERT_TRUE(requester.run_until(plan()));
  ASSERT_TRUE(requester.backup("BackupComplete"));
  ASSERT_TRUE(requester.backup("Release"));
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(RestoreOnTheBus, ABackupThatNeedsNoSnapshotReachesBackupComplete) {
  start();
  ScriptedWriter writer(log_, "notes");  // its component has no files
  writer.start();
  Requester requester;
  Requester::Plan selective = plan();
  selective.select_components = true;
  ASSERT_TRUE(requester.run_until(selective, "GatherWriterMetadata"));
  const auto metadata = requester.backup<Dicts>("GatherWriterMetadata");
  ASSERT_TRUE(requester.backup("AddComponent", get<std::string>(metadata->at(0), "instance_id"),
                               std::string(), std::string("data")));
  ASSERT_TRUE(requester.backup("PrepareForBackup"));
  ASSERT_TRUE(requester.backup("BackupComplete"));
  const auto status = requester.backup<Dicts>("GatherWriterStatus");
  ASSERT_TRUE(status);
  EXPECT_EQ(get<std::string>(status->at(0), "state"), "stable");
  EXPECT_EQ(get<std::string>(status->at(0), "failure"), "");
  ASSERT_TRUE(requester.backup("Release"));
  EXPECT_THAT(log_.names("notes"),
              ElementsAre("Identify", "PrepareForBackup", "BackupComplete", "BackupShutdown"));
}

TEST_F(RestoreOnTheBus, AWriterWithoutAVolumeInTheSetIsALoudError) {
  start();
  start_shop();
  TempDir elsewhere;
  shop_.reset();
  shop_ = std::make_unique<Shop>(log_, elsewhere.path());
  shop_->start();
  Requester requester;
  Requester::Plan selective = plan();
  selective.select_components = true;
  ASSERT_TRUE(requester.run_until(selective, "GatherWriterMetadata"));
  const auto metadata = requester.backup<Dicts>("GatherWriterMetadata");
  ASSERT_TRUE(requester.backup("AddComponent", get<std::string>(metadata->at(0), "instance_id"),
                               std::string(), std::string("data")));
  ASSERT_TRUE(requester.backup<std::string>("StartSnapshotSet"));
  ASSERT_TRUE(requester.backup<std::string>("AddToSnapshotSet", volume(), std::string("fake")));
  const Reply<> prepared = requester.backup("PrepareForBackup");
  EXPECT_EQ(name_of(prepared), "UnselectedVolume");
  EXPECT_THAT(prepared.error().message, HasSubstr(elsewhere.path()));
  EXPECT_EQ(log_.count("PrepareForBackup"), 0U);
}

}  // namespace
}  // namespace vss::test
