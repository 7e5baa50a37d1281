// SPDX-License-Identifier: LGPL-2.1-or-later
// vss-writer-unit with a real vssd, whose requester is killed or that is killed itself while units stand
// still.
#include <fstream>

#include "tests/integration/sdk/fake_systemd.hpp"
#include "tests/integration/vssd/daemon_fixture.hpp"
#include "tests/support/child_process.hpp"

namespace vss::test {
namespace {

class UnitWriterOfVssd : public DaemonTest {
 protected:
  UnitWriterOfVssd() {
    std::filesystem::create_directory(cgroups());
    std::filesystem::create_directory(directory_.path() / "runtime");
    systemd_ = std::make_unique<FakeSystemd>(cgroups());
    systemd_->add_unit("a.service");
    systemd_->start();
    start();
    // Frozen last: while it does not answer, the unit stands still.
    brake_ = &add_writer("brake", VSS_LEVEL_SYSTEM);
    std::ofstream(directory_.path() / "writer.toml")
        << "name = \"units\"\nclass_id = \"0e3c7f6a-1111-4222-8333-444455556666\"\nunits = [\"a.service\"]\n"
        << "paths = [\"" << volume() << "\"]\n";
    writer_.emplace(
        std::vector<std::string>{VSS_WRITER_UNIT, "--config", directory_.path() / "writer.toml",
                                 "--runtime-dir", directory_.path() / "runtime", "--cgroups", cgroups()},
        ChildProcess::Environment{}, directory_.path() / "log");
    Requester requester;
    EXPECT_TRUE(wait_until(
        [&] {
          const auto writers = requester.manager<Dicts>("ListWriters");
          return writers && writers->size() == 2;
        },
        std::chrono::seconds(20)))
        << writer_->output();
  }
  [[nodiscard]] std::filesystem::path cgroups() const { return directory_.path() / "cgroups"; }
  [[nodiscard]] bool is_frozen() const {
    int frozen = 0;
    std::ifstream(cgroups() / "system.slice/a.service/cgroup.freeze") >> frozen;
    return frozen == 1;
  }
  [[nodiscard]] bool waits_until(bool frozen) const {
    return wait_until([&] { return is_frozen() == frozen; }, std::chrono::seconds(20));
  }

  std::unique_ptr<FakeSystemd> systemd_;
  std::optional<ChildProcess> writer_;
  ScriptedWriter* brake_ = nullptr;
};

TEST_F(UnitWriterOfVssd, UnitsStandStillUntilTheVolumesAreCaptured) {
  brake_->on("Freeze", Reaction::block());
  Requester requester;
  ASSERT_TRUE(requester.run_until(plan(), "DoSnapshotSet"));
  PendingCall call = requester.begin("DoSnapshotSet");
  EXPECT_TRUE(log_.wait_for("Freeze"));
  EXPECT_TRUE(is_frozen());
  brake_->unblock();
  EXPECT_TRUE(call.result());
  EXPECT_FALSE(is_frozen());
}

TEST_F(UnitWriterOfVssd, AUnitThatCannotBeFrozenFailsAStrictSetOnly) {
  systemd_->set_frozen("a.service", true);
  {
    Requester requester;
    EXPECT_THAT(fail_to_make_set(requester).message, testing::HasSubstr("somebody else has frozen it"));
  }
  Requester requester;
  Requester::Plan lenient = plan();
  lenient.options["policy"] = sdbus::Variant{std::string("lenient")};
  EXPECT_TRUE(requester.run_until(lenient, "BackupComplete"));
  EXPECT_TRUE(is_frozen()) << "it is not ours to thaw";
}

TEST_F(UnitWriterOfVssd, UnitsGoOnWhenTheRequesterIsKilled) {
  brake_->on("Freeze", Reaction::block());
  RequesterProcess requester("DoSnapshotSet", {volume()});
  ASSERT_TRUE(waits_until(true)) << requester.output();
  requester.kill9();
  brake_->unblock();
  EXPECT_TRUE(waits_until(false)) << writer_->output();
  EXPECT_TRUE(wait_for_no_session());
}

TEST_F(UnitWriterOfVssd, UnitsGoOnWhenVssdIsKilled) {
  brake_->on("Freeze", Reaction::block());
  RequesterProcess requester("DoSnapshotSet", {volume()});
  ASSERT_TRUE(waits_until(true)) << requester.output();
  vssd().kill9();
  EXPECT_TRUE(waits_until(false)) << writer_->output();
  brake_->unblock();
}

}  // namespace
}  // namespace vss::test
