// SPDX-License-Identifier: LGPL-2.1-or-later
// The commands that make snapshots into volumes, or volumes into snapshots: break, revert, revert-status,
// resize-storage.
#include <unistd.h>

#include <iostream>

#include <fmt/format.h>

#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"

namespace vss::cli {
namespace {

void show(const CommonOptions& common, const Json& json, const std::string& for_people) {
  std::cout << (common.json ? json.dump() + "\n" : for_people) << std::flush;
}

// Asks on a terminal; elsewhere nobody can answer.
bool is_meant(const std::string& question, const VolumeOptions& options) {
  if (options.yes || ::isatty(STDIN_FILENO) != 1) return true;
  std::cerr << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

int nothing_done() {
  std::cerr << "vssctl: nothing done\n";
  return static_cast<int>(ExitCode::General);
}

}  // namespace

int break_set(const CommonOptions& common, const VolumeOptions& options) {
  Bus bus(common.host);
  ManagerProxy manager(bus);
  const Json volumes = attempt("break " + options.target, [&] {
    return to_json(
        manager.BreakSnapshotSet(options.target, {{"writable", sdbus::Variant{options.writable}}}));
  });
  show(common, volumes, describe_broken(volumes));
  return static_cast<int>(ExitCode::Ok);
}

int revert(const CommonOptions& common, const VolumeOptions& options) {
  if (!is_meant("Revert the volume of snapshot " + options.target + "? What was written since is lost.",
                options)) {
    return nothing_done();
  }
  Bus bus(common.host);
  ManagerProxy manager(bus);
  const Json status = attempt("revert to " + options.target, [&] {
    return to_json(manager.RevertToSnapshot(options.target, options.force));
  });
  show(common, status, describe_revert(status));
  return static_cast<int>(ExitCode::Ok);
}

int revert_status(const CommonOptions& common, const VolumeOptions& options) {
  Bus bus(common.host);
  ManagerProxy manager(bus);
  const Json status = attempt("revert-status of " + options.target,
                              [&] { return to_json(manager.QueryRevertStatus(options.target)); });
  show(common, status, describe_revert(status));
  return static_cast<int>(ExitCode::Ok);
}

int resize_storage(const CommonOptions& common, const VolumeOptions& options) {
  Bus bus(common.host);
  ManagerProxy manager(bus);
  attempt("resize-storage of " + options.target,
          [&] { manager.ResizeStorage(options.target, options.maximum); });
  const std::string limit = options.maximum == 0 ? "no limit" : size_text(options.maximum);
  show(common, {{"target", options.target}, {"maximum", options.maximum}},
       fmt::format("{}: {}\n", printable(options.target), limit));
  return static_cast<int>(ExitCode::Ok);
}

}  // namespace vss::cli
