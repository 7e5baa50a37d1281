// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/failure.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace vss::cli {
namespace {

// What the bus says when there is no vssd on it, or when vssd leaves before it has answered.
constexpr std::array<std::string_view, 9> kUnreachable = {
    "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.NoReply",        "org.freedesktop.DBus.Error.NoServer",
    "org.freedesktop.DBus.Error.Disconnected",   "org.freedesktop.DBus.Error.FileNotFound",
    "org.freedesktop.DBus.Error.Timeout",        "org.freedesktop.DBus.Error.TimedOut",
    "org.freedesktop.DBus.Error.IOError"};

ExitCode foreign_exit_code(std::string_view name) {
  if (std::find(kUnreachable.begin(), kUnreachable.end(), name) != kUnreachable.end() ||
      name.starts_with("org.freedesktop.DBus.Error.Spawn.") ||
      name.starts_with("org.freedesktop.systemd1.") || name.starts_with("System.Error.")) {
    return ExitCode::Unreachable;
  }
  if (name == "org.freedesktop.DBus.Error.AccessDenied" ||
      name == "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired") {
    return ExitCode::NotAuthorised;
  }
  return ExitCode::General;
}

}  // namespace

std::string vss_code_text(ErrorCode code) { return fmt::format("{:#010x}", vss_code(code)); }

Failure::Failure(ErrorCode code, std::string what_failed, std::string message)
    : std::runtime_error(message),
      code_(code),
      exit_(exit_code(code)),
      name_(to_string(code)),
      what_failed_(std::move(what_failed)),
      message_(std::move(message)) {}

Failure::Failure(ExitCode exit, std::string name, std::string what_failed, std::string message)
    : std::runtime_error(message),
      exit_(exit),
      name_(std::move(name)),
      what_failed_(std::move(what_failed)),
      message_(std::move(message)) {}

Failure Failure::at(const std::string& place) const {
  Failure copy = *this;
  copy.what_failed_ = place + ": " + what_failed_;
  return copy;
}

std::string Failure::line() const {
  const std::string place = code_ ? fmt::format("{}, VSS {}", name_, vss_code_text(*code_)) : name_;
  return fmt::format("{}: {} ({})", what_failed_, message_, place);
}

Json Failure::json() const {
  return {{"error",
           {{"name", name_},
            {"message", what_failed_ + ": " + message_},
            {"vss_code", code_ ? Json(vss_code_text(*code_)) : Json(nullptr)},
            {"transient", code_ && is_transient(*code_)}}}};
}

Failure failure_from_bus(const std::string& name, std::string message, std::string what_failed) {
  if (const auto code = error_from_name(name)) {
    if (message.empty()) message = description(*code);
    return {*code, std::move(what_failed), std::move(message)};
  }
  const ExitCode exit = foreign_exit_code(name);
  if (exit == ExitCode::Unreachable) message = "vssd cannot be reached: " + message;
  return {exit, name, std::move(what_failed), std::move(message)};
}

}  // namespace vss::cli
