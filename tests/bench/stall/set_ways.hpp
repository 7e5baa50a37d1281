// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The ways to make a set of the volumes of a database, and what else a client may notice of a filesystem.

#include <functional>
#include <string>
#include <vector>

#include "tests/bench/stall/database.hpp"
#include "tests/bench/stall/stall_clients.hpp"
#include "tests/loop/vssd/volumes.hpp"
#include "tests/support/scripted_writer.hpp"

namespace vss::test {

// Three volumes with a database on them. Other files of its own are in the volumes' directory.
struct DatabaseSetup {
  Volumes volumes;
  DatabaseVolumes members;
  std::vector<const LoopFilesystem*> images;      // those of the members that are filesystems in images
  std::vector<std::filesystem::path> subvolumes;  // the other members
  std::unique_ptr<Database> database;
};

struct SetTimes {
  StallClock::time_point start;
  StallClock::time_point freeze;  // from here to thaw is the window
  StallClock::time_point thaw;
  StallClock::time_point end;
  double held = 0;    // milliseconds, the longest of the volumes
  std::string level;  // what vssd says of the set
};

struct SetMade {
  SetTimes times;
  std::function<void()> remove;
};

// By vssd, with the database's writer. One more writer, outside of the database, tells when the window is.
class SetsByVssd {
 public:
  SetsByVssd();
  [[nodiscard]] SetMade make(DatabaseSetup& setup);

 private:
  EventLog log_;
  ScriptedWriter clock_;
};

// The usual script: the database is told, images are frozen, volumes captured one after the other, images
// thawed.
[[nodiscard]] SetMade make_set_by_script(DatabaseSetup& setup);

// No set, but what the kernel does by itself from time to time: it makes each filesystem durable as a whole.
[[nodiscard]] SetMade sync_filesystems(DatabaseSetup& setup);

// Nothing, for as long as that set and its window.
[[nodiscard]] SetMade do_nothing(const SetTimes& like);

}  // namespace vss::test
