// SPDX-License-Identifier: LGPL-2.1-or-later
// The writer metadata document: what may be in it, and what comes out.
// Expectations are written by hand after dbus/schema/writer-metadata-1.schema.json.
#include <gtest/gtest.h>
#include <vss/metadata.hpp>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "writer-sdk/src/metadata.hpp"

namespace vss {
namespace {

constexpr const char* kOwnClass = "0e3c7f6a-1111-4222-8333-444455556666";
constexpr const char* kOtherClass = "1E3C7F6A-1111-4222-8333-444455556666";

WriterConfig described_writer() {
  WriterConfig config;
  config.name = "w";
  config.class_id = kOwnClass;
  return config;
}

// "db" in "a" with one set of files, and "fg" at the root.
struct Document {
  Document() {
    EXPECT_EQ(vss_metadata_add_component(&metadata, VSS_COMPONENT_DATABASE, "a", "db", nullptr, 0), VSS_OK);
    EXPECT_EQ(vss_metadata_add_component(&metadata, VSS_COMPONENT_FILEGROUP, nullptr, "fg", "", 0), VSS_OK);
    EXPECT_EQ(vss_metadata_add_files(&metadata, "a", "db", "/srv", "*.db", 1), VSS_OK);
  }
  vss_metadata metadata{described_writer()};
};

TEST(Metadata, AWholeDocumentIsWhatTheSchemaSays) {
  WriterConfig writer = described_writer();
  writer.instance_name = "i";
  writer.version = "1.2";
  writer.level = VSS_LEVEL_SYSTEM;
  writer.freeze_timeout = std::chrono::milliseconds(20000);
  writer.usage = VSS_USAGE_USER_DATA;
  writer.source = VSS_SOURCE_TRANSACTED_DATABASE;
  vss_metadata handle(writer);
  Metadata metadata(&handle);
  metadata.add_component(VSS_COMPONENT_DATABASE, "", "server", "The server",
                         VSS_COMPONENT_SELECTABLE | VSS_COMPONENT_SELECTABLE_FOR_RESTORE |
                             VSS_COMPONENT_NOTIFY_ON_BACKUP_COMPLETE | VSS_COMPONENT_BACKUP_RECOVERY |
                             VSS_COMPONENT_APP_ROLLBACK_RECOVERY | VSS_COMPONENT_NOT_SYSTEM_STATE);
  metadata.add_component(VSS_COMPONENT_FILEGROUP, "server", "config", "", false);
  metadata.set_restore_metadata("", "server", "cluster=main");
  metadata.add_database_files("", "server", "/srv/db", "*.ibd");
  metadata.add_database_log_files("", "server", "/srv/log", "*.log", false);
  metadata.add_file_set("", "server", VSS_FILES, "/srv/x", "*", false, "/var/copy",
                        VSS_BACKUP_REQUIRED_FULL | VSS_BACKUP_REQUIRED_LOG |
                            VSS_SNAPSHOT_REQUIRED_DIFFERENTIAL | VSS_SNAPSHOT_REQUIRED_INCREMENTAL |
                            VSS_CREATED_DURING_BACKUP);
  metadata.add_files("server", "config", "/etc/db");
  metadata.add_exclude("/srv/db/tmp");
  metadata.add_exclude_from_snapshot("/srv/db", "*.tmp", false);
  metadata.add_alternate_location_mapping("/srv/db", "*.ibd", true, "/srv/alternate");
  metadata.add_dependency("", "server", kOtherClass, "x/y", "z");
  metadata.set_backup_schema(VSS_SCHEMA_DIFFERENTIAL | VSS_SCHEMA_TIMESTAMPED | VSS_SCHEMA_PARALLEL_RESTORES);
  metadata.set_restore_method("restore-stop-start", "db.service", "https://example.org",
                              VSS_WRITER_RESTORE_IF_REPLACE_FAILS, true);
  EXPECT_EQ(handle.document, nlohmann::json::parse(R"({
    "version": 1,
    "writer": {"class_id": "0e3c7f6a-1111-4222-8333-444455556666", "name": "w", "instance_name": "i",
               "version": "1.2", "level": "system", "freeze_timeout_ms": 20000, "usage": "user-data",
               "source": "transacted-database"},
    "components": [
      {"type": "database", "logical_path": "", "name": "server", "caption": "The server", "selectable": true,
       "selectable_for_restore": true, "notify_on_backup_complete": true, "restore_metadata": "cluster=main",
       "flags": ["backup-recovery", "app-rollback-recovery", "not-system-state"],
       "files": [
         {"kind": "database", "path": "/srv/db", "spec": "*.ibd", "recursive": true},
         {"kind": "log", "path": "/srv/log", "spec": "*.log", "recursive": false},
         {"path": "/srv/x", "spec": "*", "recursive": false, "alternate_path": "/var/copy",
          "backup_required": ["full", "log"], "snapshot_required": ["differential", "incremental"],
          "created_during_backup": true}],
       "dependencies": [{"class_id": "1e3c7f6a-1111-4222-8333-444455556666", "logical_path": "x/y", "name": "z"}]},
      {"type": "filegroup", "logical_path": "server", "name": "config", "caption": "", "selectable": false,
       "selectable_for_restore": false, "notify_on_backup_complete": false, "flags": [],
       "files": [{"path": "/etc/db", "spec": "*", "recursive": true}]}],
    "exclude_files": [{"path": "/srv/db/tmp", "spec": "*", "recursive": true}],
    "exclude_files_from_snapshot": [{"path": "/srv/db", "spec": "*.tmp", "recursive": false}],
    "alternate_location_mappings": [
      {"path": "/srv/db", "spec": "*.ibd", "recursive": true, "destination": "/srv/alternate"}],
    "backup_schema": ["differential", "timestamped", "parallel-restores"],
    "restore_method": {"method": "restore-stop-start", "service": "db.service",
                       "user_procedure": "https://example.org", "writer_restore": "if-replace-fails",
                       "reboot_required": true}})"));
}

TEST(Metadata, WhatTheSchemaForbidsIsRefusedAndChangesNothing) {
  using M = vss_metadata*;
  struct Row {
    std::function<int(M)> call;
    int status;
  };
  const auto component = [](const char* path, const char* name, std::uint32_t flags = 0, int type = 1) {
    return [=](M m) {
      return vss_metadata_add_component(m, static_cast<vss_component_type>(type), path, name, "", flags);
    };
  };
  const auto files = [](const char* name, const char* path, const char* spec, int kind = VSS_FILES,
                        const char* alternate = nullptr, std::uint32_t required = VSS_REQUIRED_DEFAULT) {
    return [=](M m) {
      return vss_metadata_add_file_set(m, *name == 'd' ? "a" : "", name, static_cast<vss_file_kind>(kind),
                                       path, spec, 0, alternate, required);
    };
  };
  const auto mapping = [](const char* spec, int recursive, const char* destination) {
    return [=](M m) {
      return vss_metadata_add_alternate_location_mapping(m, "/srv", spec, recursive, destination);
    };
  };
  const auto dependency = [](const char* name, const char* class_id, const char* on_path,
                             const char* on_name) {
    return [=](M m) { return vss_metadata_add_dependency(m, "a", name, class_id, on_path, on_name); };
  };
  const auto method = [](const char* name, int restore) {
    return [=](M m) {
      return vss_metadata_set_restore_method(m, name, nullptr, nullptr,
                                             static_cast<vss_writer_restore>(restore), 0);
    };
  };
  const std::vector<Row> rows = {
      {component("a", "db"), VSS_ERR_ALREADY_EXISTS},
      {component("", ""), VSS_ERR_INVALID_ARGUMENT},
      {component("", nullptr), VSS_ERR_INVALID_ARGUMENT},
      {component("", "x/y"), VSS_ERR_INVALID_ARGUMENT},
      {component("/a", "x"), VSS_ERR_INVALID_ARGUMENT},
      {component("a/", "x"), VSS_ERR_INVALID_ARGUMENT},
      {component("a//b", "x"), VSS_ERR_INVALID_ARGUMENT},
      {component("", "\xff"), VSS_ERR_INVALID_ARGUMENT},
      {component("", "x", 8), VSS_ERR_INVALID_ARGUMENT},
      {component("", "x", 0, 3), VSS_ERR_INVALID_ARGUMENT},
      {files("no", "/srv", "*"), VSS_ERR_NOT_FOUND},
      {files("db", "srv", "*"), VSS_ERR_INVALID_ARGUMENT},
      {files("db", nullptr, "*"), VSS_ERR_INVALID_ARGUMENT},
      {files("db", "/srv", ""), VSS_ERR_INVALID_ARGUMENT},
      {files("db", "/srv", "a/b"), VSS_ERR_INVALID_ARGUMENT},
      {files("db", "/srv", "*", 3), VSS_ERR_INVALID_ARGUMENT},
      {files("fg", "/srv", "*", VSS_FILES_DATABASE), VSS_ERR_INVALID_ARGUMENT},
      {files("fg", "/srv", "*", VSS_FILES_LOG), VSS_ERR_INVALID_ARGUMENT},
      {files("db", "/srv", "*", VSS_FILES, "there"), VSS_ERR_INVALID_ARGUMENT},
      {files("db", "/srv", "*", VSS_FILES, nullptr, 0x10), VSS_ERR_INVALID_ARGUMENT},
      {[](M m) { return vss_metadata_set_restore_metadata(m, "", "db", "x"); }, VSS_ERR_NOT_FOUND},
      {[](M m) { return vss_metadata_set_restore_metadata(m, "a", "db", "\xff"); }, VSS_ERR_INVALID_ARGUMENT},
      {[](M m) { return vss_metadata_add_exclude(m, "/srv/\xff", "*", 1); }, VSS_ERR_INVALID_ARGUMENT},
      {[](M m) { return vss_metadata_add_exclude_from_snapshot(m, "srv", "*", 1); },
       VSS_ERR_INVALID_ARGUMENT},
      {mapping("*.db", 1, "there"), VSS_ERR_INVALID_ARGUMENT},
      {mapping("*.db", 1, nullptr), VSS_ERR_INVALID_ARGUMENT},
      {mapping("*.db", 0, "/there"), VSS_ERR_NOT_FOUND},
      {mapping("*", 1, "/there"), VSS_ERR_NOT_FOUND},
      {dependency("no", kOtherClass, "", "z"), VSS_ERR_NOT_FOUND},
      {dependency("db", "7", "", "z"), VSS_ERR_INVALID_ARGUMENT},
      {dependency("db", "0E3C7F6A-1111-4222-8333-444455556666", "", "z"), VSS_ERR_INVALID_ARGUMENT},
      {dependency("db", kOtherClass, "", ""), VSS_ERR_INVALID_ARGUMENT},
      {dependency("db", kOtherClass, "/x", "z"), VSS_ERR_INVALID_ARGUMENT},
      {[](M m) { return vss_metadata_set_backup_schema(m, 0x800); }, VSS_ERR_INVALID_ARGUMENT},
      {method("magic", 0), VSS_ERR_INVALID_ARGUMENT},
      {method(nullptr, 0), VSS_ERR_INVALID_ARGUMENT},
      {method("custom", 3), VSS_ERR_INVALID_ARGUMENT},
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Document document;
    const std::string before = document.metadata.document.dump();
    EXPECT_EQ(rows[i].call(&document.metadata), rows[i].status) << "row " << i;
    EXPECT_EQ(document.metadata.document.dump(), before) << "row " << i;
    EXPECT_EQ(rows[i].call(nullptr), VSS_ERR_INVALID_ARGUMENT) << "row " << i;
    std::thread([&] {
      EXPECT_EQ(rows[i].call(&document.metadata), VSS_ERR_BAD_STATE) << "row " << i;
    }).join();
  }
}

TEST(Metadata, AMappingAndADependencyAreThereOnce) {
  Document document;
  vss_metadata* m = &document.metadata;
  EXPECT_EQ(vss_metadata_add_alternate_location_mapping(m, "/srv", "*.db", 1, "/x"), VSS_OK);
  EXPECT_EQ(vss_metadata_add_alternate_location_mapping(m, "/srv", "*.db", 1, "/y"), VSS_ERR_ALREADY_EXISTS);
  EXPECT_EQ(vss_metadata_add_dependency(m, "a", "db", kOtherClass, "", "z"), VSS_OK);
  EXPECT_EQ(vss_metadata_add_dependency(m, "a", "db", kOtherClass, nullptr, "z"), VSS_ERR_ALREADY_EXISTS);
  EXPECT_EQ(vss_metadata_add_dependency(m, "", "fg", kOtherClass, "", "z"), VSS_OK);
}

TEST(Metadata, ADocumentHasAtMost4096Components) {
  vss_metadata metadata(described_writer());
  for (int i = 0; i < 4096; ++i) {
    ASSERT_EQ(
        vss_metadata_add_component(&metadata, VSS_COMPONENT_FILEGROUP, "", std::to_string(i).c_str(), "", 0),
        VSS_OK);
  }
  EXPECT_EQ(vss_metadata_add_component(&metadata, VSS_COMPONENT_FILEGROUP, "", "one more", "", 0),
            VSS_ERR_INVALID_ARGUMENT);
}

TEST(Metadata, BelongsToTheThreadOfItsHandler) {
  vss_metadata metadata(described_writer());
  std::thread([&] { EXPECT_EQ(vss_metadata_fail(&metadata, "no"), VSS_ERR_BAD_STATE); }).join();
}

}  // namespace
}  // namespace vss
