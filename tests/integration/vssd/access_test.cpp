// SPDX-License-Identifier: LGPL-2.1-or-later
// Who may do what: root, users that polkit admits, users that the configuration lists, everybody.

#include <fstream>
#include <sstream>

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {

using ::testing::HasSubstr;

// Users that every distribution has: the bus lets only users in that have a name.
constexpr uid_t kNobody = 65534;
constexpr uid_t kDaemon = 1;
using PolkitSubject = sdbus::Struct<std::string, Dict>;
using PolkitDetails = std::map<std::string, std::string>;
using PolkitAnswer = sdbus::Struct<bool, bool, PolkitDetails>;

// org.freedesktop.PolicyKit1 that admits to the actions it was given.
class FakePolkit {
 public:
  explicit FakePolkit(std::set<std::string> allowed)
      : allowed_(std::move(allowed)),
        connection_(sdbus::createSystemBusConnection()),
        object_(
            sdbus::createObject(*connection_, sdbus::ObjectPath("/org/freedesktop/PolicyKit1/Authority"))) {
    register_method(*object_, "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization",
                    [this](const PolkitSubject& subject, const std::string& action, const PolkitDetails&,
                           const std::uint32_t&, const std::string&) {
                      const std::lock_guard lock(mutex_);
                      asked_.push_back(action + " " + subject.get<0>() + " " +
                                       get<std::string>(subject.get<1>(), "name"));
                      return PolkitAnswer(allowed_.contains(action), false, {});
                    });
    finish_registration(*object_);
    connection_->requestName(ServiceName("org.freedesktop.PolicyKit1"));
    connection_->enterEventLoopAsync();
  }
  ~FakePolkit() { connection_->leaveEventLoop(); }
  [[nodiscard]] std::vector<std::string> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  const std::set<std::string> allowed_;
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;
  std::unique_ptr<sdbus::IConnection> connection_;
  std::unique_ptr<sdbus::IObject> object_;
};

class Access : public DaemonTest {
 protected:
  // Lets root own polkit's name on this bus and everybody call it, as polkit's own policy file does.
  void admit_polkit() {
    const std::string file = bus_.directory() / "policy.conf";
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    std::string policy = text.str();
    policy.insert(
        policy.rfind("</busconfig>"),
        "<policy user=\"root\"><allow own=\"org.freedesktop.PolicyKit1\"/></policy>"
        "<policy context=\"default\"><allow send_destination=\"org.freedesktop.PolicyKit1\"/></policy>");
    bus_.stop();
    std::ofstream(file) << policy;
    bus_.start();
  }
  static Reply<> register_writer(Requester& requester) {
    const Dict properties{{"name", sdbus::Variant{std::string("a writer")}},
                          {"class_id", sdbus::Variant{kId}}};
    return requester.manager("RegisterWriter", sdbus::ObjectPath("/writer"), properties);
  }
  static Reply<> delete_all(Requester& requester) {
    return requester.manager("DeleteSnapshots", std::string("all"), std::string(), false);
  }
};

TEST_F(Access, EverybodyMayLook) {
  start();
  Requester nobody(kNobody);
  EXPECT_TRUE(nobody.manager("GetStatus"));
  EXPECT_TRUE(nobody.manager("ListWriters"));
  EXPECT_TRUE(nobody.manager("ListProviders"));
  EXPECT_TRUE(nobody.manager("ListVolumes"));
  EXPECT_TRUE(nobody.manager("ListSnapshots", Dict{}));
  EXPECT_TRUE(nobody.manager("ListStorage"));
}

TEST_F(Access, WithoutPolkitOnlyRootMayAct) {
  start();
  Requester nobody(kNobody);
  for (const Reply<>& refused :
       {nobody.manager("CreateBackup", Dict{}), delete_all(nobody), nobody.manager("CollectGarbage"),
        register_writer(nobody), nobody.manager("IsVolumeSupported", volume(), std::string("fake")),
        nobody.manager("IsVolumeSupported", std::string("/nowhere"), std::string()),
        nobody.manager("BreakSnapshotSet", kId, Dict{}), nobody.manager("RevertToSnapshot", kId, true),
        nobody.manager("QueryRevertStatus", std::string("/nowhere")),
        nobody.manager("ResizeStorage", std::string("/nowhere"), std::uint64_t{1})}) {
    ASSERT_EQ(name_of(refused), "AccessDenied");
    EXPECT_THAT(refused.error().message, HasSubstr("polkit"));
  }
  EXPECT_EQ(sessions(), 0U);
  Requester root;
  EXPECT_TRUE(root.manager("CreateBackup", Dict{}));
  EXPECT_TRUE(delete_all(root));
  EXPECT_TRUE(register_writer(root));
  EXPECT_EQ(root.manager<Dicts>("ListWriters").value().size(), 1U);
}

TEST_F(Access, PolkitDecidesForUsersByTheirBusName) {
  admit_polkit();
  const FakePolkit polkit({"org.vssd.vss1.request-backup"});
  start();
  Requester nobody(kNobody);
  EXPECT_EQ(name_of(nobody.create_backup()), "");
  EXPECT_EQ(nobody.state(), "initialized");
  EXPECT_TRUE(nobody.manager("IsVolumeSupported", volume(), std::string("fake")));
  EXPECT_EQ(name_of(delete_all(nobody)), "AccessDenied");
  EXPECT_EQ(name_of(register_writer(nobody)), "AccessDenied");
  const std::string who = " system-bus-name " + nobody.bus_name();
  EXPECT_THAT(
      polkit.asked(),
      ::testing::ElementsAre("org.vssd.vss1.request-backup" + who, "org.vssd.vss1.request-backup" + who,
                             "org.vssd.vss1.manage-snapshots" + who, "org.vssd.vss1.register-writer" + who));
  Requester root;
  EXPECT_TRUE(root.create_backup()) << "root is not asked about";
  EXPECT_EQ(polkit.asked().size(), 4U);
}

TEST_F(Access, AUserThatPolkitAdmitsMakesAWholeBackup) {
  admit_polkit();
  const FakePolkit polkit({"org.vssd.vss1.request-backup"});
  start();
  add_writer("writer");
  Requester nobody(kNobody);
  const Reply<> made = nobody.run_until(plan());
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(nobody.backup("BackupComplete"));
  EXPECT_TRUE(nobody.backup("Release"));
  expect_nothing_left();
}

TEST_F(Access, AccountsOfTheConfigurationMayRegisterWritersAndNothingElse) {
  start("[writers]\naccounts = [\"nobody\"]\n");
  Requester nobody(kNobody);
  EXPECT_EQ(name_of(register_writer(nobody)), "");
  EXPECT_EQ(name_of(nobody.manager("CreateBackup", Dict{})), "AccessDenied");
  EXPECT_EQ(name_of(delete_all(nobody)), "AccessDenied");
  Requester somebody(kDaemon);
  EXPECT_EQ(name_of(register_writer(somebody)), "AccessDenied");
}

TEST_F(Access, OnlyAnAdministratorAbortsTheBackupOfAnother) {
  start();
  add_writer("writer");
  Requester owner;
  ASSERT_TRUE(owner.run_until(plan(), "DoSnapshotSet"));
  Requester nobody(kNobody);
  nobody.use_backup(owner.backup_path());
  EXPECT_EQ(name_of(nobody.backup("AbortBackup")), "AccessDenied");
  EXPECT_EQ(owner.state(), "prepared");
  Requester root;
  root.use_backup(owner.backup_path());
  EXPECT_EQ(name_of(root.backup("Release")), "AccessDenied");
  EXPECT_EQ(name_of(root.backup("AbortBackup")), "");
  EXPECT_EQ(owner.state(), "aborted");
  EXPECT_EQ(log_.count("Abort"), 1U);
  EXPECT_TRUE(owner.backup("Release"));
  expect_nothing_left();
}

TEST_F(Access, PolkitThatLeavesWhileItIsAskedIsARefusal) {
  admit_polkit();
  auto silent = sdbus::createSystemBusConnection();
  silent->requestName(ServiceName("org.freedesktop.PolicyKit1"));  // it has the name and never answers
  start();
  Requester nobody(kNobody);
  PendingCall call = nobody.begin_at(kManagerPath, kManagerInterface, "CreateBackup", Dict{});
  EXPECT_FALSE(call.wait_for(std::chrono::milliseconds(200)));
  Requester root;
  EXPECT_TRUE(root.create_backup()) << "others do not wait for it";
  silent.reset();
  EXPECT_EQ(name_of(call.result()), "AccessDenied");
}

}  // namespace
}  // namespace vss::test
