// SPDX-License-Identifier: LGPL-2.1-or-later
// How long the clients of a database wait while sets of its volumes are made, measured by the clients: by
// vssd, by the usual script, and without a set. Needs root. --smoke: one round of each. README.md says how to
// read it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/stall/set_ways.hpp"
#include "tests/bench/stall/stall_clients.hpp"
#include "tests/support/private_bus.hpp"
#include "tests/support/requester.hpp"
#include "tests/support/vssd_process.hpp"
#include "tests/support/wait_until.hpp"

namespace vss::test {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kMebibytes = 2000;  // of a btrfs, sparse
constexpr auto kSettle = 300ms;        // after a set was removed, and before the next one

const DatabaseKind kKinds[] = {{"PostgreSQL", "postgres", &make_postgresql_database},
                               {"MariaDB", "mysql", &make_mariadb_database}};

struct Load {
  const char* name;
  std::chrono::microseconds pause;
};
const Load kLoads[] = {{"without pause", 0us}, {"pause of 5 ms", 5000us}};

struct Layout {
  const char* name;
  void (*make)(DatabaseSetup& setup);
};

void one_btrfs(DatabaseSetup& setup) {
  setup.subvolumes = Volumes::add_subvolumes(setup.volumes.add("btrfs", "btrfs", kMebibytes), 3);
  setup.members = {setup.subvolumes[0], setup.subvolumes[1], setup.subvolumes[2]};
}

void two_btrfs(DatabaseSetup& setup) {
  setup.subvolumes = Volumes::add_subvolumes(setup.volumes.add("btrfs-data", "btrfs", kMebibytes), 1);
  const auto others =
      Volumes::add_subvolumes(setup.volumes.add("btrfs-log", "btrfs", kMebibytes), 2, "other");
  setup.subvolumes.insert(setup.subvolumes.end(), others.begin(), others.end());
  setup.members = {setup.subvolumes[0], setup.subvolumes[1], setup.subvolumes[2]};
}

void images(DatabaseSetup& setup) {
  const LoopFilesystem& host = setup.volumes.add("host", "xfs", 2 * kMebibytes);
  const auto add = [&](const char* name, const char* type, unsigned size) {
    setup.images.push_back(&setup.volumes.add(name, type, size, &host));
    return setup.images.back()->mount_point();
  };
  setup.members.data = add("data", "xfs", 500);
  setup.members.log = add("log", "ext4", 1200);
  setup.members.space = add("space", "ext4", 300);
}

const Layout kLayouts[] = {{"three subvolumes of one btrfs", &one_btrfs},
                           {"images on XFS: data xfs, log and space ext4", &images},
                           {"two btrfs: data; log and space", &two_btrfs}};

// What one way was like, all rounds.
struct Column {
  std::vector<double> commits;  // during sets, milliseconds
  std::vector<double> before;   // the longest of each round
  std::vector<double> window;
  std::vector<double> beyond;  // what of that was longer than the hold
  std::vector<double> lasted;  // the window
  std::vector<double> after;
  std::vector<double> held;
  std::vector<double> in_all;
  std::string level;
};

double at(std::vector<double> values, double part) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values.at(static_cast<std::size_t>(std::lround(part * static_cast<double>(values.size() - 1))));
}

double longest(const std::vector<Commit>& commits) {
  double most = 0;
  for (const Commit& commit : commits) most = std::max(most, commit.milliseconds());
  return most;
}

SetTimes one_round(const SetMade& made, StallClients& clients, Column& column) {
  const SetTimes& times = made.times;
  for (const Commit& commit : clients.between(times.start, times.end))
    column.commits.push_back(commit.milliseconds());
  column.window.push_back(longest(clients.between(times.freeze, times.thaw)));
  column.beyond.push_back(std::max(0.0, column.window.back() - times.held));
  if (times.start != times.freeze) {
    column.before.push_back(longest(clients.between(times.start, times.freeze)));
    column.after.push_back(longest(clients.between(times.thaw, times.end)));
  }
  column.held.push_back(times.held);
  column.lasted.push_back(milliseconds(times.thaw - times.freeze));
  column.in_all.push_back(milliseconds(times.end - times.start));
  column.level = times.level;
  made.remove();
  std::this_thread::sleep_for(kSettle);
  return times;
}

void print_head() {
  std::printf("  %-13s %-6s %6s %6s %13s %13s %13s %13s %13s %7s %7s\n", "clients", "set by", "commit", "p99",
              "before", "window", "held", "beyond it", "after", "lasted", "in all");
}

void print_row(const char* load, const char* way, const Column& column) {
  std::printf("  %-13s %-6s %6.1f %6.1f", load, way, at(column.commits, 0.5), at(column.commits, 0.99));
  for (const auto* stalls : {&column.before, &column.window, &column.held, &column.beyond, &column.after}) {
    if (stalls->empty()) {
      std::printf(" %13s", "-");
    } else {
      std::printf(" %6.1f %6.1f", at(*stalls, 0.5), at(*stalls, 1));
    }
  }
  std::printf(" %7.0f %7.0f  %s\n", at(column.lasted, 0.5), at(column.in_all, 0.5), column.level.c_str());
  std::fflush(stdout);
}

void measure(DatabaseSetup& setup, SetsByVssd& sets, const Load& load, int rounds) {
  StallClients clients(*setup.database, load.pause);
  Column none;
  Column sync;
  Column script;
  Column vssd;
  for (int i = 0; i < rounds; ++i) {
    const SetTimes times = one_round(sets.make(setup), clients, vssd);
    one_round(do_nothing(times), clients, none);
    one_round(make_set_by_script(setup), clients, script);
    one_round(sync_filesystems(setup), clients, sync);
  }
  print_row(load.name, "nobody", none);
  print_row(load.name, "(sync)", sync);
  print_row(load.name, "script", script);
  print_row(load.name, "vssd", vssd);
}

void run_layout(const DatabaseKind& kind, const Layout& layout, int rounds, bool all_loads) {
  const PrivateBus bus;
  setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address().c_str(), 1);
  DatabaseSetup setup;
  // The account of the server has to come to its files.
  std::filesystem::permissions(setup.volumes.directory(), std::filesystem::perms(0711));
  const VssdProcess vssd(bus, {.config = std::string("[writers]\naccounts = [\"") + kind.account + "\"]\n",
                               .environment = {},
                               .directory = setup.volumes.directory()});
  layout.make(setup);
  setup.database = kind.make(setup.members, setup.volumes.directory());
  SetsByVssd sets;
  setup.database->start_writer();
  Requester requester;
  const auto registered = [&] {
    const Reply<Dicts> writers = requester.manager<Dicts>("ListWriters");
    return writers && std::ranges::any_of(*writers, [&](const Dict& writer) {
             return get<std::string>(writer, "name") == setup.database->writer_name();
           });
  };
  if (!wait_until(registered, 30s)) throw std::runtime_error("the writer does not register");
  std::printf("\n%s, %s\n", setup.database->version().c_str(), layout.name);
  print_head();
  for (const Load& load : kLoads) {
    measure(setup, sets, load, rounds);
    if (!all_loads) break;
  }
  setup.database.reset();
}

void run(int rounds, bool all_loads, const std::string& only) {
  std::printf(
      "%d clients, %d rounds, ms. commit, p99: of all commits while a set was made. The longest commit: "
      "before,\n"
      "until Freeze; window, from Freeze to Thaw, and what of it is beyond the hold; after, from Thaw until "
      "the set\n"
      "was made. held: the longest hold of a volume. Of these the median of the rounds, and the most. "
      "lasted: the\n"
      "window.\n",
      kDatabaseClients, rounds);
  for (const DatabaseKind& kind : kKinds) {
    for (const Layout& layout : kLayouts) {
      const std::string name = std::string(kind.name) + ", " + layout.name;
      if (name.find(only) != std::string::npos) run_layout(kind, layout, rounds, all_loads);
    }
  }
}

}  // namespace
}  // namespace vss::test

int main(int argc, char** argv) {
  try {
    CLI::App app("How long clients of a database wait while snapshot sets are made");
    int rounds = 30;
    std::string only;
    bool smoke = false;
    app.add_option("--rounds", rounds, "Sets of each way and load")->check(CLI::PositiveNumber);
    app.add_option("--only", only, "Only what has this in its name: \"MariaDB\", \"images\"");
    app.add_flag("--smoke", smoke, "One round, one load");
    CLI11_PARSE(app, argc, argv);
    vss::test::run(smoke ? 1 : rounds, !smoke, only);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "database_bench: %s\n", error.what());
    return 1;
  }
}
