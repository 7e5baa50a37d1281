// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/mariadb/backup_record.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace vss::mariadb {
namespace {

using Json = nlohmann::ordered_json;

Consistency parse_consistency(const std::string& text) {
  for (const Consistency known : {Consistency::Atomic, Consistency::Standstill}) {
    if (text == to_string(known)) return known;
  }
  throw std::runtime_error("not a record of this writer: consistency is \"" + text + "\"");
}

}  // namespace

std::string to_text(const BackupRecord& record) {
  Json json{{"consistency", to_string(record.consistency)},
            {"product", record.product},
            {"version", record.version},
            {"data_directory", record.data_directory},
            {"places", record.places},
            {"empty_places", record.empty}};
  if (record.position) {
    json["binlog_file"] = record.position->file;
    json["binlog_position"] = record.position->offset;
    json["gtid"] = record.position->gtid;
  }
  if (!record.replica_gtid.empty()) json["replica_gtid"] = record.replica_gtid;
  try {
    return json.dump();
  } catch (const Json::exception&) {
    throw std::runtime_error("a table has a path that is not UTF-8: the backup document cannot have it");
  }
}

BackupRecord parse_backup_record(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    BackupRecord record{parse_consistency(json.at("consistency")),
                        json.at("product"),
                        json.at("version"),
                        json.at("data_directory"),
                        json.at("places"),
                        std::nullopt,
                        json.value("replica_gtid", ""),
                        json.value("empty_places", writers::Places())};
    if (json.contains("binlog_file"))
      record.position = Position{json.at("binlog_file"), json.at("binlog_position"), json.at("gtid")};
    return record;
  } catch (const Json::exception& error) {
    throw std::runtime_error(std::string("not a record of this writer: ") + error.what());
  }
}

}  // namespace vss::mariadb
