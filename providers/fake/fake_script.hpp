// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The script that tells the fake provider how each operation ends. A text file, read anew at each operation;
// one line per operation, the last one that names it counts:
//
//   <operation> ok
//   <operation> fail <status> <message>
//   <operation> hang                        until the file no longer says so
//   <operation> delay <milliseconds>        then ok
//   commit refuse-hold <message>            from then on is_volume_supported answers with another hold
//   commit refuse-hold-once <message>       the same, but not a second time in one set
//   check_health at-risk <seconds left> <reason>
//   check_health lost <reason>
//   break_snapshot stop-after               hangs when it is done, until the file no longer says so
//   revert <state> <percent> <message>      the answer; "consume" before it: the snapshot is used up
//   revert_status <state> <percent> <message>       states as in RevertState of core
//   storage is <used> <allocated> <maximum>         "-" for unknown
//
// Operations not named succeed. Anything else in the file is a failure of the operation that reads it.

#include <set>
#include <string>
#include <vector>

namespace vss::fake {

class FakeScript {
 public:
  // file: "" means that everything succeeds and nothing is logged.
  explicit FakeScript(std::string file) : file_(std::move(file)) {}

  struct Action {
    std::string verb = "ok";
    std::string argument;
  };
  // Writes "<operation> <ids...>" to <file>.log, then does what the script says; failures are thrown. One of
  // the `own` words of the operation is left to the caller.
  Action play(const std::string& operation, const std::vector<std::string>& ids,
              const std::set<std::string>& own = {}) const;
  // While the script has this word for the operation.
  void wait_while(const std::string& operation, const std::string& verb) const;

 private:
  [[nodiscard]] Action action_for(const std::string& operation) const;
  void log(const std::string& operation, const std::vector<std::string>& ids) const;

  std::string file_;
};

}  // namespace vss::fake
