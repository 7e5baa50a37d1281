// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/writer_history.hpp"

#include <algorithm>
#include <iterator>

namespace vss::core {
namespace {
auto belongs_to(const WriterInfo& writer) {
  return [&writer](const PastFailure& failure) { return is_same_writer(failure.writer, writer); };
}
}  // namespace

void WriterHistory::add(PastFailure failure) {
  failures_.push_back(std::move(failure));
  const auto same = belongs_to(failures_.back().writer);
  if (static_cast<std::size_t>(std::ranges::count_if(failures_, same)) > kMostPerWriter) {
    failures_.erase(std::ranges::find_if(failures_, same));
  }
  if (failures_.size() > kMost) failures_.pop_front();
}

std::vector<PastFailure> WriterHistory::of(const WriterInfo& writer) const {
  std::vector<PastFailure> found;
  std::ranges::copy_if(failures_, std::back_inserter(found), belongs_to(writer));
  return found;
}

const PastFailure* WriterHistory::last_of(const WriterInfo& writer) const {
  const auto last = std::find_if(failures_.rbegin(), failures_.rend(), belongs_to(writer));
  return last == failures_.rend() ? nullptr : &*last;
}

const WriterInfo* WriterHistory::find(Guid instance) const {
  const auto at = std::ranges::find_if(
      failures_, [&](const PastFailure& failure) { return failure.writer.instance_id == instance; });
  return at == failures_.end() ? nullptr : &at->writer;
}

void WriterHistory::forget(const WriterInfo& writer) {
  const WriterInfo copy = writer;  // it may be one of those that go
  std::erase_if(failures_, belongs_to(copy));
}

}  // namespace vss::core
