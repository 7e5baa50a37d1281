// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/process_info.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include <systemd/sd-login.h>

#include "daemon/core/unique_fd.hpp"
#include "daemon/system/read_file.hpp"

namespace vss::system {
namespace {
constexpr std::chrono::seconds kLookUpLimit{5};

core::Result<std::string> command_of(pid_t pid) {
  const auto fd = core::open_path("/proc/" + std::to_string(pid) + "/comm", O_RDONLY);
  if (!fd) return core::fail(fd.error());
  auto text = read_to_end(fd->get());
  // The process may have gone meanwhile.
  if (!text) return core::fail(ErrorCode::ObjectNotFound, "process " + std::to_string(pid) + " is gone");
  if (text->ends_with('\n')) text->pop_back();
  std::replace_if(
      text->begin(), text->end(), [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '?');
  return text;
}

std::string unit_of(pid_t pid, int (*query)(pid_t, char**)) {
  char* name = nullptr;
  if (query(pid, &name) < 0) return {};
  const std::unique_ptr<char, decltype(&std::free)> owned(name, &std::free);
  return owned.get();
}

core::Result<ProcessInfo> process_info(pid_t pid) {
  auto command = command_of(pid);
  if (!command) return core::fail(command.error());
  std::string unit = unit_of(pid, sd_pid_get_user_unit);
  if (unit.empty()) unit = unit_of(pid, sd_pid_get_unit);
  return ProcessInfo{std::move(*command), std::move(unit)};
}
}  // namespace

ProcessFacts::ProcessFacts() : worker_("vssd-processes") {}

asio::awaitable<core::Result<ProcessInfo>> ProcessFacts::query(pid_t pid) {
  auto work = [pid] { return process_info(pid); };
  co_return co_await worker_.run(std::move(work), kLookUpLimit);
}

}  // namespace vss::system
