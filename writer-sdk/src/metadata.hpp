// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The writer metadata document: JSON, version 1; dbus/schema/writer-metadata-1.schema.json is what it must
// be.

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>

#include "writer-sdk/include/vss/writer.h"

namespace vss {

struct WriterConfig {
  std::string name;
  std::string class_id;
  std::string instance_name;
  std::string version;
  vss_level level = VSS_LEVEL_FRONT_END;
  std::chrono::milliseconds freeze_timeout{VSS_FREEZE_TIMEOUT_MS};
  std::uint32_t flags = 0;
  std::uint32_t subscribe = VSS_SUBSCRIBE_ALL;
  vss_usage usage = VSS_USAGE_UNDEFINED;
  vss_source source = VSS_SOURCE_UNDEFINED;
};

}  // namespace vss

struct vss_metadata {
  explicit vss_metadata(const vss::WriterConfig& config);

  nlohmann::json document;
  // Where in the document a component is, by logical path and name.
  std::map<std::pair<std::string, std::string>, std::size_t> components;
  std::string failure;
  std::thread::id thread = std::this_thread::get_id();
};
