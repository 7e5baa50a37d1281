// SPDX-License-Identifier: LGPL-2.1-or-later
// The calls of a Restore that say what is restored, how, and what has become of the files.
#include <algorithm>

#include "daemon/core/component_selection.hpp"
#include "daemon/core/restore_session.hpp"

namespace vss::core {
namespace {
constexpr std::size_t kMaxRestoreText = std::size_t{64} << 10;
constexpr std::size_t kMaxMappings = 4096;

Status check_path(const std::string& path, const char* what) {
  const bool good = path.starts_with('/') && path.size() <= 4096 && path.find('\n') == std::string::npos;
  return good ? Status() : fail(ErrorCode::InvalidArgument, std::string(what) + " is an absolute path");
}

Status check_text(const std::string& text) {
  return text.size() <= kMaxRestoreText ? Status() : fail(ErrorCode::InvalidArgument, "longer than 64 KiB");
}

Status check_mapping(const FileSet& files, const std::string& destination) {
  if (Status path = check_path(files.path, "path"); !path) return path;
  if (files.spec.empty() || files.spec.find('/') != std::string::npos)
    return fail(ErrorCode::InvalidArgument, "spec is the name of a file, with * and ?");
  return check_path(destination, "destination");
}
}  // namespace

Result<RestoreDocument::Found> RestoreSession::change(RestoreCall call, const ComponentAddress& component,
                                                      std::string_view schema) {
  if (Status admitted = admit_setting(call); !admitted) return fail(std::move(admitted.error()));
  Result<RestoreDocument::Found> found = document_.find(component);
  if (!found || schema.empty() || found->entry->metadata.supports(schema)) return found;
  return fail(ErrorCode::NotSupported, std::string(to_string(call)) + ": writer " + found->entry->name +
                                           " does not name \"" + std::string(schema) +
                                           "\" in its backup schema");
}

Status RestoreSession::add_mapping(RestoreCall call, const ComponentAddress& component, const char* key,
                                   const FileSet& files, std::string destination, std::string_view schema) {
  const Result<RestoreDocument::Found> found = change(call, component, schema);
  if (!found) return fail(found.error());
  if (Status good = check_mapping(files, destination); !good) return good;
  const WriterMetadata& metadata = found->entry->metadata;
  const bool may_go_elsewhere =
      call == RestoreCall::AddAlternativeLocationMapping &&
      std::ranges::find(metadata.alternate_locations, files) != metadata.alternate_locations.end();
  if (!may_go_elsewhere && !metadata.has_files(component.id, files)) {
    return fail(ErrorCode::ObjectNotFound, files.path + "/" + files.spec + " is no file set of component " +
                                               full_name(component.id) + " of writer " + found->entry->name);
  }
  Json& list = (*found->component)[key];
  if (list.size() >= kMaxMappings) return fail(ErrorCode::InvalidArgument, "more than 4096 of them");
  list.push_back({{"path", files.path},
                  {"spec", files.spec},
                  {"recursive", files.recursive},
                  {"destination", std::move(destination)}});
  return {};
}

// The writer that runs now: the named instance, else the one with the instance name of the backup, else the
// only one.
Result<std::shared_ptr<Participant>> RestoreSession::running(const WriterAddress& writer,
                                                             Guid into_instance) const {
  std::shared_ptr<Participant> only;
  std::size_t of_class = 0;
  for (const auto& participant : writers_.all()) {
    const WriterInfo& info = participant->writer->info();
    if (info.class_id != writer.class_id || !info.subscribes_restore) continue;
    const bool meant = into_instance.is_null() ? info.instance_name == writer.instance_name
                                               : info.instance_id == into_instance;
    if (meant) return participant;
    only = participant;
    ++of_class;
  }
  if (into_instance.is_null() && writer.instance_name.empty() && of_class == 1) return only;
  return fail(ErrorCode::ObjectNotFound,
              "no writer of class " + writer.class_id.str() + " runs that this can go to");
}

// Two writers of the document cannot go into one that runs.
Status RestoreSession::take_target(const RestoreDocument::Entry& entry, Guid instance) {
  const auto taken = std::ranges::any_of(
      targets_, [&](const auto& target) { return target.first != &entry && target.second == instance; });
  if (taken)
    return fail(ErrorCode::ObjectAlreadyExists,
                "another writer of the document is restored into " + instance.str());
  const auto before = targets_.find(&entry);
  if (before != targets_.end() && before->second != instance)
    return fail(ErrorCode::InvalidArgument,
                "components of writer " + entry.name + " go into another instance already");
  targets_[&entry] = instance;
  return {};
}

Status RestoreSession::set_selected_for_restore(const ComponentAddress& component, bool selected,
                                                Guid into_instance) {
  const std::string_view schema = into_instance.is_null() ? "" : "restore-with-move";
  const Result<RestoreDocument::Found> found = change(RestoreCall::SetSelectedForRestore, component, schema);
  if (!found) return fail(found.error());
  if (selected) {
    const RestoreDocument::Entry& entry = *found->entry;
    const auto participant = running(entry.address, into_instance);
    if (!participant) return fail(participant.error());
    Status target = take_target(entry, (*participant)->writer->info().instance_id);
    if (!target) return target;
  }
  (*found->component)["selected_for_restore"] = selected;
  return {};
}

Status RestoreSession::add_restore_subcomponent(const ComponentAddress& component, const ComponentId& below) {
  const Result<RestoreDocument::Found> found = change(RestoreCall::AddRestoreSubcomponent, component);
  if (!found) return fail(found.error());
  const ComponentInfo* info = found->entry->metadata.find(below);
  if (info == nullptr || !is_below(below, component.id)) {
    return fail(ErrorCode::ObjectNotFound,
                full_name(below) + " is no component below " + full_name(component.id));
  }
  if (!info->selectable_for_restore)
    return fail(ErrorCode::InvalidArgument, full_name(below) + " is not selectable for restore");
  Json& list = (*found->component)["restore_subcomponents"];
  const Json id{{"logical_path", below.logical_path}, {"name", below.name}};
  if (std::ranges::find(list, id) != list.end())
    return fail(ErrorCode::ObjectAlreadyExists, full_name(below) + " was added before");
  list.push_back(id);
  return {};
}

Status RestoreSession::set_restore_options(const ComponentAddress& component, std::string options) {
  const Result<RestoreDocument::Found> found = change(RestoreCall::SetRestoreOptions, component);
  if (!found) return fail(found.error());
  if (found->component->contains("restore_options"))
    return fail(ErrorCode::ObjectAlreadyExists, full_name(component.id) + " has its restore options");
  if (Status good = check_text(options); !good) return good;
  (*found->component)["restore_options"] = std::move(options);
  return {};
}

Status RestoreSession::set_restore_name(const ComponentAddress& component, std::string name) {
  const Result<RestoreDocument::Found> found =
      change(RestoreCall::SetRestoreName, component, "restore-rename");
  if (!found) return fail(found.error());
  if (Status good = check_text(name); !good) return good;
  (*found->component)["restore_name"] = std::move(name);
  return {};
}

Status RestoreSession::set_additional_restores(const ComponentAddress& component, bool more) {
  const Result<RestoreDocument::Found> found = change(RestoreCall::SetAdditionalRestores, component);
  if (!found) return fail(found.error());
  (*found->component)["additional_restores"] = more;
  return {};
}

Status RestoreSession::set_authoritative_restore(const ComponentAddress& component, bool authoritative) {
  const Result<RestoreDocument::Found> found =
      change(RestoreCall::SetAuthoritativeRestore, component, "authoritative-restore");
  if (!found) return fail(found.error());
  (*found->component)["authoritative_restore"] = authoritative;
  return {};
}

Status RestoreSession::set_roll_forward(const ComponentAddress& component, std::string type,
                                        std::string point) {
  const Result<RestoreDocument::Found> found =
      change(RestoreCall::SetRollForward, component, "roll-forward-restore");
  if (!found) return fail(found.error());
  if (type != "none" && type != "all" && type != "partial")
    return fail(ErrorCode::InvalidArgument, R"(type is "none", "all" or "partial")");
  if (point.size() > kMaxRestoreText || (type == "partial") == point.empty())
    return fail(ErrorCode::InvalidArgument, "a point belongs to \"partial\" and only to it");
  Json value{{"type", std::move(type)}};
  if (!point.empty()) value["point"] = std::move(point);
  (*found->component)["roll_forward"] = std::move(value);
  return {};
}

Status RestoreSession::add_new_target(const ComponentAddress& component, const FileSet& files,
                                      std::string destination) {
  return add_mapping(RestoreCall::AddNewTarget, component, "new_targets", files, std::move(destination),
                     "new-target");
}

Status RestoreSession::add_alternative_location_mapping(const ComponentAddress& component,
                                                        const FileSet& files, std::string destination) {
  return add_mapping(RestoreCall::AddAlternativeLocationMapping, component, "alternate_location_mappings",
                     files, std::move(destination), "");
}

Status RestoreSession::set_file_restore_status(const ComponentAddress& component, std::string status) {
  const Result<RestoreDocument::Found> found = change(RestoreCall::SetFileRestoreStatus, component);
  if (!found) return fail(found.error());
  if (status != "none" && status != "all" && status != "failed")
    return fail(ErrorCode::InvalidArgument, R"(status is "none", "all" or "failed")");
  if (!found->component->value("selected_for_restore", false))
    return fail(ErrorCode::ObjectNotFound, full_name(component.id) + " was not selected for restore");
  (*found->component)["file_restore_status"] = std::move(status);
  return {};
}

Status RestoreSession::set_ranges_file_path(const ComponentAddress& component, std::uint32_t partial_file,
                                            std::string path) {
  const Result<RestoreDocument::Found> found = change(RestoreCall::SetRangesFilePath, component);
  if (!found) return fail(found.error());
  if (Status good = check_path(path, "path"); !good) return good;
  const auto files = found->component->find("partial_files");
  if (files == found->component->end() || partial_file >= files->size())
    return fail(ErrorCode::ObjectNotFound, full_name(component.id) + " has no such partial file");
  // VSS writes ranges as text, or as the name of a file that holds them.
  (*files)[partial_file]["ranges"] = "File=" + path;
  return {};
}

}  // namespace vss::core
