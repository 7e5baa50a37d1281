// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The backup components document of an earlier backup while it is restored. What the requester decides and
// what writers answer is written into it; keys that this vssd does not know stay as they are. VSS:
// IVssBackupComponents::InitializeForRestore, GetWriterComponents.

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "daemon/core/error.hpp"
#include "daemon/core/writer_metadata.hpp"

namespace vss::core {

// A writer of the backup. Its instance id of that time says nothing about one that runs now.
struct WriterAddress {
  Guid class_id;
  std::string instance_name;  // "" if the class has one entry only, or the entry has no name
};

struct ComponentAddress {
  WriterAddress writer;
  ComponentId id;
};

class RestoreDocument {
 public:
  using Json = nlohmann::ordered_json;

  // A writer's part.
  struct Entry {
    WriterAddress address;
    std::string name;
    WriterMetadata metadata;  // of the backup: the truth about files
    Json* json = nullptr;

    [[nodiscard]] std::vector<SelectedComponent> selected() const;  // for restore
    void write_back(const std::vector<SelectedComponent>& components);
  };

  // InvalidDocument names the place of the fault.
  static Result<RestoreDocument> parse(std::string_view text);
  RestoreDocument(RestoreDocument&&) noexcept = default;
  RestoreDocument& operator=(RestoreDocument&&) noexcept = default;
  RestoreDocument(const RestoreDocument&) = delete;
  RestoreDocument& operator=(const RestoreDocument&) = delete;
  ~RestoreDocument() = default;

  // Errors: ObjectNotFound; InvalidArgument if the address fits several writers.
  [[nodiscard]] Result<Entry*> find(const WriterAddress& address);
  // ObjectNotFound also for a component that was not explicitly in the backup.
  struct Found {
    Entry* entry;
    Json* component;
  };
  [[nodiscard]] Result<Found> find(const ComponentAddress& address);
  [[nodiscard]] std::vector<Entry>& entries() { return entries_; }

  // Drops what an earlier restore from this document has decided and reported.
  void forget_earlier_restore();

  [[nodiscard]] std::string value(const char* key) const { return json_->value(key, ""); }
  // What was parsed, letter by letter if nothing was changed and it was written by vssd.
  [[nodiscard]] std::string text() const;

 private:
  RestoreDocument() = default;

  std::unique_ptr<Json> json_;  // entries point into it
  std::vector<Entry> entries_;
};

}  // namespace vss::core
