// SPDX-License-Identifier: LGPL-2.1-or-later
// The commands that look, and those on what there is: list, show, status, expose, delete, reset-writer, gc.
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include <fmt/format.h>

#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"

namespace vss::cli {
namespace {

int print(const CommonOptions& common, const Json& json, const std::string& for_people) {
  std::cout << (common.json ? json.dump() + "\n" : for_people) << std::flush;
  return static_cast<int>(ExitCode::Ok);
}

Json query(ManagerProxy& manager, const std::string& what) {
  return attempt("list " + what, [&] {
    if (what == "writers") return to_json(manager.ListWriters());
    if (what == "failures") return to_json(manager.ListWriterFailures({}));
    if (what == "providers") return to_json(manager.ListProviders());
    if (what == "volumes") return to_json(manager.ListVolumes());
    if (what == "storage") return to_json(manager.ListStorage());
    return to_json(manager.ListSnapshots({}));
  });
}

Json snapshots_by(ManagerProxy& manager, const char* key, const std::string& id) {
  return attempt("show " + id, [&] { return to_json(manager.ListSnapshots({{key, sdbus::Variant{id}}})); });
}

// The facts that all snapshots of a set share, and the snapshots.
Json set_of(const Json& snapshots) {
  Json set = Json::object();
  for (const char* key : {"set_id", "context", "consistency", "creator", "created", "persistent",
                          "auto_release", "snapshots_count"}) {
    set[key] = snapshots.front().value(key, Json());
  }
  double longest = 0;
  for (const Json& snapshot : snapshots) longest = std::max(longest, snapshot.value("hold_ms", 0.0));
  set["hold_ms"] = longest;
  set["snapshots"] = snapshots;
  return set;
}

// Asks on a terminal. Elsewhere nobody can answer: then only `--all` needs --yes.
bool confirmed(const DeleteOptions& options) {
  if (options.yes) return true;
  if (::isatty(STDIN_FILENO) != 1) {
    if (options.kind != "all") return true;
    throw Failure(ErrorCode::InvalidArgument, "delete", "--all needs --yes when nobody can be asked");
  }
  std::cerr << fmt::format("Delete {} {}? [y/N] ", options.kind, options.id) << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace

int list(const CommonOptions& common, const std::string& what) {
  Bus bus(common.host);
  ManagerProxy manager(bus);
  const Json items = query(manager, what);
  if (what == "writers") return print(common, items, describe_writers(items));
  if (what == "failures") return print(common, items, describe_failures(items));
  if (what == "providers") return print(common, items, describe_providers(items));
  if (what == "volumes") return print(common, items, describe_volumes(items));
  if (what == "storage") return print(common, items, describe_storage(items));
  return print(common, items, describe_snapshots(items));
}

int show(const CommonOptions& common, const std::string& id) {
  Bus bus(common.host);
  ManagerProxy manager(bus);
  if (const Json snapshots = snapshots_by(manager, "set", id); !snapshots.empty()) {
    const Json set = set_of(snapshots);
    return print(common, set, describe_set(set));
  }
  const Json snapshots = snapshots_by(manager, "snapshot", id);
  if (snapshots.empty()) {
    throw Failure(ErrorCode::ObjectNotFound, "show", fmt::format("no set and no snapshot {}", id));
  }
  return print(common, snapshots.front(), describe_snapshot(snapshots.front()));
}

int delete_snapshots(const CommonOptions& common, const DeleteOptions& options) {
  if (!confirmed(options)) {
    std::cerr << "vssctl: nothing deleted\n";
    return static_cast<int>(ExitCode::General);
  }
  Bus bus(common.host);
  ManagerProxy manager(bus);
  const Json answer = attempt("delete " + options.kind + (options.id.empty() ? "" : " " + options.id), [&] {
    return deletion(manager.DeleteSnapshots(options.kind, options.id, options.force));
  });
  print(common, answer, describe_deletion(answer));
  const std::string failed = text(answer, "failed");
  if (failed.empty()) return static_cast<int>(ExitCode::Ok);
  std::cerr << fmt::format("vssctl: snapshot {} could not be deleted; stopped there\n", failed);
  return static_cast<int>(ExitCode::General);
}

int expose(const CommonOptions& common, const std::string& id, const std::string& path) {
  Bus bus(common.host);
  ManagerProxy manager(bus);
  const std::string exposed = attempt("expose " + id, [&] { return manager.ExposeSnapshot(id, path); });
  return print(common, {{"snapshot_id", id}, {"exposed", exposed}}, printable(exposed) + "\n");
}

int unexpose(const CommonOptions& common, const std::string& id) {
  Bus bus(common.host);
  ManagerProxy manager(bus);
  attempt("unexpose " + id, [&] { manager.UnexposeSnapshot(id); });
  return print(common, {{"snapshot_id", id}, {"exposed", ""}}, printable(id) + " is no longer exposed\n");
}

int reset_writer(const CommonOptions& common, const std::string& id) {
  Bus bus(common.host);
  ManagerProxy manager(bus);
  attempt("reset-writer " + id, [&] { manager.ResetWriter(id); });
  return print(common, {{"instance_id", id}}, "the failures of " + printable(id) + " are forgotten\n");
}

int status(const CommonOptions& common) {
  Bus bus(common.host);
  ManagerProxy manager(bus);
  const Json facts = attempt("status", [&] { return to_json(manager.GetStatus()); });
  return print(common, facts, describe_status(facts));
}

int collect_garbage(const CommonOptions& common) {
  Bus bus(common.host);
  ManagerProxy manager(bus);
  const unsigned removed = attempt("gc", [&] { return manager.CollectGarbage(); });
  return print(common, {{"removed", removed}}, fmt::format("{} removed\n", removed));
}

}  // namespace vss::cli
