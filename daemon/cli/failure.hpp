// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The exception of vssctl: what was tried, what came back, and the exit code for it. It never leaves main().

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "daemon/cli/exit_codes.hpp"
#include "daemon/cli/json.hpp"

namespace vss::cli {

class Failure : public std::runtime_error {
 public:
  // An error of vssd, or one that has the meaning of one.
  Failure(ErrorCode code, std::string what_failed, std::string message);
  // An error of the bus or of the machine, under its own name.
  Failure(ExitCode exit, std::string name, std::string what_failed, std::string message);

  [[nodiscard]] virtual int exit_status() const noexcept { return static_cast<int>(exit_); }
  [[nodiscard]] std::optional<ErrorCode> code() const noexcept { return code_; }

  // The same, of a place: "<place>: <what>".
  [[nodiscard]] Failure at(const std::string& place) const;

  // "<what>: <message> (<Name>, VSS 0x8004....)"
  [[nodiscard]] std::string line() const;
  // {"error":{"name","message","vss_code","transient"}}; vss_code is null for an error that is not vssd's.
  [[nodiscard]] Json json() const;

 private:
  std::optional<ErrorCode> code_;
  ExitCode exit_;
  std::string name_;
  std::string what_failed_;
  std::string message_;
};

// The failure for an error name as it came over the bus; `what_failed` says what was tried.
[[nodiscard]] Failure failure_from_bus(const std::string& name, std::string message, std::string what_failed);

inline constexpr const char* kNothingIsLeft = "ended by a signal; nothing is left behind";

// The operation was ended by a signal of the user.
class Interrupted : public Failure {
 public:
  explicit Interrupted(int signal, std::string message = kNothingIsLeft)
      : Failure(ErrorCode::Cancelled, "interrupted", std::move(message)), signal_(signal) {}
  [[nodiscard]] int exit_status() const noexcept override { return kSignalBase + signal_; }

 private:
  int signal_;
};

// "0x80042301"
[[nodiscard]] std::string vss_code_text(ErrorCode code);

}  // namespace vss::cli
