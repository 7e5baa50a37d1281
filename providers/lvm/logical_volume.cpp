// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/logical_volume.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include <nlohmann/json.hpp>

#include "vss/provider_module.hpp"

namespace vss::lvm {

namespace {

constexpr std::size_t kUuid = 32;
constexpr std::string_view kLvmPrefix = "LVM-";
constexpr std::size_t kLongestMapperName = 127;
constexpr std::size_t kUniquePart = 8;

[[noreturn]] void unsupported(const std::string& reason) {
  throw ProviderError(VSS_PROVIDER_E_VOLUME_NOT_SUPPORTED, reason);
}

// "253:5 0" -> "253:5"
std::string first_word(const std::string& parameters) { return parameters.substr(0, parameters.find(' ')); }

// From sysfs first: where device-mapper is not there, nothing is on it.
bool is_mapped(const std::string& number) {
  return ::access(("/sys/dev/block/" + number + "/dm").c_str(), F_OK) == 0;
}

std::vector<MapperTarget> table_below(const std::string& number) {
  unsigned major_number = 0;
  unsigned minor_number = 0;
  if (std::sscanf(number.c_str(), "%u:%u", &major_number, &minor_number) != 2 || !is_mapped(number))
    return {};
  const auto device = mapper_device(makedev(major_number, minor_number));
  if (!device || !device->uuid.starts_with(kLvmPrefix)) return {};
  return mapper_table(device->name);
}

MappedVolume mapped_volume(const std::string& node, std::string& device_name) {
  struct stat facts {};
  if (::stat(node.c_str(), &facts) != 0 || !S_ISBLK(facts.st_mode))
    unsupported("it is not on a block device");
  if (!is_mapped(std::to_string(major(facts.st_rdev)) + ":" + std::to_string(minor(facts.st_rdev))))
    unsupported("it is not directly on a logical volume");
  const auto device = mapper_device(facts.st_rdev);
  if (!device || !device->uuid.starts_with(kLvmPrefix)) {
    unsupported("it is not directly on a logical volume");
  }
  if (device->uuid.size() != kLvmPrefix.size() + 2 * kUuid) {
    unsupported("it is on an internal device of LVM, " + device->name);
  }
  const VolumeNames names = split_mapper_name(device->name);
  device_name = device->name;
  return {names.volume_group, names.logical_volume, device->uuid.substr(kLvmPrefix.size(), kUuid),
          device->uuid.substr(kLvmPrefix.size() + kUuid), Kind::Thick};
}

}  // namespace

Kind kind_of(const std::vector<MapperTarget>& table, const TableOf& below) {
  static constexpr std::array kThick{std::string_view("linear"), std::string_view("striped"),
                                     std::string_view("raid"), std::string_view("cache"),
                                     std::string_view("writecache")};
  if (table.empty()) unsupported("its device has no table");
  const auto& [type, parameters] = table.front();
  if (type == "thin") return Kind::Thin;
  if (type == "snapshot") unsupported("it is a snapshot itself, and lvm makes none of those");
  if (type == "snapshot-merge") unsupported("a snapshot is being merged into it");
  if (type == "snapshot-origin") {
    // What the volume is made of is the device below. A thin one must not be held as a thick one, and of what
    // has such a snapshot lvm merges no thin ones.
    if (kind_of(below(first_word(parameters)), below) == Kind::Thick) return Kind::Thick;
    unsupported("it is a thin volume that has a snapshot with a store of its own");
  }
  if (std::ranges::find(kThick, type) == kThick.end()) unsupported("it is a logical volume of type " + type);
  // A volume of a VDO pool is a part of the pool's device.
  const std::vector<MapperTarget> pool = type == "linear" ? below(first_word(parameters)) : table;
  if (!pool.empty() && pool.front().type == "vdo") unsupported("it is a logical volume of type vdo");
  return Kind::Thick;
}

MappedVolume find_any_logical_volume(const std::string& node) {
  std::string device_name;
  return mapped_volume(node, device_name);
}

MappedVolume find_logical_volume(const std::string& node) {
  std::string device_name;
  MappedVolume volume = mapped_volume(node, device_name);
  volume.kind = kind_of(mapper_table(device_name), table_below);
  return volume;
}

std::string to_text(const SnapshotData& data) {
  return nlohmann::json{{"vg", data.volume_group}, {"vg_uuid", data.vg_uuid},
                        {"origin", data.origin},   {"origin_uuid", data.origin_uuid},
                        {"pool", data.pool},       {"pool_uuid", data.pool_uuid},
                        {"lv_uuid", data.lv_uuid}}
      .dump();
}

SnapshotData parse_snapshot_data(const std::string& text) {
  try {
    const auto json = nlohmann::json::parse(text);
    return {json.at("vg"),   json.at("vg_uuid"),   json.at("origin"), json.at("origin_uuid"),
            json.at("pool"), json.at("pool_uuid"), json.at("lv_uuid")};
  } catch (const nlohmann::json::exception& error) {
    throw ProviderError(VSS_PROVIDER_E_INVALID_ARGUMENT,
                        std::string("the record of a snapshot is malformed: ") + error.what());
  }
}

std::string set_tag(const std::string& set_id) { return "vssd.set=" + set_id; }
std::string snapshot_tag(const std::string& snapshot_id) { return "vssd.snapshot=" + snapshot_id; }

std::string snapshot_name(const std::string& volume_group, const std::string& origin,
                          const std::string& snapshot_id) {
  const std::string ending = "_vss_" + snapshot_id.substr(0, kUniquePart);
  std::string begin = origin;
  const std::string longest_layer = "-cow";
  while (mapper_name(volume_group, begin + ending).size() + longest_layer.size() > kLongestMapperName) {
    if (begin.empty()) unsupported("the name of its volume group leaves no room for a snapshot's");
    begin.pop_back();
  }
  return begin + ending;
}

std::string mapper_name(const std::string& volume_group, const std::string& name) {
  std::string text;
  const auto append = [&](const std::string& part) {
    for (const char c : part) text += c == '-' ? "--" : std::string(1, c);
  };
  append(volume_group);
  text += '-';
  append(name);
  return text;
}

std::string mapper_uuid(const std::string& vg_uuid, const std::string& lv_uuid) {
  return std::string(kLvmPrefix) + vg_uuid + lv_uuid;
}

std::string without_hyphens(std::string uuid) {
  std::erase(uuid, '-');
  return uuid;
}

}  // namespace vss::lvm
