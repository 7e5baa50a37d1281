// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// PreRestore and PostRestore of writers whose components are restored as a whole.

#include <functional>
#include <optional>
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

// What is to be said about a server that works on the files, or may; nothing if none does. It may throw.
using ServerSearch = std::function<std::optional<std::string>()>;

// Commands of an administrator, if they are not empty, run with our environment and as long as vssd waits for
// these events. All three throw std::runtime_error with what went wrong.

// Before the files are put back: sees to it that no server works on them.
void make_way(const ServerSearch& search, const std::vector<std::string>& stop_command);
// Afterwards: nobody has started one too early.
void expect_no_server(const ServerSearch& search);
void start_server(const std::vector<std::string>& start_command);

}  // namespace vss::writers
