// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The script that tells the fake provider how each operation ends. A text file, read anew at each operation;
// one line per operation, the last one that names it counts:
//
//   <operation> ok
//   <operation> fail <status> <message>
//   <operation> hang                        until the file no longer says so
//   <operation> delay <milliseconds>        then ok
//
// Operations not named succeed. Anything else in the file is a failure of the operation that reads it.

#include <string>
#include <vector>

namespace vss::fake {

class FakeScript {
 public:
  // file: "" means that everything succeeds and nothing is logged.
  explicit FakeScript(std::string file) : file_(std::move(file)) {}

  // Writes "<operation> <ids...>" to <file>.log, then does what the script says; failures are thrown.
  void play(const std::string& operation, const std::vector<std::string>& ids) const;

 private:
  struct Action {
    std::string verb = "ok";
    std::string argument;
  };
  [[nodiscard]] Action action_for(const std::string& operation) const;
  void log(const std::string& operation, const std::vector<std::string>& ids) const;

  std::string file_;
};

}  // namespace vss::fake
