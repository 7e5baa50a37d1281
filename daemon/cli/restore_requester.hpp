// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// One Restore object from CreateRestore to Release, in the order of VSS (vss.md 1.5).

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "daemon/cli/bus.hpp"
#include "daemon/cli/json.hpp"
#include "daemon/cli/requester.hpp"
#include "daemon/cli/restore_plan.hpp"
#include "daemon/cli/session.hpp"

namespace vss::cli {

struct RestoreOptions {
  std::string document;  // its text
  SelectionRules rules;  // required: these writers and no others
  std::string type = "by-copy";
  std::vector<ForComponent> options;
  std::vector<ForComponent> instances;  // instance ids of running writers to restore into
  std::vector<ForComponent> names;
  std::vector<std::string> additional;
  std::vector<std::string> authoritative;
  bool all_authoritative = false;
  struct RollForward {
    std::string component;
    std::string type;
    std::string point;
  };
  std::vector<RollForward> roll_forward;
  std::vector<Redirection> new_targets;
  bool lenient = false;
};

class RestoreRequester : public Session<RestoreProxy> {
 public:
  RestoreRequester(Bus& bus, RestoreOptions options, ProgressListener* progress);

  // What begin() would give, but for what writers say to it. No event is sent to any writer, and nothing is
  // left.
  [[nodiscard]] Json simulate();

  // Everything up to PreRestore and a look at the writers; the plan. When it throws, the object is released.
  [[nodiscard]] Json begin();

  // What became of the files of the components of that name, where it is not what finish() says of all:
  // "none", "all" or "failed".
  void report(const std::string& component, const std::string& status);

  // Between begin() and finish(): for each component of that name.
  void for_each(const std::string& component,
                const std::function<void(RestoreProxy&, const RestoreComponent&)>& call);

  // `status` of the files of all components, where the plan sent them elsewhere that too; PostRestore, a look
  // at the writers, and release(). Throws what failed or what a writer reported, unless lenient; the object
  // is released then too.
  void finish(const std::string& status);

 private:
  void create();
  void check_running();
  void note_more();
  void select();
  void tell_writers_more();
  void check_writers();
  void tell_alternate_locations();
  void give_up() noexcept;
  [[nodiscard]] const std::string* instance_for(const RestoreComponent& component) const;
  template <typename Function>
  void for_named(const std::string& call, const std::string& component, Function&& function);

  RestoreOptions options_;
  Json document_;
  RestoreSelection selection_;
  Json plan_;
  std::set<std::string> reported_;  // keys of components
};

}  // namespace vss::cli
