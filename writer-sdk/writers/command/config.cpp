// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/command/config.hpp"

#include <algorithm>

#include "writer-sdk/writers/common/config_table.hpp"

namespace vss::command {
namespace {

using writers::ConfigTable;

Command command_of(const ConfigTable& table, std::chrono::milliseconds longest) {
  table.only({"command", "timeout_ms"});
  Command command{table.command("command"), table.milliseconds("timeout_ms", longest)};
  if (command.argv.empty()) throw table.error("command", "is required");
  return command;
}

void read_events(const ConfigTable& file, Config& config) {
  const ConfigTable events = file.section("events");
  for (const auto& [key, value] : events.table) {
    const auto facts = std::ranges::find(kEvents, key.str(), &EventFacts::key);
    if (facts == kEvents.end()) throw events.error(key.str(), "no such event");
    if (!value.is_table()) throw events.error(key.str(), "a table is needed");
    const auto index = static_cast<std::size_t>(facts - kEvents.begin());
    const bool frozen = facts->key == "freeze";
    config.commands[index] = command_of({*value.as_table(), "events." + std::string(key.str()) + "."},
                                        frozen ? config.writer.freeze_timeout : facts->limit);
  }
  auto& abort = config.commands[static_cast<std::size_t>(Event::Abort)];
  if (!abort) abort = config.command(Event::Thaw);
  if (config.command(Event::Freeze) && !abort)
    throw events.error("freeze", "freeze needs thaw or abort, else nothing undoes it");
}

void read_hooks(const ConfigTable& file, Config& config) {
  if (file.table.get("hooks") == nullptr) return;
  const ConfigTable table = file.section("hooks");
  table.only({"directory", "timeout_ms"});
  const std::chrono::milliseconds whole = config.writer.freeze_timeout;
  config.hooks = HookSettings{table.required("directory"), table.milliseconds("timeout_ms", whole), whole};
  if (!config.hooks->directory.is_absolute()) throw table.error("directory", "an absolute path is needed");
  for (const Event event : {Event::Freeze, Event::Thaw, Event::Abort}) {
    if (config.command(event))
      throw file.error("hooks", "these scripts are the commands of freeze, thaw and abort");
  }
}

Config read(const toml::table& root) {
  const ConfigTable file{root, ""};
  file.only({"events", "hooks"}, writers::kDeclaredKeys);
  Config config;
  read_declared(file, config);
  read_events(file, config);
  read_hooks(file, config);
  return config;
}

}  // namespace

tl::expected<Config, std::string> load_config(const std::filesystem::path& file) {
  return writers::read_config<Config>(file, &read);
}

}  // namespace vss::command
