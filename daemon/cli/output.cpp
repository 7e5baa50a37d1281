// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/output.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>

namespace vss::cli {
namespace {

std::string cell_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? "-" : cell(*found);
}

std::string milliseconds(const Json& object, const char* key) {
  return fmt::format("{:.1f} ms", object.value(key, 0.0));
}

// How many columns a terminal needs: code points of UTF-8, which is right for all but rare scripts.
std::size_t width(const std::string& string) {
  return static_cast<std::size_t>(
      std::count_if(string.begin(), string.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string fields(const std::vector<std::pair<const char*, std::string>>& lines) {
  std::string result;
  for (const auto& [title, value] : lines) result += fmt::format("{:<14}{}\n", title, value);
  return result;
}

std::string age(std::uint64_t milliseconds) {
  const std::uint64_t seconds = milliseconds / 1000;
  return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

// "at-risk (5 min left)"; of an older vssd "-".
std::string health_cell(const Json& snapshot) {
  const std::string state = cell_at(snapshot, "health");
  const std::int64_t left = snapshot.value("seconds_left", std::int64_t{-1});
  if (left < 0) return state;
  return fmt::format("{} ({} left)", state, age(static_cast<std::uint64_t>(left) * 1000));
}

std::string health(const Json& snapshot) {
  const std::string reason = text(snapshot, "health_reason");
  return health_cell(snapshot) + (reason.empty() ? "" : ": " + printable(reason));
}

}  // namespace

std::string printable(const std::string& string) {
  std::string result;
  for (const char c : string) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return result;
}

std::string utc_time(std::uint64_t seconds) {
  if (seconds == 0) return "-";
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  if (::gmtime_r(&time, &parts) == nullptr) return "-";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string cell(const Json& value) {
  if (value.is_null() || value.empty()) return "-";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_array()) {
    std::string list;
    for (const Json& item : value) list += (list.empty() ? "" : ", ") + cell(item);
    return list;
  }
  if (!value.is_string()) return value.dump();
  const std::string string = printable(value.get<std::string>());
  return string.empty() ? "-" : string;
}

std::string aligned(const std::vector<std::string>& titles,
                    const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const std::string& title : titles) widths.push_back(width(title));
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string result;
  const auto add = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      result += row[i];
      if (i + 1 < row.size()) result += std::string(widths[i] - width(row[i]) + 2, ' ');
    }
    result += '\n';
  };
  add(titles);
  for (const auto& row : rows) add(row);
  return result;
}

std::string table(const Json& rows, const std::vector<Column>& columns) {
  std::vector<std::string> titles;
  for (const Column& column : columns) titles.emplace_back(column.title);
  std::vector<std::vector<std::string>> cells;
  for (const Json& row : rows) {
    std::vector<std::string>& line = cells.emplace_back();
    for (const Column& column : columns) line.push_back(cell_at(row, column.key));
  }
  return aligned(titles, cells);
}

std::string describe_set(const Json& set) {
  std::string consistency = cell_at(set, "consistency");
  if (const std::string reason = text(set, "consistency_reason"); !reason.empty()) {
    consistency += fmt::format(" ({})", printable(reason));
  }
  std::string result = fields({{"Set", cell_at(set, "set_id")},
                               {"Context", cell_at(set, "context")},
                               {"Consistency", consistency},
                               {"Longest hold", milliseconds(set, "hold_ms")}});
  std::vector<std::vector<std::string>> rows;
  for (const Json& snapshot : set.at("snapshots")) {
    rows.push_back({cell_at(snapshot, "volume"), cell_at(snapshot, "provider"),
                    cell_at(snapshot, "snapshot_id"), milliseconds(snapshot, "hold_ms"),
                    cell_at(snapshot, "path")});
  }
  result += "\n" + aligned({"VOLUME", "PROVIDER", "SNAPSHOT", "HOLD", "PATH"}, rows);
  for (const Json& snapshot : set.at("snapshots")) {
    if (const auto missing = snapshot.find("not_included"); missing != snapshot.end() && !missing->empty()) {
      result += fmt::format("\nNot in the snapshot of {}: {}\n", cell_at(snapshot, "volume"), cell(*missing));
    }
  }
  for (const Json& snapshot : set.at("snapshots")) {
    if (const std::string state = text(snapshot, "health"); state.empty() || state == "good") continue;
    result += fmt::format("\nThe snapshot of {} is {}\n", cell_at(snapshot, "volume"), health(snapshot));
  }
  if (const auto writers = set.find("writers"); writers != set.end() && !writers->empty()) {
    result +=
        "\n" +
        table(*writers,
              {{"WRITER", "name"}, {"INSTANCE", "instance_id"}, {"STATE", "state"}, {"FAILURE", "failure"}});
  }
  return result;
}

std::string describe_snapshots(const Json& snapshots) {
  std::vector<std::vector<std::string>> rows;
  for (const Json& snapshot : snapshots) {
    rows.push_back({cell_at(snapshot, "set_id"), cell_at(snapshot, "snapshot_id"),
                    cell_at(snapshot, "volume"), cell_at(snapshot, "context"), health_cell(snapshot),
                    utc_time(snapshot.value("created", std::uint64_t{0})), cell_at(snapshot, "path")});
  }
  return aligned({"SET", "SNAPSHOT", "VOLUME", "CONTEXT", "HEALTH", "CREATED (UTC)", "PATH"}, rows);
}

std::string describe_snapshot(const Json& snapshot) {
  return fields(
      {{"Snapshot", cell_at(snapshot, "snapshot_id")},
       {"Set", fmt::format("{} (of {})", cell_at(snapshot, "set_id"), cell_at(snapshot, "snapshots_count"))},
       {"Volume", cell_at(snapshot, "volume")},
       {"Mount point", cell_at(snapshot, "mount_point")},
       {"Provider", cell_at(snapshot, "provider")},
       {"Context", cell_at(snapshot, "context")},
       {"Consistency", cell_at(snapshot, "consistency")},
       {"Created (UTC)", utc_time(snapshot.value("created", std::uint64_t{0}))},
       {"Creator", cell_at(snapshot, "creator")},
       {"Persistent", cell_at(snapshot, "persistent")},
       {"Hold", milliseconds(snapshot, "hold_ms")},
       {"Health", health(snapshot)},
       {"Path", cell_at(snapshot, "path")},
       {"Exposed", cell_at(snapshot, "exposed")},
       {"For clients", cell_at(snapshot, "client_path")},
       {"Device", cell_at(snapshot, "device")}});
}

std::string describe_writers(const Json& writers) {
  return table(writers, {{"WRITER", "name"},
                         {"INSTANCE NAME", "instance_name"},
                         {"INSTANCE", "instance_id"},
                         {"LEVEL", "level"},
                         {"UNIT", "unit"},
                         {"PID", "pid"},
                         {"LAST FAILURE", "last_failure"},
                         {"IN", "last_failure_event"}});
}

std::string describe_failures(const Json& failures) {
  std::vector<std::vector<std::string>> rows;
  for (const Json& failure : failures) {
    rows.push_back({utc_time(failure.value("time", std::uint64_t{0})), cell_at(failure, "name"),
                    cell_at(failure, "instance_name"), cell_at(failure, "instance_id"),
                    cell_at(failure, "unit"), cell_at(failure, "pid"), cell_at(failure, "event"),
                    cell_at(failure, "failure"), cell_at(failure, "message")});
  }
  return aligned(
      {"TIME (UTC)", "WRITER", "INSTANCE NAME", "INSTANCE", "UNIT", "PID", "IN", "FAILURE", "MESSAGE"}, rows);
}

std::string describe_providers(const Json& providers) {
  return table(providers, {{"PROVIDER", "name"},
                           {"VERSION", "version"},
                           {"TYPE", "type"},
                           {"PRIORITY", "priority"},
                           {"BUSY", "busy"}});
}

std::string describe_volumes(const Json& volumes) {
  return table(volumes, {{"VOLUME", "path"},
                         {"MOUNT POINT", "mount_point"},
                         {"FILESYSTEM", "filesystem"},
                         {"DEVICE", "device"},
                         {"PROVIDER", "provider"}});
}

Json deletion(const std::tuple<std::uint32_t, std::string>& answer) {
  return {{"deleted", std::get<0>(answer)}, {"failed", std::get<1>(answer)}};
}

std::string describe_deletion(const Json& answer) {
  return fmt::format("{} deleted\n", answer.at("deleted").get<std::uint32_t>());
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits.at(unit));
}

std::string describe_storage(const Json& storage) {
  const auto size = [](const Json& place, const char* key) -> std::string {
    const auto found = place.find(key);
    return found == place.end() ? "-" : size_text(found->get<std::uint64_t>());
  };
  std::vector<std::vector<std::string>> rows;
  for (const Json& place : storage) {
    if (const std::string error = text(place, "error"); !error.empty()) {
      rows.push_back({cell_at(place, "volume"), cell_at(place, "provider"), "-", "-", "-", printable(error)});
      continue;
    }
    const bool has_limit = place.value("maximum", std::uint64_t{0}) != 0;
    rows.push_back({cell_at(place, "volume"), cell_at(place, "provider"), size(place, "used"),
                    size(place, "allocated"), has_limit ? size(place, "maximum") : "none",
                    cell_at(place, "location")});
  }
  return aligned({"VOLUME", "PROVIDER", "USED", "ALLOCATED", "LIMIT", "LOCATION"}, rows);
}

std::string describe_broken(const Json& volumes) {
  return table(volumes, {{"VOLUME", "volume"},
                         {"PROVIDER", "provider"},
                         {"SNAPSHOT", "snapshot_id"},
                         {"LOCATION", "location"},
                         {"DEVICE", "device"}});
}

std::string describe_revert(const Json& status) {
  const int percent = status.value("percent", -1);
  std::string state = cell_at(status, "state");
  if (percent >= 0 && percent < 100) state += fmt::format(" ({}%)", percent);
  return fields({{"Volume", cell_at(status, "volume")},
                 {"Provider", cell_at(status, "provider")},
                 {"Revert", state},
                 {"Message", cell_at(status, "message")}});
}

std::string describe_status(const Json& status) {
  std::string result = fields({{"Version", cell_at(status, "version")},
                               {"Process", cell_at(status, "pid")},
                               {"Uptime", age(status.value("uptime", std::uint64_t{0}))},
                               {"Holding", cell_at(status, "holding")},
                               {"Lock", cell_at(status, "lock_holder")},
                               {"Waiting", cell_at(status, "lock_waiters")}});
  const auto sessions = status.find("sessions");
  if (sessions == status.end() || sessions->empty()) return result + "\nNo sessions.\n";
  std::vector<std::vector<std::string>> rows;
  for (const Json& session : *sessions) {
    rows.push_back({cell_at(session, "session_id"), cell_at(session, "state"), cell_at(session, "client"),
                    cell_at(session, "unit"), cell_at(session, "pid"),
                    age(session.value("age", std::uint64_t{0})), cell_at(session, "set_id")});
  }
  return result + "\n" + aligned({"SESSION", "STATE", "CLIENT", "UNIT", "PID", "AGE", "SET"}, rows);
}

std::string describe_signal(const Json& signal) {
  const std::string kind = text(signal, "signal");
  if (kind == "Event") {
    return fmt::format("{}  {:<20}  {:<24}  {:<20}  {}", cell_at(signal, "set"), cell_at(signal, "event"),
                       cell_at(signal, "writer"), cell_at(signal, "outcome"),
                       milliseconds(signal, "duration_ms"));
  }
  std::string line = kind;
  for (const auto& [key, value] : signal.items()) {
    if (key != "signal" && key != "time") line += fmt::format("  {} {}", key, cell(value));
  }
  return line;
}

}  // namespace vss::cli
