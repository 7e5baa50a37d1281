// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The life of a service that consists of writers.

#include <vector>
#include <vss/writer.hpp>

namespace vss::writers {

// Blocks the signals that end a service, so that every thread made afterwards leaves them to serve(). Before
// the first thread.
void block_end_signals();

// Subscribes them, tells systemd so, and returns when the service is to end; what they had frozen is thawed
// by then. Throws Error. The writers outlive it.
void serve(const std::vector<Writer*>& writers);

}  // namespace vss::writers
