// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A private bus, a vssd of its own, the fake provider under a script, writers that note everything.

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/loop_device.hpp"
#include "tests/support/private_bus.hpp"
#include "tests/support/requester.hpp"
#include "tests/support/requester_process.hpp"
#include "tests/support/scripted_writer.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/vssd_process.hpp"
#include "tests/support/wait_until.hpp"

namespace vss::test {

inline constexpr const char* kNullId = "00000000-0000-0000-0000-000000000000";
inline const std::string kId = "7e57c1a5-0000-4000-8000-000000000001";  // of nothing

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

class DaemonTest : public ::testing::Test {
 protected:
  DaemonTest();
  ~DaemonTest() override;

  // Starts vssd. Not needed twice: see vssd().restart().
  void start(const std::string& config = "");
  [[nodiscard]] VssdProcess& vssd() { return *vssd_; }

  // What the fake provider does from now on; "" is success in everything. fake_script.hpp has the words.
  void script(const std::string& lines) const;
  // What it was asked, "<operation> <ids...>"; left out are is_volume_supported, load, and check_health,
  // which comes by the clock.
  [[nodiscard]] std::vector<std::string> provider_log() const;
  [[nodiscard]] std::vector<std::string> provider_operations() const;
  [[nodiscard]] std::size_t health_checks() const;
  [[nodiscard]] bool wait_for_operation(const std::string& operation) const;
  // Files that stand for snapshots.
  [[nodiscard]] std::size_t provider_snapshots() const;
  [[nodiscard]] std::size_t catalogue_entries() const;

  ScriptedWriter& add_writer(const std::string& name, vss_level level = VSS_LEVEL_FRONT_END);
  ScriptedWriter& add_writer(const std::string& name, ScriptedWriter::Setup setup);
  // Registers them all at once.
  void add_writers(std::size_t count);

  [[nodiscard]] std::string volume() const { return volume_->mount_point().string(); }
  [[nodiscard]] Requester::Plan plan() const;
  // Makes the set of plan() in this context; its session goes on. Its id, "" if it was not made.
  [[nodiscard]] std::string make_set_in(const std::string& context, Requester& requester) const;
  // A set of plan() that DoSnapshotSet has to fail to make: its error, an empty one if it was made.
  [[nodiscard]] CallError fail_to_make_set(Requester& requester) const;

  // GetStatus, as somebody who has nothing to do with it.
  [[nodiscard]] Dict status();
  [[nodiscard]] std::size_t sessions();
  [[nodiscard]] bool wait_for_no_session();
  // No operation that nobody waits for any more still runs.
  [[nodiscard]] bool wait_for_idle_providers();
  // Nothing is held, locked, half made or left over.
  void expect_nothing_left();
  // A whole new backup works.
  void expect_next_backup_works();

  TempDir directory_;
  PrivateBus bus_;
  EventLog log_;
  std::vector<std::unique_ptr<ScriptedWriter>> writers_;
  std::vector<Face> faces_{Face::Cpp};  // of the SDK; writers made below take them in turn

 private:
  std::unique_ptr<LoopFilesystem> volume_;
  std::unique_ptr<VssdProcess> vssd_;
  std::unique_ptr<Requester> observer_;
};

}  // namespace vss::test
