// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/record_json.hpp"

#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>
#include <vector>

#include <nlohmann/json.hpp>

namespace vss::system {
namespace {
using Json = nlohmann::ordered_json;
constexpr int kMaxDepth = 8;
constexpr std::uint64_t kLastSecond = 253'402'300'799;  // of the year 9999

// Never leaves this file.
class FormatError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// An object of the document with its place in it.
class Reader {
 public:
  Reader(const Json& value, std::string place) : value_(value), place_(std::move(place)) {
    if (!value_.is_object())
      throw FormatError((place_.empty() ? "the document" : place_) + ": not an object");
  }

  [[nodiscard]] std::string text(const std::string& key) const {
    const Json& value = at(key);
    if (!value.is_string()) fail(key, "not a string");
    return value.get<std::string>();
  }
  [[nodiscard]] std::uint64_t number(const std::string& key,
                                     std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) const {
    const Json& value = at(key);
    if (!value.is_number_unsigned()) fail(key, "not a whole number of 0 or more");
    if (value.get<std::uint64_t>() > most) fail(key, "too large");
    return value.get<std::uint64_t>();
  }
  // For keys that records of older versions lack.
  [[nodiscard]] bool has(const std::string& key) const { return value_.contains(key); }
  [[nodiscard]] double real(const std::string& key) const {
    const Json& value = at(key);
    if (!value.is_number()) fail(key, "not a number");
    return value.get<double>();
  }
  // In records of an earlier version it is not there.
  [[nodiscard]] bool boolean_if_there(const std::string& key) const {
    return value_.contains(key) && boolean(key);
  }
  [[nodiscard]] bool boolean(const std::string& key) const {
    const Json& value = at(key);
    if (!value.is_boolean()) fail(key, "not true or false");
    return value.get<bool>();
  }
  [[nodiscard]] core::Guid guid(const std::string& key) const {
    const auto guid = core::Guid::parse(text(key));
    if (!guid) fail(key, "not a GUID");
    return *guid;
  }
  [[nodiscard]] std::vector<std::string> texts(const std::string& key) const {
    std::vector<std::string> result;
    for (const Json& value : list(key)) {
      if (!value.is_string()) fail(key + "[" + std::to_string(result.size()) + "]", "not a string");
      result.push_back(value.get<std::string>());
    }
    return result;
  }
  [[nodiscard]] std::vector<Reader> objects(const std::string& key) const {
    std::vector<Reader> result;
    for (const Json& value : list(key)) {
      result.emplace_back(value, path(key) + "[" + std::to_string(result.size()) + "]");
    }
    return result;
  }
  [[nodiscard]] Reader object(const std::string& key) const { return {at(key), path(key)}; }
  [[noreturn]] void fail(const std::string& key, const std::string& why) const {
    throw FormatError(path(key) + ": " + why);
  }

 private:
  [[nodiscard]] std::string path(const std::string& key) const {
    return place_.empty() ? key : place_ + "." + key;
  }
  [[nodiscard]] const Json& at(const std::string& key) const {
    const auto found = value_.find(key);
    if (found == value_.end()) fail(key, "missing");
    return *found;
  }
  [[nodiscard]] const Json& list(const std::string& key) const {
    const Json& value = at(key);
    if (!value.is_array()) fail(key, "not a list");
    return value;
  }

  const Json& value_;
  std::string place_;
};

Json write(const core::Volume& volume) {
  return {{"path", volume.path},
          {"mount_point", volume.mount_point},
          {"filesystem", volume.filesystem},
          {"device", volume.device},
          {"uuid", volume.uuid},
          {"superblock", volume.superblock},
          {"backing_file", volume.backing_file},
          {"device_number", volume.device_number},
          {"subvolume_id", volume.subvolume_id},
          {"is_root", volume.is_root},
          {"read_only", volume.read_only},
          {"depends_on", volume.depends_on}};
}

core::Volume read_volume(const Reader& in) {
  core::Volume volume;
  volume.path = in.text("path");
  volume.mount_point = in.text("mount_point");
  volume.filesystem = in.text("filesystem");
  volume.device = in.text("device");
  volume.uuid = in.text("uuid");
  volume.superblock = in.text("superblock");
  volume.backing_file = in.text("backing_file");
  volume.device_number = in.number("device_number");
  volume.subvolume_id = in.number("subvolume_id");
  volume.is_root = in.boolean("is_root");
  volume.read_only = in.boolean("read_only");
  volume.depends_on = in.texts("depends_on");
  return volume;
}

Json write(const core::SnapshotRecord& snapshot) {
  return {{"snapshot_id", snapshot.snapshot_id.str()},
          {"volume", write(snapshot.volume)},
          {"provider", snapshot.provider},
          {"provider_data", snapshot.provider_data},
          {"path", snapshot.path},
          {"device", snapshot.device},
          {"not_included", snapshot.not_included},
          {"broken", snapshot.broken},
          {"reverting", snapshot.reverting},
          {"hold_ms", snapshot.hold_ms},
          {"exposed", snapshot.exposed}};
}

core::SnapshotRecord read_snapshot(const Reader& in) {
  core::SnapshotRecord snapshot;
  snapshot.snapshot_id = in.guid("snapshot_id");
  snapshot.volume = read_volume(in.object("volume"));
  snapshot.provider = in.text("provider");
  snapshot.provider_data = in.text("provider_data");
  snapshot.path = in.text("path");
  snapshot.device = in.text("device");
  snapshot.not_included = in.texts("not_included");
  snapshot.broken = in.boolean_if_there("broken");
  snapshot.reverting = in.boolean_if_there("reverting");
  snapshot.hold_ms = in.real("hold_ms");
  if (in.has("exposed")) snapshot.exposed = in.text("exposed");
  return snapshot;
}

core::SetState read_state(const Reader& in) {
  const std::string name = in.text("state");
  for (const auto state : {core::SetState::Creating, core::SetState::Created, core::SetState::Deleting,
                           core::SetState::Breaking}) {
    if (name == to_string(state)) return state;
  }
  in.fail("state", "unknown state \"" + name + "\"");
}

core::SetRecord read_set(const Reader& in) {
  if (const auto version = in.number("version"); version != kRecordVersion) {
    in.fail("version", std::to_string(version) + " is not known to this vssd");
  }
  core::SetRecord set;
  set.set_id = in.guid("set_id");
  set.session_id = in.guid("session_id");
  set.state = read_state(in);
  const auto context = core::context_from_name(in.text("context"));
  if (!context) in.fail("context", "unknown context");
  set.context = *context;
  set.consistency = in.text("consistency");
  set.consistency_reason = in.text("consistency_reason");
  set.creator = in.text("creator");
  set.created = in.number("created");
  set.break_writable = in.boolean_if_there("break_writable");
  set.snapshots_count =
      static_cast<std::uint32_t>(in.number("snapshots_count", std::numeric_limits<std::uint32_t>::max()));
  if (in.has("client_time")) set.client_time = in.number("client_time", kLastSecond);
  for (const Reader& snapshot : in.objects("snapshots")) set.snapshots.push_back(read_snapshot(snapshot));
  return set;
}

Json parse(std::string_view text) {
  if (text.size() > kMaxRecordSize) throw FormatError("larger than 1 MiB");
  const auto check_depth = [](int depth, Json::parse_event_t, Json&) {
    if (depth > kMaxDepth) throw FormatError("nested too deep");
    return true;
  };
  return Json::parse(text, check_depth);
}
}  // namespace

core::Result<std::string> to_json(const core::SetRecord& record) {
  try {
    Json snapshots = Json::array();
    for (const core::SnapshotRecord& snapshot : record.snapshots) {
      if (!std::isfinite(snapshot.hold_ms)) throw FormatError("hold_ms is not finite");
      snapshots.push_back(write(snapshot));
    }
    const Json document = {{"version", kRecordVersion},
                           {"set_id", record.set_id.str()},
                           {"session_id", record.session_id.str()},
                           {"state", to_string(record.state)},
                           {"context", to_string(record.context)},
                           {"consistency", record.consistency},
                           {"consistency_reason", record.consistency_reason},
                           {"creator", record.creator},
                           {"created", record.created},
                           {"break_writable", record.break_writable},
                           {"snapshots_count", record.snapshots_count},
                           {"client_time", record.client_time},
                           {"snapshots", std::move(snapshots)}};
    std::string text = document.dump(2) + "\n";
    if (text.size() > kMaxRecordSize) throw FormatError("larger than 1 MiB");
    return text;
  } catch (const std::exception& error) {
    return core::fail(ErrorCode::InvalidArgument,
                      "record of set " + record.set_id.str() + ": " + error.what());
  }
}

core::Result<core::SetRecord> set_record_from_json(std::string_view text) {
  try {
    const Json document = parse(text);
    return read_set(Reader(document, ""));
  } catch (const std::exception& error) {
    return core::fail(ErrorCode::InvalidDocument, error.what());
  }
}

}  // namespace vss::system
