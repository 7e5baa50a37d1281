// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A vssd with one writer, and all that a caller can change in it.

#include <functional>
#include <string>

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {

class BadInput : public DaemonTest {
 protected:
  void SetUp() override {
    start();
    writer_ = &add_writer("writer");
  }

  // A Backup that was brought to where AddToSnapshotSet is legal.
  void fill(Requester& requester) { ASSERT_TRUE(requester.run_until(plan(), "AddToSnapshotSet")); }

  // All that a caller can change, as text.
  std::string picture(Requester& requester) {
    const Dict now = status();
    std::string all =
        requester.backup_path().empty() ? "" : requester.state() + requester.property("Context");
    all += " sessions " + std::to_string(get<Dicts>(now, "sessions").size());
    all += " waiters " + std::to_string(get<std::uint32_t>(now, "lock_waiters"));
    all += " writers " + std::to_string(requester.manager<Dicts>("ListWriters").value().size());
    all += " snapshots " + std::to_string(provider_snapshots());
    all += " operations " + std::to_string(provider_log().size());
    all += " events " + std::to_string(log_.names().size());
    return all;
  }

  void expect_error(Requester& requester, const std::string& what, const std::string& name,
                    const std::function<Reply<>()>& call) {
    SCOPED_TRACE(what);
    const std::string before = picture(requester);
    const Reply<> reply = call();
    EXPECT_EQ(name_of(reply), name) << (reply ? "" : reply.error().message);
    EXPECT_EQ(picture(requester), before);
    EXPECT_TRUE(vssd().is_running());
  }

  ScriptedWriter* writer_ = nullptr;
};

}  // namespace vss::test
