// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/restore_requester.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "daemon/cli/writer_status.hpp"

namespace vss::cli {

namespace {

bool takes_part(const Json& writer, const RestoreComponent& component) {
  const auto subscribed = writer.find("subscribe");
  return text(writer, "class_id") == component.class_id && subscribed != writer.end() &&
         std::find(subscribed->begin(), subscribed->end(), "restore") != subscribed->end();
}

// Which writer SetSelectedForRestore takes: the instance that is named, else the one with the instance name
// of the backup, else the only one if that was none.
bool runs_for(const Json& writers, const RestoreComponent& component, const std::string* into) {
  std::size_t of_class = 0;
  for (const Json& writer : writers) {
    if (!takes_part(writer, component)) continue;
    ++of_class;
    if (into != nullptr ? text(writer, "instance_id") == *into
                        : text(writer, "instance_name") == component.instance_name)
      return true;
  }
  return into == nullptr && component.instance_name.empty() && of_class == 1;
}

}  // namespace

RestoreRequester::RestoreRequester(Bus& bus, RestoreOptions options, ProgressListener* progress)
    : Session(bus, progress), options_(std::move(options)) {}

Json RestoreRequester::simulate() {
  try {
    create();
    forget_earlier_restore(document_);
    check_running();
    note_more();
    add_new_targets(document_, new_targets(document_, selection_, options_.new_targets));
    plan_ = restore_plan(document_, selection_);
  } catch (...) {
    give_up();
    throw;
  }
  release();
  return plan_;
}

Json RestoreRequester::begin() {
  try {
    create();
    step_("SetRestoreState", [&] { proxy_->SetRestoreState(options_.type); });
    step_("GatherWriterMetadata", [&] { return proxy_->GatherWriterMetadata(); });
    select();
    tell_writers_more();
    step_("PreRestore", [&] { proxy_->PreRestore(); });
    check_writers();
    document_ = parse_backup_document(step_("SaveDocument", [&] { return proxy_->SaveDocument(); }));
    plan_ = restore_plan(document_, selection_);
    return plan_;
  } catch (...) {
    give_up();
    throw;
  }
}

void RestoreRequester::create() {
  const Dict facts{{"client", sdbus::Variant{fmt::format("vssctl[{}]", ::getpid())}}};
  open(step_("CreateRestore", [&] { return manager_.CreateRestore(options_.document, facts); }));
  document_ = parse_backup_document(options_.document);
  selection_ = select_for_restore(document_, options_.rules);
  warnings_ = selection_.warnings;
}

// What SetSelectedForRestore would say, without asking the writers.
void RestoreRequester::check_running() {
  const Json writers = to_json(step_("ListWriters", [&] { return manager_.ListWriters(); }));
  for (const RestoreComponent& component : selection_.components) {
    if (runs_for(writers, component, instance_for(component))) continue;
    throw Failure(ErrorCode::ObjectNotFound, "component " + component.title(),
                  "no writer of class " + component.class_id + " runs that this can go to");
  }
}

const std::string* RestoreRequester::instance_for(const RestoreComponent& component) const {
  for (const auto& [name, instance] : options_.instances) {
    const WriterMetadata writer{"", component.class_id, component.writer, component.instance_name, {}};
    if (writer.answers_to(name) || writer.has_component(name, component.logical_path, component.name))
      return &instance;
  }
  return nullptr;
}

// What tell_writers_more() would have vssd write into the document.
void RestoreRequester::note_more() {
  const auto note = [this](const std::string& component, const char* key, const Json& value) {
    for (const RestoreComponent& one : find_selected(selection_, component))
      set_in_component(document_, one, key, value);
  };
  for (const ForComponent& options : options_.options)
    note(options.component, "restore_options", options.text);
  for (const ForComponent& named : options_.names) note(named.component, "restore_name", named.text);
  for (const std::string& component : options_.additional) note(component, "additional_restores", true);
  for (const std::string& component : options_.authoritative) note(component, "authoritative_restore", true);
  for (const RestoreComponent& one : selection_.components) {
    if (options_.all_authoritative) set_in_component(document_, one, "authoritative_restore", true);
  }
}

void RestoreRequester::select() {
  for (const RestoreComponent& one : selection_.components) {
    const std::string* into = instance_for(one);
    step_("SetSelectedForRestore " + one.title(), [&] {
      proxy_->SetSelectedForRestore(one.class_id, one.instance_name, one.logical_path, one.name, true,
                                    into == nullptr ? std::string() : *into);
    });
    for (const RestoreComponent::Below& below : one.only) {
      step_("AddRestoreSubcomponent " + full_name(below.logical_path, below.name), [&] {
        proxy_->AddRestoreSubcomponent(one.class_id, one.instance_name, one.logical_path, one.name,
                                       below.logical_path, below.name);
      });
    }
  }
}

template <typename Function>
void RestoreRequester::for_named(const std::string& call, const std::string& component, Function&& function) {
  for (const RestoreComponent& one : find_selected(selection_, component))
    step_(call + " " + one.title(), [&] { function(one); });
}

void RestoreRequester::tell_writers_more() {
  for (const ForComponent& options : options_.options) {
    for_named("SetRestoreOptions", options.component, [&](const RestoreComponent& one) {
      proxy_->SetRestoreOptions(one.class_id, one.instance_name, one.logical_path, one.name, options.text);
    });
  }
  for (const ForComponent& named : options_.names) {
    for_named("SetRestoreName", named.component, [&](const RestoreComponent& one) {
      proxy_->SetRestoreName(one.class_id, one.instance_name, one.logical_path, one.name, named.text);
    });
  }
  for (const std::string& component : options_.additional) {
    for_named("SetAdditionalRestores", component, [&](const RestoreComponent& one) {
      proxy_->SetAdditionalRestores(one.class_id, one.instance_name, one.logical_path, one.name, true);
    });
  }
  const auto make_authoritative = [&](const RestoreComponent& one) {
    proxy_->SetAuthoritativeRestore(one.class_id, one.instance_name, one.logical_path, one.name, true);
  };
  for (const RestoreComponent& one : selection_.components) {
    if (options_.all_authoritative)
      step_("SetAuthoritativeRestore " + one.title(), [&] { make_authoritative(one); });
  }
  for (const std::string& component : options_.authoritative)
    for_named("SetAuthoritativeRestore", component, make_authoritative);
  for (const RestoreOptions::RollForward& roll : options_.roll_forward) {
    for_named("SetRollForward", roll.component, [&](const RestoreComponent& one) {
      proxy_->SetRollForward(one.class_id, one.instance_name, one.logical_path, one.name, roll.type,
                             roll.point);
    });
  }
  for (const NewTarget& target : new_targets(document_, selection_, options_.new_targets)) {
    const RestoreComponent& one = target.component;
    step_("AddNewTarget " + target.files.path, [&] {
      proxy_->AddNewTarget(one.class_id, one.instance_name, one.logical_path, one.name, target.files.path,
                           target.files.spec, target.files.recursive, target.destination);
    });
  }
}

void RestoreRequester::check_writers() {
  const auto status = step_("GatherWriterStatus", [&] { return proxy_->GatherWriterStatus(); });
  (void)selected_writers(to_json(status), options_.lenient,
                         [this](std::string warning) { warnings_.push_back(std::move(warning)); });
}

void RestoreRequester::for_each(const std::string& component,
                                const std::function<void(RestoreProxy&, const RestoreComponent&)>& call) {
  for (const RestoreComponent& one : find_selected(selection_, component))
    attempt("component " + one.title(), [&] { call(*proxy_, one); });
}

void RestoreRequester::report(const std::string& component, const std::string& status) {
  for_each(component, [&](RestoreProxy& restore, const RestoreComponent& one) {
    restore.SetFileRestoreStatus(one.class_id, one.instance_name, one.logical_path, one.name, status);
    reported_.insert(one.key());
  });
}

void RestoreRequester::tell_alternate_locations() {
  for (const RestoreComponent& one : selection_.components) {
    for (const Json& component : plan_.at("components")) {
      if (text(component, "class_id") != one.class_id ||
          text(component, "instance_name") != one.instance_name ||
          text(component, "logical_path") != one.logical_path || text(component, "name") != one.name)
        continue;
      for (const Json& files : component.at("file_sets")) {
        if (!files.value("alternate_location", false)) continue;
        step_("AddAlternativeLocationMapping " + text(files, "path"), [&] {
          proxy_->AddAlternativeLocationMapping(one.class_id, one.instance_name, one.logical_path, one.name,
                                                text(files, "path"), text(files, "spec"),
                                                files.value("recursive", false), text(files, "destination"));
        });
      }
    }
  }
}

void RestoreRequester::finish(const std::string& status) {
  try {
    if (status == "all") tell_alternate_locations();
    for (const RestoreComponent& one : selection_.components) {
      if (reported_.contains(one.key())) continue;
      step_("SetFileRestoreStatus " + one.title(), [&] {
        proxy_->SetFileRestoreStatus(one.class_id, one.instance_name, one.logical_path, one.name, status);
      });
    }
    step_("PostRestore", [&] { proxy_->PostRestore(); });
    check_writers();
  } catch (...) {
    give_up();
    throw;
  }
  release();
}

void RestoreRequester::give_up() noexcept {
  if (proxy_ && !bus_.lost().is_set()) quietly("Release", [&] { release(); });
}

}  // namespace vss::cli
