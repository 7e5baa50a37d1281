// SPDX-License-Identifier: LGPL-2.1-or-later
// How long a set of btrfs subvolumes takes, and whether it is one instant: all in one transaction (the btrfs
// provider), one snapshot call after another, and the btrfs tool once per subvolume. Needs root. --smoke: a
// few seconds.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <btrfsutil.h>

#include "providers/btrfs/parallel_capture.hpp"
#include "providers/btrfs/subvolume.hpp"
#include "providers/btrfs/urgent_thread.hpp"
#include "tests/support/loop_device.hpp"
#include "tests/support/mount_namespace.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/temp_dir.hpp"
#include "vss/provider_support.hpp"

namespace {

namespace fs = std::filesystem;
using vss::UniqueFd;
using vss::btrfs::ParallelCapture;

constexpr int kDirectory = O_RDONLY | O_DIRECTORY;
// Each call reserves metadata: on a small filesystem not all of 100 get their share at once.
constexpr unsigned kFilesystemMib = 16384;

// Subvolumes with an open descriptor each, and a directory for the snapshot of each.
struct Volumes {
  Volumes(const fs::path& root, int count) {
    for (int i = 0; i < count; ++i) {
      sources.push_back(root / ("volume" + std::to_string(i)));
      destinations.push_back(root / ("destination" + std::to_string(i)));
      vss::test::run_program({"btrfs", "subvolume", "create", sources.back().string()});
      fs::create_directory(destinations.back());
      fds.push_back(vss::open_at(AT_FDCWD, sources.back().string(), kDirectory));
      directories.push_back(vss::open_at(AT_FDCWD, destinations.back().string(), kDirectory));
      jobs.push_back({fds.back().get(), directories.back().get()});
    }
  }
  std::vector<fs::path> sources;
  std::vector<fs::path> destinations;
  std::vector<UniqueFd> fds;
  std::vector<UniqueFd> directories;
  std::vector<ParallelCapture::Job> jobs;
};

// Threads that write and fsync, each in a volume of its own.
class Load {
 public:
  Load(const Volumes& volumes, int writers) {
    for (int i = 0; i < writers; ++i) {
      threads_.emplace_back([this, path = volumes.sources[static_cast<std::size_t>(i)] / "load"] {
        const UniqueFd fd = vss::open_at(AT_FDCWD, path.string(), O_RDWR | O_CREAT, 0600);
        const std::string block(4096, 'x');
        while (!stop_) {
          if (::pwrite(fd.get(), block.data(), block.size(), 0) < 0 || ::fsync(fd.get()) != 0) return;
        }
      });
    }
  }
  ~Load() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

 private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

void one_after_another(const Volumes& volumes) {
  for (const auto& job : volumes.jobs) {
    if (btrfs_util_create_snapshot_fd2(job.source, job.destination, "snapshot", 0, nullptr, nullptr) !=
        BTRFS_UTIL_OK) {
      vss::throw_errno("snapshot");
    }
  }
}

void by_tool(const Volumes& volumes) {
  for (std::size_t i = 0; i < volumes.sources.size(); ++i) {
    vss::test::run_program({"btrfs", "subvolume", "snapshot", volumes.sources[i].string(),
                            (volumes.destinations[i] / "snapshot").string()});
  }
}

std::size_t transactions_of(const Volumes& volumes) {
  std::set<std::uint64_t> transactions;
  for (const UniqueFd& directory : volumes.directories) {
    const UniqueFd snapshot = vss::open_at(directory.get(), "snapshot", kDirectory);
    transactions.insert(vss::btrfs::subvolume_of(snapshot.get()).created_in);
  }
  return transactions.size();
}

void measure(const char* way, const Volumes& volumes, int writers, int rounds,
             const std::function<void()>& capture) {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  std::vector<double> times;
  int one_instant = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    capture();
    times.push_back(Milliseconds(std::chrono::steady_clock::now() - start).count());
    if (transactions_of(volumes) == 1) ++one_instant;
    for (const UniqueFd& directory : volumes.directories) {
      vss::btrfs::delete_subvolume(directory.get(), "snapshot");
    }
  }
  std::ranges::sort(times);
  std::printf("%-20s %8zu %8d %10.1f %10.1f %8d/%d\n", way, volumes.jobs.size(), writers,
              times[times.size() / 2], times.back(), one_instant, rounds);
  std::fflush(stdout);
}

void bench(int count, int writers, int rounds) {
  const vss::test::TempDir directory;
  const auto filesystem = vss::test::LoopFilesystem::create(directory.path(), "fs", "btrfs", kFilesystemMib);
  const Volumes volumes(filesystem.mount_point(), count);
  const Load load(volumes, writers);
  {
    ParallelCapture capture(volumes.jobs);
    measure("one transaction", volumes, writers, rounds, [&] {
      const vss::btrfs::UrgentThread as_in_a_commit;
      capture.run();
    });
  }
  measure("one after another", volumes, writers, rounds, [&] { one_after_another(volumes); });
  measure("the btrfs tool", volumes, writers, rounds, [&] { by_tool(volumes); });
}

}  // namespace

int main(int argc, char** argv) try {
  const bool smoke = argc > 1 && std::string_view(argv[1]) == "--smoke";
  vss::test::private_mount_namespace();
  std::printf("%-20s %8s %8s %10s %10s %10s\n", "way", "volumes", "writers", "median ms", "worst ms",
              "one cut");
  const std::vector<int> counts = smoke ? std::vector<int>{8} : std::vector<int>{8, 100};
  for (const int count : counts) {
    for (const int writers : {0, 1, 5}) bench(count, writers, smoke ? 2 : 20);
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
