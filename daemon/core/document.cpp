// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/document.hpp"

#include <memory>
#include <string>

#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "schema_texts.hpp"

namespace vss::core {
namespace {
using Json = nlohmann::json;

constexpr int kMaxDepth = 32;
constexpr std::int64_t kVersion = 1;

struct Form {
  std::string_view name;
  std::size_t max_size;
  bool versioned;
  std::unique_ptr<valijson::Schema> schema;
};

std::unique_ptr<valijson::Schema> compile(const Json& text) {
  auto schema = std::make_unique<valijson::Schema>();
  valijson::SchemaParser parser;
  parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(text), *schema);
  return schema;
}

Json components_only(const Json& whole) {
  return {{"type", "object"},
          {"required", {"components"}},
          {"properties", {{"components", {{"type", "array"}, {"items", {{"$ref", "#/$defs/component"}}}}}}},
          {"$defs", whole.at("$defs")}};
}

Form make_form(DocumentKind kind) {
  switch (kind) {
    case DocumentKind::WriterMetadata:
      return {"writer metadata", std::size_t{1} << 20, true, compile(Json::parse(kWriterMetadataSchema))};
    case DocumentKind::BackupComponents:
      return {"backup components", kMostOfDocument, true, compile(Json::parse(kBackupComponentsSchema))};
    case DocumentKind::Components:
      return {"components", std::size_t{4} << 20, false,
              compile(components_only(Json::parse(kBackupComponentsSchema)))};
  }
  return {};
}

const Form& form_of(DocumentKind kind) {
  static const Form metadata = make_form(DocumentKind::WriterMetadata);
  static const Form backup = make_form(DocumentKind::BackupComponents);
  static const Form components = make_form(DocumentKind::Components);
  switch (kind) {
    case DocumentKind::WriterMetadata:
      return metadata;
    case DocumentKind::BackupComponents:
      return backup;
    case DocumentKind::Components:
      return components;
  }
  return metadata;
}

tl::unexpected<Error> invalid(const Form& form, const std::string& what) {
  return fail(ErrorCode::InvalidDocument, std::string(form.name) + ": " + what);
}

Result<Json> parse(const Form& form, std::string_view text) {
  if (text.size() > form.max_size) {
    return invalid(form, "larger than " + std::to_string(form.max_size >> 20) + " MiB");
  }
  bool too_deep = false;
  const auto depth_guard = [&too_deep](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  try {
    Json document = Json::parse(text, depth_guard);
    if (too_deep) return invalid(form, "nested deeper than " + std::to_string(kMaxDepth) + " levels");
    return document;
  } catch (const Json::exception& e) {
    return invalid(form, e.what());
  }
}

// "<root>", "[components]", "[3]" as /components/3.
std::string place_of(const std::vector<std::string>& context) {
  std::string place;
  for (const std::string& step : context) {
    if (step.starts_with('[')) place += "/" + step.substr(1, step.size() - 2);
  }
  return place.empty() ? "/" : place;
}

Status check_version(const Form& form, const Json& document) {
  const auto version = document.find("version");
  if (version == document.end() || !version->is_number_integer()) {
    return invalid(form, "/version: a whole number is needed");
  }
  if (*version > kVersion) {
    return invalid(form, "/version: " + version->dump() + " is newer than what this vssd reads, " +
                             std::to_string(kVersion));
  }
  return {};
}

Status check_form(const Form& form, const Json& document) {
  valijson::Validator validator;
  valijson::ValidationResults results;
  const valijson::adapters::NlohmannJsonAdapter target(document);
  if (validator.validate(*form.schema, target, &results)) return {};
  // The first is what is wrong, those behind it are what therefore failed around it.
  valijson::ValidationResults::Error first;
  results.popError(first);
  return invalid(form, place_of(first.context) + ": " + first.description);
}
}  // namespace

Status check_document_size(std::size_t size, std::size_t most) {
  if (size <= most) return {};
  return fail(ErrorCode::OutOfMemory, "the documents are larger than " + std::to_string(most >> 10) + " KiB");
}

Result<Json> read_document(DocumentKind kind, std::string_view text) {
  const Form& form = form_of(kind);
  Result<Json> document = parse(form, text);
  if (!document) return document;
  if (!document->is_object()) return invalid(form, "an object is needed");
  if (form.versioned) {
    if (Status version = check_version(form, *document); !version) return fail(std::move(version.error()));
  }
  if (Status valid = check_form(form, *document); !valid) return fail(std::move(valid.error()));
  return document;
}

}  // namespace vss::core
