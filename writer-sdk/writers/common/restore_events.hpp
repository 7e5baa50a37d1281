// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// PreRestore and PostRestore of writers whose components are restored as a whole.

#include <functional>
#include <string>
#include <vector>
#include <vss/writer.hpp>

namespace vss::writers {

// What is to be done for a component, by the metadata of its backup; it may throw.
using RestoreStep = std::function<void(const std::string& backup_metadata)>;

// For each component that is to be restored. What the step throws is told about the component, and is a Veto.
void pre_restore(Session& session, const RestoreStep& step);
// For each one that has been restored to the last of its restores.
void post_restore(Session& session, const RestoreStep& step);

// Runs a command of an administrator, with our environment and as long as vssd waits for these events. Throws
// std::runtime_error with `what` and what went wrong.
void run_for_restore(const std::vector<std::string>& command, const std::string& what);

}  // namespace vss::writers
