// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/postgresql/backup_record.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace vss::postgresql {

using Json = nlohmann::ordered_json;

std::string to_text(const BackupRecord& record) {
  Json json{{"consistency", to_string(record.consistency())},
            {"version", record.major},
            {"data_directory", record.data_directory},
            {"places", record.places},
            {"empty_places", record.empty}};
  if (record.end) {
    json["backup_label"] = record.end->backup_label;
    json["tablespace_map"] = record.end->tablespace_map;
    json["stop_lsn"] = record.end->stop_lsn;
    json["wal_needed"] = record.end->wal_needed;
  }
  try {
    return json.dump();
  } catch (const Json::exception&) {
    throw std::runtime_error("a tablespace has a path that is not UTF-8: the backup document cannot have it");
  }
}

BackupRecord parse_backup_record(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    BackupRecord record{json.at("data_directory"), json.at("version"), std::nullopt, json.at("places"),
                        json.at("empty_places")};
    const std::string consistency = json.at("consistency");
    if (consistency == to_string(Consistency::Atomic)) return record;
    if (consistency != to_string(Consistency::BackupMode))
      throw std::runtime_error("consistency is \"" + consistency + "\"");
    record.end = BackupEnd{json.at("backup_label"), json.at("tablespace_map"), json.at("stop_lsn"),
                           json.at("wal_needed")};
    return record;
  } catch (const Json::exception& error) {
    throw std::runtime_error(std::string("not a record of this writer: ") + error.what());
  }
}

}  // namespace vss::postgresql
