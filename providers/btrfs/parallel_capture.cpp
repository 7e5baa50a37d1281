// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/btrfs/parallel_capture.hpp"

#include <linux/btrfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>

#include <btrfsutil.h>

#include "vss/provider_support.hpp"

namespace vss::btrfs {

namespace {

int make_snapshot(const ParallelCapture::Job& job) noexcept {
  const btrfs_util_error error =
      btrfs_util_create_snapshot_fd2(job.source, job.destination, kSnapshotName, 0, nullptr, nullptr);
  return error == BTRFS_UTIL_OK ? 0 : errno;
}

// Without a running transaction there is nothing to commit and the first snapshot would land alone.
void begin_commit_of_running_transaction(int directory) {
  if (::futimens(directory, nullptr) != 0) throw_errno("touch the destination");
  __u64 transaction = 0;
  if (::ioctl(directory, BTRFS_IOC_START_SYNC, &transaction) != 0) throw_errno("BTRFS_IOC_START_SYNC");
}

}  // namespace

ParallelCapture::ParallelCapture(std::vector<Job> jobs) : jobs_(std::move(jobs)), errors_(jobs_.size(), 0) {
  if (jobs_.size() < 2) return;
  threads_.reserve(jobs_.size());
  try {
    for (std::size_t i = 0; i < jobs_.size(); ++i) threads_.emplace_back(&ParallelCapture::worker, this, i);
  } catch (...) {
    stop();
    throw;
  }
}

ParallelCapture::~ParallelCapture() { stop(); }

void ParallelCapture::stop() noexcept {
  stopping_ = true;
  ++round_;
  round_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void ParallelCapture::worker(std::size_t index) noexcept {
  unsigned seen = 0;
  while (true) {
    round_.wait(seen);
    if (stopping_) return;
    ++seen;
    errors_[index] = make_snapshot(jobs_[index]);
    if (--left_ == 0) left_.notify_one();
  }
}

void ParallelCapture::run() {
  if (threads_.empty()) {
    for (std::size_t i = 0; i < jobs_.size(); ++i) errors_[i] = make_snapshot(jobs_[i]);
  } else {
    left_ = jobs_.size();
    begin_commit_of_running_transaction(jobs_.front().destination);
    ++round_;
    round_.notify_all();
    for (std::size_t left = left_; left != 0; left = left_) left_.wait(left);
  }
  for (const int error : errors_) {
    if (error != 0) throw_errno("create the snapshot", error);
  }
}

}  // namespace vss::btrfs
