// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/requester.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "daemon/cli/writer_status.hpp"

namespace vss::cli {
namespace {

Json snapshot_entry(const Json& snapshot) {
  return with_keys(snapshot, {{"snapshot_id", ""},
                              {"volume", ""},
                              {"provider", ""},
                              {"path", ""},
                              {"device", ""},
                              {"hold_ms", 0.0}});
}

}  // namespace

bool has_writers(const std::string& context) {
  return context == "backup" || context == "app-rollback" || context == "client-accessible-writers";
}
bool is_persistent(const std::string& context) {
  return context.ends_with("-rollback") || context.starts_with("client-accessible");
}

std::string path_for_vssd(const std::string& given, bool remote) {
  return remote ? given : std::filesystem::absolute(given).lexically_normal().string();
}

Json supported_volume(ManagerProxy& manager, const std::string& path, const std::string& provider) {
  const auto [supported, facts] =
      attempt("volume " + path, [&] { return manager.IsVolumeSupported(path, provider); });
  Json volume = to_json(facts);
  if (supported) return volume;
  const ErrorCode code =
      provider.empty() ? ErrorCode::VolumeNotSupported : ErrorCode::VolumeNotSupportedByProvider;
  const std::string reason = text(volume, "reason");
  throw Failure(code, "volume " + path, reason.empty() ? std::string(description(code)) : reason);
}

Requester::Requester(Bus& bus, RequestOptions options, ProgressListener* progress)
    : Session(bus, progress), options_(std::move(options)) {}

Json Requester::make_set() {
  try {
    if (!options_.document.empty()) document_.emplace(options_.document);
    create_backup();
    const bool writers = has_writers(options_.context);
    if (writers) {
      choose_writers();
      gather_writers();
    }
    const std::vector<Volume> volumes = resolve_volumes();
    if (writers) select_writers(volumes);
    const bool has_set = start_set(volumes);
    if (writers) {
      step_("PrepareForBackup", [&] { proxy_->PrepareForBackup(); });
      const Json answered = check_writers();
      if (!has_set) return describe(Json::object(), answered);
    }
    const Json result = to_json(step_("DoSnapshotSet", [&] { return proxy_->DoSnapshotSet(); }));
    for (const Json& warning : result.value("warnings", Json::array())) warn(warning);
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
  if (!options_.auto_recovery) options.emplace("auto_recovery", sdbus::Variant{false});
  if (!options_.require.empty()) options.emplace("require", sdbus::Variant{options_.require});
  open(step_("CreateBackup", [&] { return manager_.CreateBackup(options); }));
  if (options_.context != "backup") {
    step_("SetContext " + options_.context, [&] { proxy_->SetContext(options_.context); });
  }
}

void Requester::choose_writers() {
  step_("SetBackupState", [&] {
    proxy_->SetBackupState(true, options_.bootable_system_state, options_.backup_type,
                           options_.partial_files);
  });
  if (!options_.enabled_classes.empty())
    step_("EnableWriterClasses", [&] { proxy_->EnableWriterClasses(options_.enabled_classes); });
  if (!options_.disabled_classes.empty())
    step_("DisableWriterClasses", [&] { proxy_->DisableWriterClasses(options_.disabled_classes); });
  if (!options_.disabled_instances.empty())
    step_("DisableWriterInstances", [&] { proxy_->DisableWriterInstances(options_.disabled_instances); });
}

void Requester::gather_writers() {
  const auto answers = step_("GatherWriterMetadata", [&] { return proxy_->GatherWriterMetadata(); });
  for (const Json& writer : to_json(answers)) writers_.push_back(parse_writer(writer));
}

std::vector<Requester::Volume> Requester::resolve_volumes() {
  std::vector<Volume> volumes;
  for (const std::string& given : options_.paths) {
    const std::string path = path_for_vssd(given, options_.remote);
    const auto own = options_.providers.find(given);
    const std::string provider = own == options_.providers.end() ? options_.provider : own->second;
    const Json volume = step_("volume " + path, [&] { return supported_volume(manager_, path, provider); });
    const std::string root = volume.value("path", path);
    const std::string identity = volume_of(root);
    const auto same = std::find_if(volumes.begin(), volumes.end(),
                                   [&](const Volume& known) { return known.identity == identity; });
    if (same == volumes.end()) volumes.push_back({root, identity, provider});
  }
  return volumes;
}

std::string Requester::volume_of(const std::string& path) {
  if (!options_.remote) return local_volume_of(path);
  for (std::filesystem::path at(path);; at = at.parent_path()) {
    try {
      const auto [supported, facts] =
          step_("volume of " + at.string(), [&] { return manager_.IsVolumeSupported(at.string(), ""); });
      return text(to_json(facts), "path");
    } catch (const Failure& failure) {
      if (failure.code() == ErrorCode::VolumeNotSupported) return "";
      if (failure.code() != ErrorCode::ObjectNotFound || at == at.parent_path()) throw;
    }
  }
}

void Requester::select_writers(const std::vector<Volume>& volumes) {
  std::set<std::string> identities;
  for (const Volume& volume : volumes) identities.insert(volume.identity);
  selection_ = select_components(writers_, identities, options_.writers,
                                 [this](const std::string& path) { return volume_of(path); });
  for (const std::string& warning : selection_.warnings) warn(warning);
  for (const SelectedComponent& one : selection_.components) {
    step_(fmt::format("AddComponent {} of writer \"{}\"", full_name(one.logical_path, one.name), one.writer),
          [&] { proxy_->AddComponent(one.instance_id, one.logical_path, one.name); });
  }
  tell_writers_more();
}

void Requester::tell_writers_more() {
  const auto component = [this](const std::string& name) {
    return selection_.components[find_component(selection_.components, writers_, name)];
  };
  for (const auto& [name, options] : options_.backup_options) {
    const SelectedComponent one = component(name);
    step_("SetBackupOptions " + name, [&, &text = options] {
      proxy_->SetBackupOptions(one.instance_id, one.logical_path, one.name, text);
    });
  }
  for (const auto& [name, stamp] : options_.previous_stamps) {
    const SelectedComponent one = component(name);
    step_("SetPreviousBackupStamp " + name, [&, &text = stamp] {
      proxy_->SetPreviousBackupStamp(one.instance_id, one.logical_path, one.name, text);
    });
  }
}

bool Requester::start_set(const std::vector<Volume>& volumes) {
  if (volumes.empty()) return false;
  step_("StartSnapshotSet", [&] {
    set_started_ = true;
    return proxy_->StartSnapshotSet();
  });
  for (const Volume& volume : volumes) {
    step_("AddToSnapshotSet " + volume.path,
          [&] { return proxy_->AddToSnapshotSet(volume.path, volume.provider); });
  }
  return true;
}

Json Requester::check_writers() {
  const auto status = step_("GatherWriterStatus", [&] { return proxy_->GatherWriterStatus(); });
  return selected_writers(to_json(status), options_.lenient,
                          [this](std::string warning) { warn(std::move(warning)); });
}

Json Requester::describe(const Json& result, Json writers) const {
  Json json = with_keys(result, {{"set_id", ""},
                                 {"context", options_.context},
                                 {"consistency", ""},
                                 {"hold_ms", 0.0},
                                 {"snapshots", Json::array()},
                                 {"writers", Json::array()},
                                 {"consistency_reason", ""},
                                 {"warnings", Json::array()}});
  for (Json& snapshot : json["snapshots"]) snapshot = snapshot_entry(snapshot);
  json["writers"] = std::move(writers);
  json["warnings"] = warnings_;
  return json;
}

void Requester::set_succeeded(const std::string& component, bool succeeded) {
  const std::size_t index = find_component(selection_.components, writers_, component);
  const SelectedComponent& one = selection_.components[index];
  attempt("SetBackupSucceeded " + component,
          [&] { proxy_->SetBackupSucceeded(one.instance_id, one.logical_path, one.name, succeeded); });
  told_.insert(index);
}

void Requester::set_all_succeeded(bool succeeded) {
  for (std::size_t i = 0; i < selection_.components.size(); ++i) {
    const SelectedComponent& one = selection_.components[i];
    if (succeeded && told_.contains(i)) continue;
    attempt("SetBackupSucceeded",
            [&] { proxy_->SetBackupSucceeded(one.instance_id, one.logical_path, one.name, succeeded); });
  }
}

void Requester::complete() {
  step_.go_on();  // a cancel that came too late for make_set() is no reason to leave writers uninformed
  try {
    if (has_writers(options_.context)) {
      tell_writers_of_completion();
    } else {
      save_document();
    }
  } catch (...) {
    quietly("Release", [&] { release(); });
    throw;
  }
  release();
}

void Requester::tell_writers_of_completion() {
  set_all_succeeded(true);
  attempt("BackupComplete", [&] { proxy_->BackupComplete(); });
  save_document();  // final from now on, whatever the writers say
  check_writers();
}

void Requester::save_document() {
  if (!document_) return;
  document_->commit(attempt("SaveDocument", [&] { return proxy_->SaveDocument(); }));
  document_.reset();
}

void Requester::abort() noexcept {
  quietly("SetBackupSucceeded", [&] { set_all_succeeded(false); });
  quietly("AbortBackup", [&] { proxy_->AbortBackup(); });
  quietly("Release", [&] { release(); });
}

void Requester::abort_unfinished() noexcept {
  if (!proxy_ || bus_.lost().is_set()) return;
  if (set_started_) quietly("AbortBackup", [&] { proxy_->AbortBackup(); });
  quietly("Release", [&] { release(); });
}

void Requester::warn(std::string warning) {
  if (std::find(warnings_.begin(), warnings_.end(), warning) == warnings_.end()) {
    warnings_.push_back(std::move(warning));
  }
}

}  // namespace vss::cli
