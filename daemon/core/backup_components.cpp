// SPDX-License-Identifier: LGPL-2.1-or-later
// The calls of a Backup that are about components, and what they have to fulfil before writers hear of the
// backup.
#include <algorithm>

#include "daemon/core/backup_session.hpp"
#include "daemon/core/component_edits.hpp"

namespace vss::core {
namespace {
constexpr std::size_t kMaxComponentText = std::size_t{64} << 10;

WriterSelection selection_of(const Participant& participant) {
  WriterSelection selection{
      participant.writer->info().class_id, participant.writer->info().name, &participant.metadata, {}};
  for (const SelectedComponent& component : participant.components) selection.added.push_back(component.id);
  return selection;
}
}  // namespace

std::vector<WriterSelection> BackupSession::selections() const {
  std::vector<WriterSelection> all;
  for (const auto& participant : writers_.all()) all.push_back(selection_of(*participant));
  return all;
}

Status BackupSession::add_component(Guid instance, ComponentId component) {
  if (Status admitted = admit_setting(Call::AddComponent); !admitted) return admitted;
  const auto participant = writers_.find(instance);
  if (!participant) return fail(ErrorCode::ObjectNotFound, "no writer " + instance.str() + " gave metadata");
  if (Status possible = check_addition(selection_of(*participant), component); !possible) return possible;
  nlohmann::ordered_json content{{"logical_path", component.logical_path}, {"name", component.name}};
  const std::string& type = participant->metadata.find(component)->type;
  if (!type.empty()) content["type"] = type;
  participant->components.push_back({std::move(component), std::move(content)});
  return {};
}

Result<std::string> BackupSession::get_writer_components(Guid instance) const {
  if (Status admitted = admit_setting(Call::GetWriterComponents); !admitted) return fail(admitted.error());
  const auto participant = writers_.find(instance);
  if (!participant) return fail(ErrorCode::ObjectNotFound, "no writer " + instance.str() + " gave metadata");
  return components_text(participant->components);
}

Status BackupSession::set_component_text(Call call, Guid instance, const ComponentId& component,
                                         const char* key, std::string text) {
  if (Status admitted = admit_setting(call); !admitted) return admitted;
  if (text.size() > kMaxComponentText) return fail(ErrorCode::InvalidArgument, "longer than 64 KiB");
  const Result<SelectedComponent*> found = find_component(instance, component);
  if (!found) return fail(found.error());
  (*found)->content[key] = std::move(text);
  return {};
}

Status BackupSession::set_backup_options(Guid instance, const ComponentId& component, std::string options) {
  return set_component_text(Call::SetBackupOptions, instance, component, "backup_options",
                            std::move(options));
}

Status BackupSession::set_previous_backup_stamp(Guid instance, const ComponentId& component,
                                                std::string stamp) {
  return set_component_text(Call::SetPreviousBackupStamp, instance, component, "previous_backup_stamp",
                            std::move(stamp));
}

Result<SelectedComponent*> BackupSession::find_component(Guid instance, const ComponentId& component) {
  if (const auto participant = writers_.find(instance)) {
    const auto at = std::ranges::find(participant->components, component, &SelectedComponent::id);
    if (at != participant->components.end()) return &*at;
  }
  return fail(ErrorCode::ObjectNotFound, "component " + component.name + " was not added");
}

Status BackupSession::set_backup_succeeded(Guid instance, ComponentId component, bool succeeded) {
  if (Status admitted = admit_setting(Call::SetBackupSucceeded); !admitted) return admitted;
  if (Status done = after_snapshot(Call::SetBackupSucceeded); !done) return done;
  const Result<SelectedComponent*> found = find_component(instance, component);
  if (!found) return fail(found.error());
  (*found)->content["backup_succeeded"] = succeeded;
  return {};
}

// Before any writer hears of the backup: whether all that belongs to it is in it. May run on when nobody
// waits any more.
asio::awaitable<Status> BackupSession::check_selection(std::shared_ptr<BackupSession> /*self*/) {
  const bool select = backup_state_.select_components;
  const std::vector<WriterSelection> all = selections();
  if (select) {
    if (Status complete = check_complete(all); !complete) co_return complete;
  }
  DataPlacement data(services_.volumes, set_ ? set_->volumes() : std::vector<Volume>());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Participant& participant = *writers_.all()[i];
    if (Status fits = check_size(all[i].name, participant.components); !fits) co_return fits;
    std::string type = participant.metadata.backup_type_for(backup_state_.type);
    std::vector<const ComponentInfo*> components = included(all[i], select);
    if (!set_ && needs_snapshot(components, type)) {
      co_return fail(ErrorCode::BadState,
                     "PrepareForBackup is not legal: StartSnapshotSet has to come first, writer " +
                         all[i].name + " has data that are copied from a snapshot");
    }
    if (!set_) continue;
    const Placement placement = co_await data.place(std::move(components), std::move(type));
    if (Status judged = judge(participant, placement); !judged) co_return judged;
  }
  co_return Status();
}

Status BackupSession::judge(const Participant& participant, const Placement& placement) {
  if (placement.outside.empty()) return {};
  const std::string writer = "writer " + participant.writer->info().name;
  if (!placement.any_inside && !backup_state_.select_components) {
    warnings_.push_back(writer + " has no data on the volumes of the set");
    return {};
  }
  const std::string text = writer + " has data that are not on a volume of the set: " + placement.outside;
  if (options_.strict) return fail(ErrorCode::UnselectedVolume, text);
  warnings_.push_back(text);
  return {};
}

}  // namespace vss::core
