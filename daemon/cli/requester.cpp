// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/requester.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

namespace vss::cli {
namespace {

bool failed(const Json& writer) {
  return !text(writer, "failure").empty() || text(writer, "state").starts_with("failed");
}

Failure writer_failure(const Json& writer) {
  const std::string short_name = text(writer, "failure");
  const ErrorCode code = error_from_name(short_name).value_or(ErrorCode::UnexpectedWriterError);
  std::string message = text(writer, "message");
  if (message.empty()) message = description(code);
  return {code, fmt::format("writer \"{}\"", text(writer, "name")),
          fmt::format("{} [{}]", message, text(writer, "state"))};
}

// `json` with these keys first and always there.
Json with_keys(const Json& json, std::initializer_list<std::pair<const char*, Json>> keys) {
  Json ordered = Json::object();
  for (const auto& [key, fallback] : keys) ordered[key] = json.value(key, fallback);
  ordered.update(json);
  return ordered;
}

Json snapshot_entry(const Json& snapshot) {
  return with_keys(snapshot, {{"snapshot_id", ""},
                              {"volume", ""},
                              {"provider", ""},
                              {"path", ""},
                              {"device", ""},
                              {"hold_ms", 0.0}});
}

Json writer_entry(const Json& writer) {
  return with_keys(writer, {{"name", ""}, {"instance_id", ""}, {"state", ""}, {"failure", ""}});
}

}  // namespace

bool has_writers(const std::string& context) { return context == "backup" || context == "app-rollback"; }
bool is_persistent(const std::string& context) { return context.ends_with("-rollback"); }

Requester::Requester(Bus& bus, RequestOptions options, ProgressListener* progress)
    : bus_(bus), options_(std::move(options)), progress_(progress), manager_(bus) {}

template <typename Function>
auto Requester::step(const std::string& what, Function&& function) {
  if (cancelled_) throw Failure(ErrorCode::Cancelled, what, "interrupted");
  return attempt(what, std::forward<Function>(function));
}

template <typename Function>
void Requester::quietly(const std::string& what, Function&& function) noexcept {
  try {
    attempt(what, std::forward<Function>(function));
  } catch (const Failure& failure) {
    std::fprintf(stderr, "vssctl: %s\n", failure.line().c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "vssctl: %s: %s\n", what.c_str(), error.what());
  }
}

Json Requester::make_set() {
  try {
    create_backup();
    const bool writers = has_writers(options_.context);
    std::vector<WriterMetadata> metadata;
    if (writers) {
      step("SetBackupState", [&] { backup_->SetBackupState(true, false, "full", false); });
      metadata = gather_writers();
    }
    const std::vector<Volume> volumes = resolve_volumes();
    if (writers) select_writers(volumes, metadata);
    step("StartSnapshotSet", [&] {
      set_started_ = true;
      return backup_->StartSnapshotSet();
    });
    add_volumes(volumes);
    if (writers) {
      step("PrepareForBackup", [&] { backup_->PrepareForBackup(); });
      check_writers();
    }
    const Dict result = step("DoSnapshotSet", [&] { return backup_->DoSnapshotSet(); });
    return describe(result, writers ? check_writers() : Json::array());
  } catch (...) {
    abort_unfinished();
    throw;
  }
}

void Requester::create_backup() {
  Dict options{{"client", sdbus::Variant{fmt::format("vssctl[{}]", ::getpid())}},
               {"policy", sdbus::Variant{std::string(options_.lenient ? "lenient" : "strict")}},
               {"lock_timeout", sdbus::Variant{options_.lock_timeout_ms}}};
  if (!options_.require.empty()) options.emplace("require", sdbus::Variant{options_.require});
  auto path = step("CreateBackup", [&] { return manager_.CreateBackup(options); });
  {
    const std::lock_guard lock(mutex_);
    backup_ = std::make_shared<BackupProxy>(bus_, std::move(path), progress_);
  }
  if (options_.context != "backup") {
    step("SetContext " + options_.context, [&] { backup_->SetContext(options_.context); });
  }
}

std::vector<WriterMetadata> Requester::gather_writers() {
  std::vector<WriterMetadata> writers;
  const auto answers = step("GatherWriterMetadata", [&] { return backup_->GatherWriterMetadata(); });
  for (const Json& writer : to_json(answers)) writers.push_back(parse_writer(writer));
  return writers;
}

std::vector<Requester::Volume> Requester::resolve_volumes() {
  std::vector<Volume> volumes;
  for (const std::string& given : options_.paths) {
    const std::string path =
        options_.remote ? given : std::filesystem::absolute(given).lexically_normal().string();
    const auto [supported, facts] =
        step("volume " + path, [&] { return manager_.IsVolumeSupported(path, options_.provider); });
    const Json volume = to_json(facts);
    if (!supported) {
      const ErrorCode code =
          options_.provider.empty() ? ErrorCode::VolumeNotSupported : ErrorCode::VolumeNotSupportedByProvider;
      const std::string reason = text(volume, "reason");
      throw Failure(code, "volume " + path, reason.empty() ? std::string(description(code)) : reason);
    }
    const std::string root = volume.value("path", path);
    const std::string identity = volume_of(root);
    const auto same = std::find_if(volumes.begin(), volumes.end(),
                                   [&](const Volume& known) { return known.identity == identity; });
    if (same == volumes.end()) volumes.push_back({root, identity});
  }
  return volumes;
}

std::string Requester::volume_of(const std::string& path) {
  if (!options_.remote) return local_volume_of(path);
  for (std::filesystem::path at(path);; at = at.parent_path()) {
    try {
      const auto [supported, facts] =
          step("volume of " + at.string(), [&] { return manager_.IsVolumeSupported(at.string(), ""); });
      return text(to_json(facts), "path");
    } catch (const Failure& failure) {
      if (failure.code() == ErrorCode::VolumeNotSupported) return "";
      if (failure.code() != ErrorCode::ObjectNotFound || at == at.parent_path()) throw;
    }
  }
}

void Requester::select_writers(const std::vector<Volume>& volumes,
                               const std::vector<WriterMetadata>& writers) {
  std::set<std::string> identities;
  for (const Volume& volume : volumes) identities.insert(volume.identity);
  selection_ = select_components(writers, identities, options_.writers,
                                 [this](const std::string& path) { return volume_of(path); });
  for (const std::string& warning : selection_.warnings) warn(warning);
  for (const SelectedComponent& one : selection_.components) {
    step(fmt::format("AddComponent {} of writer \"{}\"", full_name(one.logical_path, one.name), one.writer),
         [&] { backup_->AddComponent(one.instance_id, one.logical_path, one.name); });
  }
}

void Requester::add_volumes(const std::vector<Volume>& volumes) {
  for (const Volume& volume : volumes) {
    step("AddToSnapshotSet " + volume.path,
         [&] { return backup_->AddToSnapshotSet(volume.path, options_.provider); });
  }
}

Json Requester::check_writers() {
  Json selected = Json::array();
  const auto status = step("GatherWriterStatus", [&] { return backup_->GatherWriterStatus(); });
  for (const Json& writer : to_json(status)) {
    if (!writer.value("selected", true)) continue;
    if (failed(writer)) {
      const Failure failure = writer_failure(writer);
      if (!options_.lenient) throw failure;
      warn(failure.line());
    }
    selected.push_back(writer_entry(writer));
  }
  return selected;
}

Json Requester::describe(const Dict& result, Json writers) const {
  Json json = with_keys(to_json(result), {{"set_id", ""},
                                          {"context", options_.context},
                                          {"consistency", ""},
                                          {"hold_ms", 0.0},
                                          {"snapshots", Json::array()},
                                          {"writers", Json::array()},
                                          {"consistency_reason", ""},
                                          {"warnings", Json::array()}});
  for (Json& snapshot : json["snapshots"]) snapshot = snapshot_entry(snapshot);
  json["writers"] = std::move(writers);
  for (const std::string& warning : warnings_) json["warnings"].push_back(warning);
  return json;
}

void Requester::set_succeeded(bool succeeded) {
  for (const SelectedComponent& one : selection_.components) {
    attempt("SetBackupSucceeded",
            [&] { backup_->SetBackupSucceeded(one.instance_id, one.logical_path, one.name, succeeded); });
  }
}

void Requester::complete() {
  cancelled_ = false;  // a cancel that came too late for make_set() is no reason to leave writers uninformed
  try {
    if (has_writers(options_.context)) tell_writers_of_completion();
  } catch (...) {
    quietly("Release", [&] { release(); });
    throw;
  }
  release();
}

void Requester::tell_writers_of_completion() {
  set_succeeded(true);
  attempt("BackupComplete", [&] { backup_->BackupComplete(); });
  check_writers();
}

void Requester::abort() noexcept {
  quietly("SetBackupSucceeded", [&] { set_succeeded(false); });
  quietly("AbortBackup", [&] { backup_->AbortBackup(); });
  quietly("Release", [&] { release(); });
}

void Requester::abort_unfinished() noexcept {
  if (!backup_ || bus_.lost().is_set()) return;
  if (set_started_) quietly("AbortBackup", [&] { backup_->AbortBackup(); });
  quietly("Release", [&] { release(); });
}

void Requester::release() {
  attempt("Release", [&] { backup_->Release(); });
  const std::lock_guard lock(mutex_);
  backup_.reset();
}

void Requester::cancel() noexcept {
  cancelled_ = true;
  std::shared_ptr<BackupProxy> backup;
  {
    const std::lock_guard lock(mutex_);
    backup = backup_;
  }
  if (!backup) return;
  try {
    backup->Cancel();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "vssctl: Cancel: %s\n", error.what());
  }
}

void Requester::warn(std::string warning) {
  if (std::find(warnings_.begin(), warnings_.end(), warning) == warnings_.end()) {
    warnings_.push_back(std::move(warning));
  }
}

}  // namespace vss::cli
