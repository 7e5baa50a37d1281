// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/static_writer.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "daemon/core/document.hpp"

namespace vss::core {
namespace {
tl::unexpected<Error> bad_manifest(const std::string& what) {
  return fail(ErrorCode::InvalidDocument, "writer metadata: " + what);
}

// The flags of VSS that an express writer may not use either.
bool asks_for_recovery(const nlohmann::json& component) {
  const auto flags = component.find("flags");
  if (flags == component.end()) return false;
  return std::ranges::any_of(*flags, [](const nlohmann::json& flag) {
    return flag == "backup-recovery" || flag == "app-rollback-recovery";
  });
}

Status check_components(const nlohmann::json& document) {
  const auto components = document.find("components");
  if (components == document.end()) return {};
  for (std::size_t i = 0; i < components->size(); ++i) {
    if (asks_for_recovery((*components)[i])) {
      return bad_manifest("/components/" + std::to_string(i) +
                          "/flags: a manifest recovers nothing on a snapshot");
    }
  }
  return {};
}
}  // namespace

Result<std::shared_ptr<StaticWriter>> StaticWriter::create(std::string manifest) {
  const Result<nlohmann::json> document = read_document(DocumentKind::WriterMetadata, manifest);
  if (!document) return fail(document.error());
  if (Status usable = check_components(*document); !usable) return fail(std::move(usable.error()));
  const auto writer = document->find("writer");
  if (writer == document->end() || !writer->contains("class_id") || writer->value("name", "").empty())
    return bad_manifest("/writer: class_id and name are needed");
  WriterInfo info;
  info.instance_id = Guid::random();
  info.class_id = *Guid::parse(writer->at("class_id").get<std::string>());
  info.name = writer->at("name").get<std::string>();
  info.instance_name = writer->value("instance_name", "");
  info.version = writer->value("version", "");
  info.usage = writer->value("usage", info.usage);
  info.source = writer->value("source", info.source);
  return std::make_shared<StaticWriter>(std::move(info), std::move(manifest));
}

asio::awaitable<Result<std::string>> StaticWriter::identify(std::chrono::milliseconds /*limit*/) {
  if (!alive_) co_return fail(ErrorCode::WriterNotResponding, "its manifest is gone");
  co_return manifest_;
}

asio::awaitable<WriterAnswer> StaticWriter::deliver(WriterEvent /*event*/, EventArgs /*args*/,
                                                    std::chrono::milliseconds /*limit*/) {
  WriterAnswer answer;
  if (!alive_) answer.failure = {ErrorCode::WriterNotResponding, 0, "its manifest is gone", true};
  co_return answer;
}

// Two of one class and instance name could not be told apart in a document.
Result<std::shared_ptr<StaticWriter>> StaticWriters::create_another(std::string manifest) const {
  Result<std::shared_ptr<StaticWriter>> writer = StaticWriter::create(std::move(manifest));
  if (!writer) return writer;
  const WriterInfo& info = (*writer)->info();
  for (const auto& [name, other] : writers_) {
    if (other->info().class_id == info.class_id && other->info().instance_name == info.instance_name)
      return bad_manifest("/writer: class and instance name are those of " + name);
  }
  return writer;
}

void StaticWriters::replace(std::vector<Manifest> manifests) {
  std::map<std::string, std::shared_ptr<StaticWriter>> before = std::exchange(writers_, {});
  for (Manifest& manifest : manifests) {
    const auto at = before.find(manifest.name);
    const bool known = at != before.end();
    if (known && (!manifest.text || at->second->manifest() == *manifest.text)) {
      writers_.insert(before.extract(at));
      continue;
    }
    if (!manifest.text) continue;
    Result<std::shared_ptr<StaticWriter>> writer = create_another(std::move(*manifest.text));
    if (writer) {
      writers_[manifest.name] = std::move(*writer);
      continue;
    }
    spdlog::error("writer manifest {}: {}{}", manifest.name, writer.error().message,
                  known ? "; the writer stays as it was" : "");
    if (known) writers_.insert(before.extract(at));
  }
  for (const auto& [name, writer] : before) {
    writer->mark_gone();
    registry_.remove(writer->info().instance_id);
  }
  for (const auto& [name, writer] : writers_) {
    if (registry_.find(writer->info().instance_id) == nullptr) registry_.add(writer);
  }
}

}  // namespace vss::core
