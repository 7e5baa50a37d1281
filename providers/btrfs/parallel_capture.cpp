// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/btrfs/parallel_capture.hpp"

#include <cerrno>

#include <btrfsutil.h>

#include "providers/btrfs/urgent_thread.hpp"
#include "vss/provider_support.hpp"

namespace vss::btrfs {

namespace {

int make_snapshot(const ParallelCapture::Job& job) noexcept {
  const btrfs_util_error error =
      btrfs_util_create_snapshot_fd2(job.source, job.destination, kSnapshotName, 0, nullptr, nullptr);
  return error == BTRFS_UTIL_OK ? 0 : errno;
}

}  // namespace

ParallelCapture::ParallelCapture(std::vector<Job> jobs) : jobs_(std::move(jobs)), errors_(jobs_.size(), 0) {
  if (jobs_.size() < 2) return;
  starter_ = std::make_unique<CommitStarter>(jobs_.front().destination);
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
  const UrgentThread urgent;
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
    starter_->start();
    ++round_;
    round_.notify_all();
    for (std::size_t left = left_; left != 0; left = left_) left_.wait(left);
  }
  for (const int error : errors_) {
    if (error != 0) throw_errno("create the snapshot", error);
  }
}

}  // namespace vss::btrfs
