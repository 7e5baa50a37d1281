// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Snapshots of several subvolumes of one btrfs in one transaction.
//
// A snapshot belongs to the transaction it joins. One after another, each gets its own. So: make the
// filesystem begin to commit the transaction that runs now, and let all snapshots arrive while it does: they
// wait for it and join the next one together. Each is made by a thread of its own, started beforehand, into a
// directory of its own (calls into one directory follow one another on its lock).
//
// Thread rule: made, run and destroyed by one thread.

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "providers/btrfs/commit_starter.hpp"

namespace vss::btrfs {

inline constexpr const char* kSnapshotName = "snapshot";

class ParallelCapture {
 public:
  struct Job {
    int source;       // directory descriptor of the subvolume
    int destination;  // descriptor of a directory that this job has for itself
  };

  // Starts the threads. The descriptors must live as long as this. Throws std::system_error.
  explicit ParallelCapture(std::vector<Job> jobs);
  ~ParallelCapture();
  ParallelCapture(const ParallelCapture&) = delete;
  ParallelCapture& operator=(const ParallelCapture&) = delete;

  // Makes <destination>/snapshot of every source, writable. Comes back when all calls have. May be called
  // again after the snapshots were deleted. Allocates nothing, starts nothing. Throws std::system_error with
  // the first failure.
  void run();

 private:
  void worker(std::size_t index) noexcept;
  void stop() noexcept;

  std::vector<Job> jobs_;
  std::vector<int> errors_;  // errno of each job
  std::atomic<unsigned> round_{0};
  std::atomic<std::size_t> left_{0};
  std::atomic<bool> stopping_{false};
  std::unique_ptr<CommitStarter> starter_;
  std::vector<std::thread> threads_;
};

}  // namespace vss::btrfs
