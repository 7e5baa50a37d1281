// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// vssd makes a set without a writer that says no before Freeze, as VSS has it. What must not be saved without
// its writer is therefore reported there as a failure, and refused in Freeze, which fails the set.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vss/writer.hpp>

namespace vss::writers {

// One thread at a time.
class EarlyRefusals {
 public:
  // Runs what PrepareForBackup or PrepareForSnapshot is to do. What that throws is reported and kept, in the
  // place of what has been kept of this operation; the message. `code` is for what is neither Veto nor
  // ServerFailure.
  std::optional<std::string> keep(Session& session, vss_writer_error code, const std::function<void()>& step);
  // In Freeze: throws what is kept as a Veto.
  void refuse_again(const Session& session) const;
  // The operation has ended.
  void forget(const Session& session);

 private:
  std::map<std::string, Veto> refusals_;  // by session
};

}  // namespace vss::writers
