// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/notify.hpp"

#include <algorithm>
#include <string>

#include <systemd/sd-daemon.h>

#include <spdlog/spdlog.h>

#include "daemon/core/error.hpp"

namespace vss::system {
namespace {
void notify(const std::string& state) {
  const int sent = sd_notify(0, state.c_str());
  if (sent < 0) spdlog::warn("{}", core::errno_error(-sent, "sd_notify").message);
}
}  // namespace

void notify_ready() { notify("READY=1"); }

void notify_stopping() { notify("STOPPING=1"); }

void notify_status(std::string_view text) {
  std::string line(text);
  std::replace(line.begin(), line.end(), '\n', ' ');  // a new line would begin another assignment
  notify("STATUS=" + line);
}

}  // namespace vss::system
