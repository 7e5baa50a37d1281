// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What systemd is told about the daemon. Without NOTIFY_SOCKET these do nothing. A failure is logged.

#include <string_view>

namespace vss::system {

void notify_ready();
void notify_stopping();
// One line for `systemctl status`.
void notify_status(std::string_view text);

}  // namespace vss::system
