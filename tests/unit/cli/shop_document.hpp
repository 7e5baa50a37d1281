// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A backup components document for tests of a restore.

#include <string>

#include <nlohmann/json.hpp>

namespace vss::test {

// The writer "shop" with the components "data" (/srv/data, saved), "log" (/srv/log, not saved) and, below
// "data", "part" (/srv/part); an alternate location for /srv/data.
[[nodiscard]] inline std::string shop_document() {
  using Json = nlohmann::ordered_json;
  const auto files = [](const char* path) {
    return Json{{"path", path}, {"spec", "*"}, {"recursive", true}};
  };
  const auto component = [&](const char* path, const char* name, const char* where) {
    return Json{{"logical_path", path},
                {"name", name},
                {"selectable", true},
                {"selectable_for_restore", true},
                {"files", Json::array({files(where)})}};
  };
  Json mapping = files("/srv/data");
  mapping["destination"] = "/alt";
  const Json method{
      {"method", "stop-restart-service"}, {"service", "shop.service"}, {"writer_restore", "always"}};
  const Json metadata{
      {"version", 1},
      {"components", Json::array({component("", "data", "/srv/data"), component("", "log", "/srv/log"),
                                  component("data", "part", "/srv/part")})},
      {"alternate_location_mappings", Json::array({mapping})},
      {"restore_method", method}};
  const auto in_backup = [](const char* name, bool succeeded) {
    return Json{{"logical_path", ""}, {"name", name}, {"backup_succeeded", succeeded}};
  };
  const Json writer{{"class_id", "shop-class"},
                    {"instance_name", ""},
                    {"name", "shop"},
                    {"metadata", metadata.dump()},
                    {"components", Json::array({in_backup("data", true), in_backup("log", false)})}};
  const Json snapshot{{"snapshot_id", "snap-1"}, {"volume", "/srv"}};
  return Json{{"version", 1},
              {"set_id", "set-1"},
              {"snapshots", Json::array({snapshot})},
              {"writers", Json::array({writer})}}
      .dump();
}

}  // namespace vss::test
