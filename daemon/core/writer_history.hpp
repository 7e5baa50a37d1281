// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The last failures of the writers, for as long as vssd runs. History only: a failure in one session says
// nothing about another, and keeps no writer from any backup.

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "daemon/core/writer.hpp"

namespace vss::core {

struct PastFailure {
  std::uint64_t time = 0;  // Unix seconds
  Guid session;
  WriterEvent event = WriterEvent::Identify;
  WriterFailure failure;
  WriterInfo writer;  // as it was then: its process may have ended since
};

// A writer is the same one across processes if its class and instance name are.
[[nodiscard]] inline bool is_same_writer(const WriterInfo& one, const WriterInfo& other) {
  return one.class_id == other.class_id && one.instance_name == other.instance_name;
}

class WriterHistory {
 public:
  static constexpr std::size_t kMostPerWriter = 16;
  static constexpr std::size_t kMost = 4096;

  // The oldest is forgotten when there are too many.
  void add(PastFailure failure);
  // The oldest first.
  [[nodiscard]] const std::deque<PastFailure>& all() const { return failures_; }
  [[nodiscard]] std::vector<PastFailure> of(const WriterInfo& writer) const;
  // nullptr if there is none.
  [[nodiscard]] const PastFailure* last_of(const WriterInfo& writer) const;
  // Somebody who failed under this instance id; nullptr if nobody did.
  [[nodiscard]] const WriterInfo* find(Guid instance) const;
  void forget(const WriterInfo& writer);

 private:
  std::deque<PastFailure> failures_;
};

}  // namespace vss::core
