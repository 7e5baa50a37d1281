// SPDX-License-Identifier: LGPL-2.1-or-later
// Members of the contract that no other table of the suite has: properties, signals, and what is said of a
// component.

#include <map>
#include <mutex>

#include "tests/conformance/conformance_test.hpp"

namespace vss::test {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// sdbus-c++ 1.2 wants it, 2.x has no such thing.
template <typename Proxy>
void end_registration(Proxy& proxy) {
  if constexpr (requires { proxy.finishRegistration(); }) proxy.finishRegistration();
}

class MemberTable : public OnBothFaces {
 protected:
  void heard(const std::string& signal) {
    const std::lock_guard lock(mutex_);
    ++heard_[signal];
  }
  bool wait_for_signal(const std::string& signal, std::size_t times) {
    return wait_until(
        [&] {
          const std::lock_guard lock(mutex_);
          return heard_[signal] >= times;
        },
        std::chrono::seconds(20));
  }

  // Its signals come to the requester's connection.
  std::unique_ptr<sdbus::IProxy> listen_to_manager(Requester& requester) {
    auto proxy = make_proxy(requester.connection(), kService, kManagerPath);
    using Text = const std::string&;
    proxy->uponSignal("WriterAdded").onInterface(kManagerInterface).call([this](Text, Text) {
      heard("WriterAdded");
    });
    proxy->uponSignal("WriterRemoved").onInterface(kManagerInterface).call([this](Text, Text) {
      heard("WriterRemoved");
    });
    proxy->uponSignal("SnapshotSetCreated")
        .onInterface(kManagerInterface)
        .call([this](Text set, Text context) { heard("SnapshotSetCreated " + set + " " + context); });
    proxy->uponSignal("SnapshotSetDeleted").onInterface(kManagerInterface).call([this](Text set) {
      heard("SnapshotSetDeleted " + set);
    });
    proxy->uponSignal("Event")
        .onInterface(kManagerInterface)
        .call([this](Text, Text, Text writer, Text, Text event, Text outcome, const double&) {
          heard("Event " + writer + " " + event + " " + outcome);
        });
    end_registration(*proxy);
    return proxy;
  }
  std::unique_ptr<sdbus::IProxy> listen_to_progress(Requester& requester, const std::string& path,
                                                    const char* interface) {
    auto proxy = make_proxy(requester.connection(), kService, path);
    proxy->uponSignal("Progress")
        .onInterface(interface)
        .call([this, interface](const std::string&, const std::uint32_t&, const std::uint32_t&,
                                const std::vector<std::string>&) { heard(interface); });
    end_registration(*proxy);
    return proxy;
  }

  static std::string property_of(Requester& requester, const std::string& path, const std::string& interface,
                                 const std::string& name) {
    const auto value = requester.begin_at(path, "org.freedesktop.DBus.Properties", "Get", interface, name)
                           .result<sdbus::Variant>();
    return value ? value->get<std::string>() : value.error().name;
  }

  // The names of the writers that a Backup with these filters asks.
  std::vector<std::string> gathered(const std::string& method, const std::string& id) {
    Requester requester;
    EXPECT_TRUE(requester.create_backup());
    EXPECT_EQ(name_of(requester.backup(method, std::vector<std::string>{id})), "");
    std::vector<std::string> names;
    for (const Dict& writer : requester.backup<Dicts>("GatherWriterMetadata").value_or(Dicts())) {
      names.push_back(get<std::string>(writer, "name"));
    }
    EXPECT_EQ(name_of(requester.backup("Release")), "");
    return names;
  }

  // A backup of the writer's component up to before PrepareForBackup; its instance id.
  std::string selected(Requester& requester) {
    select(requester, {"writer"});
    return instance_of(requester.manager<Dicts>("ListWriters").value_or(Dicts()), "writer");
  }

  std::mutex mutex_;
  std::map<std::string, std::size_t> heard_;
};

TEST_P(MemberTable, ThePropertiesAreReadable) {
  SCOPED_TRACE("design, section 5");
  start();
  add_writer("writer");
  Requester requester;
  EXPECT_NE(property_of(requester, kManagerPath, kManagerInterface, "Version"), "");
  ASSERT_TRUE(requester.run_until(plan()));
  EXPECT_EQ(requester.state(), "snapped");
  EXPECT_EQ(requester.property("SessionId").size(), 36U);
  EXPECT_EQ(requester.property("SnapshotSetId").size(), 36U);
  EXPECT_EQ(requester.property("Context"), "backup");
  const std::string document = requester.backup<std::string>("SaveDocument").value_or("");
  ASSERT_TRUE(requester.backup("Release"));
  ASSERT_TRUE(requester.create_restore(document));
  EXPECT_EQ(property_of(requester, requester.restore_path(), kRestoreInterface, "State"), "initialized");
  EXPECT_EQ(property_of(requester, requester.restore_path(), kRestoreInterface, "SessionId").size(), 36U);
}

TEST_P(MemberTable, TheSignalsAreSent) {
  SCOPED_TRACE("design, section 5");
  start();
  Requester requester;
  const auto manager = listen_to_manager(requester);
  add_writer("writer");
  EXPECT_TRUE(wait_for_signal("WriterAdded", 1));
  select(requester, {"writer"});
  const auto backup = listen_to_progress(requester, requester.backup_path(), kBackupInterface);
  const std::string set = requester.backup<std::string>("StartSnapshotSet").value_or("");
  ASSERT_TRUE(requester.backup("AddToSnapshotSet", volume(), std::string("fake")));
  ASSERT_TRUE(requester.backup("PrepareForBackup"));
  ASSERT_TRUE(requester.backup("DoSnapshotSet"));
  EXPECT_TRUE(wait_for_signal("SnapshotSetCreated " + set + " backup", 1));
  EXPECT_TRUE(wait_for_signal(kBackupInterface, 1));
  ASSERT_TRUE(requester.backup("BackupComplete"));
  const std::string document = requester.backup<std::string>("SaveDocument").value_or("");
  ASSERT_TRUE(requester.backup("Release"));
  EXPECT_TRUE(wait_for_signal("SnapshotSetDeleted " + set, 1));

  ASSERT_TRUE(requester.create_restore(document));
  const auto restore = listen_to_progress(requester, requester.restore_path(), kRestoreInterface);
  ASSERT_TRUE(requester.restore("GatherWriterMetadata"));
  ASSERT_TRUE(requester.restore("SetSelectedForRestore", class_id_of("writer"), std::string(), std::string(),
                                std::string("data"), true, std::string()));
  writers_.front()->on("PostRestore", Reaction::veto(VSS_E_WRITER_RETRYABLE, "no"));
  ASSERT_TRUE(requester.restore("PreRestore"));
  ASSERT_TRUE(requester.restore("PostRestore"));
  EXPECT_TRUE(wait_for_signal(kRestoreInterface, 1));
  ASSERT_TRUE(requester.restore("Release"));
  for (const char* event : {"PrepareForBackup", "PrepareForSnapshot", "Freeze", "Thaw", "PostSnapshot",
                            "BackupComplete", "BackupShutdown", "PreRestore", "RestoreShutdown"}) {
    EXPECT_TRUE(wait_for_signal(std::string("Event writer ") + event + " ok", 1)) << event;
  }
  EXPECT_TRUE(wait_for_signal("Event writer PostRestore WriterRetryable", 1));
  writers_.front()->stop();
  EXPECT_TRUE(wait_for_signal("WriterRemoved", 1));
}

TEST_P(MemberTable, WritersAreChosenByClassAndInstance) {
  SCOPED_TRACE("vss.md 1.2 B4");
  start();
  add_writer("a");
  add_writer("b");
  const auto instance = instance_of(Requester().manager<Dicts>("ListWriters").value_or(Dicts()), "a");
  EXPECT_THAT(gathered("EnableWriterClasses", class_id_of("a")), UnorderedElementsAre("a"));
  EXPECT_THAT(gathered("DisableWriterClasses", class_id_of("a")), UnorderedElementsAre("b"));
  EXPECT_THAT(gathered("DisableWriterInstances", instance), UnorderedElementsAre("b"));
  EXPECT_THAT(gathered("DisableWriterInstances", kNullId), UnorderedElementsAre("a", "b"));
  EXPECT_EQ(log_.count("Identify", "a"), 2U) << "who is left out is not asked";
}

TEST_P(MemberTable, WhatIsSaidOfAComponentIsInTheDocument) {
  SCOPED_TRACE("vss.md 1.2 B12; 3.9");
  start();
  add_writer("writer");
  Requester requester;
  const std::string writer = selected(requester);
  const std::string root;
  const std::string data = "data";
  ASSERT_TRUE(requester.backup("SetBackupOptions", writer, root, data, std::string("as quick as it goes")));
  ASSERT_TRUE(requester.backup("SetPreviousBackupStamp", writer, root, data, std::string("stamp 7")));
  const auto components = requester.backup<std::string>("GetWriterComponents", writer);
  ASSERT_TRUE(components) << components.error().message;
  EXPECT_THAT(*components, HasSubstr("as quick as it goes"));
  EXPECT_THAT(*components, HasSubstr("stamp 7"));
}

VSS_ON_BOTH_FACES(MemberTable);

}  // namespace
}  // namespace vss::test
