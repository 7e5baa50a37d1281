// SPDX-License-Identifier: LGPL-2.1-or-later
// How long writes wait for a set of eight btrfs subvolumes, an ext4 image and an xfs image: through vssd, and
// by the usual script (freeze what can be frozen, capture one after another, thaw). Needs root. --smoke: a
// few rounds.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/loop/vssd/counter_writers.hpp"
#include "tests/loop/vssd/volumes.hpp"
#include "tests/support/requester.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/vssd_process.hpp"

namespace vss::test {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

struct Setup {
  Volumes volumes;
  LoopFilesystem& btrfs = volumes.add("btrfs", "btrfs", 1024);
  LoopFilesystem& host = volumes.add("host", "xfs", 1200);
  std::vector<LoopFilesystem*> images = {&volumes.add("ext4", "ext4", 64, &host),
                                         &volumes.add("xfs", "xfs", 300, &host)};
  std::vector<std::filesystem::path> subvolumes = Volumes::add_subvolumes(btrfs, 8);

  [[nodiscard]] Directories members() const {
    Directories all = subvolumes;
    for (const LoopFilesystem* image : images) all.push_back(image->mount_point());
    return all;
  }
};

// What one way of making the set took, per round.
struct Column {
  std::map<std::string, std::vector<double>> held;  // by filesystem
  std::vector<double> from_first_to_last;           // hold of any volume, or capture
  int not_one_instant = 0;
};

template <typename T>
void must(const Reply<T>& reply) {
  if (!reply) throw std::runtime_error(reply.error().name + ": " + reply.error().message);
}

void round_of_vssd(const Setup& setup, Column& column) {
  Requester requester;
  Requester::Plan plan;
  plan.provider.clear();
  plan.context = "file-share-backup";
  for (const auto& member : setup.members()) plan.volumes.push_back(member.string());
  must(requester.run_until(plan, "DoSnapshotSet"));
  const Reply<Dict> set = requester.backup<Dict>("DoSnapshotSet");
  must(set);
  double longest = 0;
  Directories copies;
  for (const auto& member : setup.members()) {
    for (const Dict& snapshot : get<Dicts>(*set, "snapshots")) {
      if (get<std::string>(snapshot, "volume") != member.string()) continue;
      copies.emplace_back(get<std::string>(snapshot, "path"));
      const auto held = get<double>(snapshot, "hold_ms");
      longest = std::max(longest, held);
      const bool image =
          std::ranges::any_of(setup.images, [&](const auto* i) { return i->mount_point() == member; });
      if (image) column.held[member.filename().string()].push_back(held);
    }
  }
  column.from_first_to_last.push_back(longest);
  if (!order_violations(copies).empty()) ++column.not_one_instant;
  must(requester.backup("Release"));
}

void round_of_script(const Setup& setup, Column& column) {
  std::map<const LoopFilesystem*, Clock::time_point> frozen;
  Directories copies;
  const FreezeGuard guard = setup.volumes.guard();
  for (const LoopFilesystem* image : setup.images) {
    frozen[image] = Clock::now();  // writes wait from here, as for vssd's hold_ms
    run_program({"fsfreeze", "-f", image->mount_point().string()});
  }
  for (const auto& subvolume : setup.subvolumes) {
    copies.emplace_back(subvolume.string() + ".copy");
    run_program({"btrfs", "-q", "subvolume", "snapshot", "-r", subvolume.string(), copies.back().string()});
  }
  for (const LoopFilesystem* image : setup.images)
    run_program({"cp", "--reflink=always", image->image().string(), image->image().string() + ".copy"});
  double longest = 0;
  for (const LoopFilesystem* image : setup.images) {
    const Milliseconds held = Clock::now() - frozen[image];
    longest = std::max(longest, held.count());
    column.held[image->mount_point().filename().string()].push_back(held.count());
    run_program({"fsfreeze", "-u", image->mount_point().string()});
  }
  column.from_first_to_last.push_back(longest);
  for (const LoopFilesystem* image : setup.images) {
    copies.emplace_back(image->image().string() + ".mnt");
    std::filesystem::create_directory(copies.back());
    run_program({"mount", "-o", image->type() == "xfs" ? "loop,nouuid" : "loop",
                 image->image().string() + ".copy", copies.back().string()});
  }
  if (!order_violations(copies).empty()) ++column.not_one_instant;
  for (const auto& copy : copies) {
    if (copy.extension() == ".copy") {
      run_program({"btrfs", "-q", "subvolume", "delete", copy.string()});
      continue;
    }
    run_program({"umount", copy.string()});
    std::filesystem::remove(copy);
    std::filesystem::remove(std::filesystem::path(copy).replace_extension("copy"));
  }
}

double at(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values.at(static_cast<std::size_t>(part * static_cast<double>(values.size() - 1)));
}

void print(const char* load, const char* way, const Column& column) {
  std::printf("%-8s %-8s", load, way);
  for (const auto& [name, held] : column.held) std::printf(" %9.2f %9.2f", at(held, 0.5), at(held, 1));
  std::printf(" %9.2f %9.2f %6d of %zu\n", at(column.from_first_to_last, 0.5),
              at(column.from_first_to_last, 1), column.not_one_instant, column.from_first_to_last.size());
}

void measure(const Setup& setup, const char* load, int rounds) {
  Column vssd;
  Column script;
  for (int i = 0; i < rounds; ++i) {
    round_of_vssd(setup, vssd);
    round_of_script(setup, script);
  }
  print(load, "vssd", vssd);
  print(load, "script", script);
}

void run(int rounds) {
  const PrivateBus bus;
  setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address().c_str(), 1);
  Setup setup;
  CounterWriters counters(setup.members());
  const VssdProcess vssd(bus);
  std::printf(
      "hold in ms, median and most of %d rounds; \"torn\": rounds in which the order of writes is broken\n"
      "%-8s %-8s %19s %19s %19s %6s\n",
      rounds, "load", "way", "ext4", "xfs", "longest", "torn");
  measure(setup, "idle", rounds);
  const LoadWriter load(setup.members(), "load");
  counters.run({0, 5});
  measure(setup, "writers", rounds);
  counters.stop();
}

}  // namespace
}  // namespace vss::test

int main(int argc, char** argv) {
  const bool smoke = argc > 1 && std::string_view(argv[1]) == "--smoke";
  try {
    vss::test::run(smoke ? 3 : 30);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hold_bench: %s\n", error.what());
    return 1;
  }
}
