// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>

#include "daemon/core/snapshot_record.hpp"

namespace vss::test {

// A record in which no member has its default value.
inline core::SetRecord sample_record() {
  core::SnapshotRecord snapshot;
  snapshot.snapshot_id = core::Guid::random();
  snapshot.volume = {"/srv/data", "/srv", "btrfs",    "/dev/vdb", "uuid", "btrfs:uuid",
                     "/disk.img", 0x1f,   1ULL << 63, true,       true,   {"8:1", "8:2"}};
  snapshot.provider = "btrfs";
  snapshot.provider_data = "{\"otransid\": 7}\n\"quoted\"";
  snapshot.path = "/run/vssd/snapshots/a/b";
  snapshot.device = "/dev/mapper/snap";
  snapshot.not_included = {"/srv/data/nested", "/srv/data/mit Umlaut \xc3\xa4"};
  snapshot.broken = true;
  snapshot.reverting = true;
  snapshot.hold_ms = 1.25;
  snapshot.exposed = "/mnt/exposed";

  core::SetRecord record;
  record.set_id = core::Guid::random();
  record.session_id = core::Guid::random();
  record.state = core::SetState::Deleting;
  record.context = core::Context::AppRollback;
  record.consistency = "cut";
  record.consistency_reason = "reason";
  record.creator = "backup tool";
  record.created = 1'700'000'000;
  record.break_writable = true;
  record.snapshots_count = 2;
  record.client_time = 1'700'000'001;
  record.snapshots = {snapshot};
  return record;
}

inline void expect_equal(const core::SetRecord& left, const core::SetRecord& right) {
  EXPECT_EQ(left.set_id, right.set_id);
  EXPECT_EQ(left.session_id, right.session_id);
  EXPECT_EQ(left.state, right.state);
  EXPECT_EQ(left.context, right.context);
  EXPECT_EQ(left.created, right.created);
  EXPECT_EQ(left.client_time, right.client_time);
  EXPECT_EQ(left.break_writable, right.break_writable);
  ASSERT_EQ(left.snapshots.size(), right.snapshots.size());
  for (std::size_t i = 0; i < left.snapshots.size(); ++i) {
    EXPECT_EQ(left.snapshots[i].snapshot_id, right.snapshots[i].snapshot_id);
    EXPECT_EQ(left.snapshots[i].provider_data, right.snapshots[i].provider_data);
    EXPECT_EQ(left.snapshots[i].volume.subvolume_id, right.snapshots[i].volume.subvolume_id);
    EXPECT_EQ(left.snapshots[i].volume.depends_on, right.snapshots[i].volume.depends_on);
    EXPECT_EQ(left.snapshots[i].exposed, right.snapshots[i].exposed);
    EXPECT_EQ(left.snapshots[i].not_included, right.snapshots[i].not_included);
    EXPECT_EQ(left.snapshots[i].broken, right.snapshots[i].broken);
    EXPECT_EQ(left.snapshots[i].reverting, right.snapshots[i].reverting);
    EXPECT_DOUBLE_EQ(left.snapshots[i].hold_ms, right.snapshots[i].hold_ms);
  }
}

}  // namespace vss::test
