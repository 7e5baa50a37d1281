// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/btrfs/commit_starter.hpp"

#include <linux/btrfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "providers/btrfs/urgent_thread.hpp"
#include "vss/provider_support.hpp"

namespace vss::btrfs {

namespace {
constexpr std::chrono::milliseconds kPatience(
    10);  // with each call; a commit begins within one, or is not asked for
}  // namespace

CommitStarter::CommitStarter(int directory) : directory_(directory) {
  try {
    for (std::size_t i = 0; i < kCallers; ++i) threads_.at(i) = std::thread(&CommitStarter::caller, this, i);
  } catch (...) {
    stop();
    throw;
  }
}

CommitStarter::~CommitStarter() { stop(); }

void CommitStarter::stop() noexcept {
  bool calling = false;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    calling = std::ranges::find(callers_, Caller::Calling) != callers_.end();
    changed_.notify_all();
  }
  // Nothing was committed meanwhile, as after a failed capture: a commit of our own ends their waiting.
  if (calling) ::ioctl(directory_, BTRFS_IOC_SYNC, nullptr);
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void CommitStarter::caller(std::size_t index) noexcept {
  const UrgentThread urgent;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || callers_[index] == Caller::Asked; });
    if (stopping_) return;
    callers_[index] = Caller::Calling;
    lock.unlock();
    __u64 transaction = 0;
    const int error = ::ioctl(directory_, BTRFS_IOC_START_SYNC, &transaction) == 0 ? 0 : errno;
    lock.lock();
    callers_[index] = Caller::Idle;
    error_ = error;
    ++begun_;
    changed_.notify_all();
  }
}

void CommitStarter::start() {
  // Without a running transaction there is nothing to commit.
  if (::futimens(directory_, nullptr) != 0) throw_errno("touch the destination");
  std::unique_lock lock(mutex_);
  const unsigned before = begun_;
  for (Caller& caller : callers_) {
    if (caller != Caller::Idle) continue;
    caller = Caller::Asked;
    changed_.notify_all();
    if (changed_.wait_for(lock, kPatience, [&] { return begun_ != before; })) break;
  }
  if (begun_ != before && error_ != 0) throw_errno("BTRFS_IOC_START_SYNC", error_);
}

}  // namespace vss::btrfs
