// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bench/stall/set_ways.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <map>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "tests/support/requester.hpp"
#include "tests/support/run_program.hpp"

namespace vss::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCopy = ".copy";

template <typename T>
void must(const Reply<T>& reply) {
  if (!reply) throw std::runtime_error(reply.error().name + ": " + reply.error().message);
}

StallClock::time_point time_of(const std::vector<LoggedEvent>& events, const std::string& name) {
  for (const LoggedEvent& event : events) {
    if (event.event == name) return event.time;
  }
  throw std::runtime_error("the set had no " + name);
}

void sync_filesystem(const fs::path& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || syncfs(fd) != 0) throw std::system_error(errno, std::generic_category(), directory.string());
  close(fd);
}

std::string copy_of(const fs::path& path) { return path.string() + kCopy; }

void remove_copies(const DatabaseSetup& setup) {
  for (const auto& subvolume : setup.subvolumes)
    run_program({"btrfs", "-q", "subvolume", "delete", copy_of(subvolume)});
  for (const LoopFilesystem* image : setup.images) fs::remove(copy_of(image->image()));
}

}  // namespace

SetsByVssd::SetsByVssd() : clock_(log_, "clock") { clock_.start(); }

SetMade SetsByVssd::make(DatabaseSetup& setup) {
  auto requester = std::make_shared<Requester>();
  Requester::Plan plan;
  plan.provider.clear();
  plan.select_components = true;
  plan.components = {{setup.database->writer_name(), setup.database->component()}, {"clock", "data"}};
  for (const auto& volume : {setup.members.data, setup.members.log, setup.members.space})
    plan.volumes.push_back(volume.string());
  log_.clear();
  const FreezeGuard guard = setup.volumes.guard();
  SetMade made;
  made.times.start = StallClock::now();
  must(requester->run_until(plan, "DoSnapshotSet"));
  const Reply<Dict> set = requester->backup<Dict>("DoSnapshotSet");
  made.times.end = StallClock::now();
  must(set);
  const std::vector<LoggedEvent> events = log_.all();
  made.times.freeze = time_of(events, "Freeze");
  made.times.thaw = time_of(events, "Thaw");
  made.times.held = get<double>(*set, "hold_ms");
  made.times.level = get<std::string>(*set, "consistency");
  made.remove = [requester] { must(requester->backup("Release")); };
  return made;
}

SetMade make_set_by_script(DatabaseSetup& setup) {
  std::map<const LoopFilesystem*, StallClock::time_point> held_since;
  const FreezeGuard guard = setup.volumes.guard();
  SetMade made;
  SetTimes& times = made.times;
  times.start = StallClock::now();
  setup.database->begin_script();
  times.freeze = StallClock::now();
  for (const LoopFilesystem* image : setup.images) {
    held_since[image] = StallClock::now();  // writes wait from here, as for vssd's hold_ms
    run_program({"fsfreeze", "-f", image->mount_point().string()});
  }
  for (const auto& subvolume : setup.subvolumes)
    run_program({"btrfs", "-q", "subvolume", "snapshot", "-r", subvolume.string(), copy_of(subvolume)});
  for (const LoopFilesystem* image : setup.images)
    run_program({"cp", "--reflink=always", image->image().string(), copy_of(image->image())});
  for (const LoopFilesystem* image : setup.images) {
    run_program({"fsfreeze", "-u", image->mount_point().string()});
    times.held = std::max(times.held, milliseconds(StallClock::now() - held_since[image]));
  }
  times.thaw = StallClock::now();
  setup.database->end_script();
  times.end = StallClock::now();
  made.remove = [&setup] { remove_copies(setup); };
  return made;
}

SetMade sync_filesystems(DatabaseSetup& setup) {
  SetMade made;
  made.times.start = made.times.freeze = StallClock::now();
  for (const auto& volume : {setup.members.data, setup.members.log, setup.members.space})
    sync_filesystem(volume);
  made.times.thaw = made.times.end = StallClock::now();
  made.remove = [] {};
  return made;
}

SetMade do_nothing(const SetTimes& like) {
  SetMade made;
  made.times.start = StallClock::now();
  made.times.freeze = made.times.start + (like.freeze - like.start);
  made.times.thaw = made.times.start + (like.thaw - like.start);
  made.times.end = made.times.start + (like.end - like.start);
  std::this_thread::sleep_until(made.times.end);
  made.remove = [] {};
  return made;
}

}  // namespace vss::test
