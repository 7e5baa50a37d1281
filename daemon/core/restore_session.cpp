// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/restore_session.hpp"

#include <algorithm>

#include "daemon/core/component_edits.hpp"
#include "daemon/core/document.hpp"
#include "daemon/core/writer_registry.hpp"

namespace vss::core {
namespace {
// vss.md 2.12, VSS_WRITERRESTORE_ENUM: which of the two events a writer wants.
bool wants(WriterEvent event, const RestoreDocument::Entry& entry,
           const std::vector<SelectedComponent>& components) {
  const WriterMetadata& metadata = entry.metadata;
  if (metadata.writer_restore == "never") return false;
  if (event == WriterEvent::PreRestore || metadata.writer_restore != "if-replace-fails") return true;
  const bool by_replacing = metadata.restore_method == "restore-if-not-there" ||
                            metadata.restore_method == "restore-if-can-replace";
  return !by_replacing || std::ranges::any_of(components, [](const SelectedComponent& component) {
    return component.content.value("file_restore_status", "") == "failed";
  });
}
}  // namespace

RestoreSession::RestoreSession(Services& services, WriterRegistry& registry, Requester requester,
                               RestoreDocument document)
    : services_(services),
      registry_(registry),
      requester_(std::move(requester)),
      document_(std::move(document)),
      writers_(
          services, id_,
          [this](const WriterInfo& writer, WriterEvent event, const WriterFailure& failure) {
            registry_.note_failure(writer, event, failure, id_);
          },
          [this] { return shared_from_this(); }) {
  writers_.args.backup_type = document_.value("backup_type");
  writers_.args.context = document_.value("context");
  writers_.args.restore_type = "undefined";
}

Result<bool> RestoreSession::admit(RestoreCall call) const {
  const char cell = restore_cell(call, state_);
  if (cell == 'i') return false;
  if (cell != 'o') return fail(ErrorCode::BadState, explain_bad_state(call, state_));
  const bool may_interrupt =
      call == RestoreCall::Cancel || call == RestoreCall::Release || call == RestoreCall::GatherWriterStatus;
  if (running_ != nullptr && !may_interrupt) {
    return fail(ErrorCode::BadState, std::string(to_string(call)) + " is not legal while another call runs");
  }
  return true;
}

Status RestoreSession::admit_setting(RestoreCall call) const {
  const Result<bool> admitted = admit(call);
  return admitted ? Status() : fail(admitted.error());
}

void RestoreSession::enter(RestoreState state) {
  if (state_ == RestoreState::Released) return;  // for good
  state_ = state;
  services_.observer.session_changed(id_);
}

Status RestoreSession::set_restore_state(std::string type) {
  if (Status admitted = admit_setting(RestoreCall::SetRestoreState); !admitted) return admitted;
  static constexpr std::string_view kTypes[] = {"undefined", "by-copy", "import", "other"};
  if (std::ranges::find(kTypes, type) == std::end(kTypes))
    return fail(ErrorCode::InvalidArgument, "no restore type \"" + type + "\"");
  writers_.args.restore_type = std::move(type);
  return {};
}

asio::awaitable<Status> RestoreSession::gather_writer_metadata() {
  if (const Result<bool> admitted = admit(RestoreCall::GatherWriterMetadata); !admitted)
    co_return fail(admitted.error());
  LongCall operation(running_);
  enter(RestoreState::Gathering);
  co_await writers_.identify(registry_.writers(), operation.cancel);
  if (operation.cancel.is_set()) {
    enter(RestoreState::Failed);
    co_return fail(ErrorCode::Cancelled, "GatherWriterMetadata was cancelled");
  }
  if (const Status fit = writers_.check_documents(); !fit) {
    // A restore goes by the document that was saved.
    spdlog::warn("restore {}: {}; the answer goes without them", id_.str(), fit.error().message);
    for (const auto& participant : writers_.all()) participant->document.clear();
  }
  document_.forget_earlier_restore();
  enter(RestoreState::Gathered);
  co_return Status();
}

std::vector<RestoreSession::Pair> RestoreSession::pairs() {
  std::vector<Pair> all;
  for (RestoreDocument::Entry& entry : document_.entries()) {
    const auto target = targets_.find(&entry);
    if (target != targets_.end()) all.push_back({&entry, writers_.find(target->second)});
  }
  return all;
}

Status RestoreSession::check_alive(const std::vector<Pair>& all) const {
  for (const Pair& pair : all) {
    if (pair.participant->selected && !pair.participant->writer->is_alive()) {
      return fail(ErrorCode::WriterNotResponding,
                  "writer " + pair.entry->name +
                      " is gone; one that was started again knows nothing of this restore");
    }
  }
  return {};
}

asio::awaitable<Status> RestoreSession::run_event(WriterEvent event, RestoreState during,
                                                  RestoreState after) {
  LongCall operation(running_);
  enter(during);
  const std::vector<Pair> all = pairs();
  std::vector<std::shared_ptr<Participant>> targets;
  for (const Pair& pair : all) {
    pair.participant->components = pair.entry->selected();
    pair.participant->selected = !pair.participant->components.empty();
    const bool told = event == WriterEvent::PreRestore || pair.participant->told;
    if (told && pair.participant->selected && wants(event, *pair.entry, pair.participant->components))
      targets.push_back(pair.participant);
  }
  co_await writers_.restore_event(event, std::move(targets), operation.cancel);
  for (const Pair& pair : all) pair.entry->write_back(pair.participant->components);
  if (operation.cancel.is_set()) {
    enter(RestoreState::Failed);
    co_return fail(ErrorCode::Cancelled, std::string(to_string(event)) + " was cancelled");
  }
  enter(after);
  co_return check_alive(all);
}

Status RestoreSession::check_sizes() {
  for (const RestoreDocument::Entry& entry : document_.entries()) {
    if (Status fits = check_size(entry.name, entry.selected()); !fits) return fits;
  }
  return {};
}

asio::awaitable<Status> RestoreSession::pre_restore() {
  if (Status admitted = admit_setting(RestoreCall::PreRestore); !admitted) co_return admitted;
  if (Status fit = check_sizes(); !fit) co_return fit;
  co_return co_await run_event(WriterEvent::PreRestore, RestoreState::PreRestoring,
                               RestoreState::PreRestored);
}

asio::awaitable<Status> RestoreSession::post_restore() {
  if (Status admitted = admit_setting(RestoreCall::PostRestore); !admitted) co_return admitted;
  if (Status fit = check_sizes(); !fit) co_return fit;
  co_return co_await run_event(WriterEvent::PostRestore, RestoreState::PostRestoring,
                               RestoreState::Completed);
}

Status RestoreSession::gather_writer_status() const { return admit_setting(RestoreCall::GatherWriterStatus); }

Result<std::string> RestoreSession::get_writer_components(const WriterAddress& writer) {
  if (Status admitted = admit_setting(RestoreCall::GetWriterComponents); !admitted)
    return fail(admitted.error());
  const Result<RestoreDocument::Entry*> entry = document_.find(writer);
  if (!entry) return fail(entry.error());
  return Json{{"components", (*entry)->json->at("components")}}.dump(-1, ' ', false,
                                                                     Json::error_handler_t::replace);
}

Result<std::string> RestoreSession::save_document() const {
  if (Status admitted = admit_setting(RestoreCall::SaveDocument); !admitted) return fail(admitted.error());
  std::string text = document_.text();
  if (Status fits = check_document_size(text.size()); !fits) return fail(std::move(fits.error()));
  return text;
}

Status RestoreSession::cancel() {
  const Result<bool> admitted = admit(RestoreCall::Cancel);
  if (!admitted) return fail(admitted.error());
  if (running_ != nullptr) running_->cancel.set();
  return {};
}

asio::awaitable<void> RestoreSession::release() {
  const auto self = shared_from_this();
  if (state_ == RestoreState::Released) {
    co_await wait_for(released_, TimePoint::max());  // somebody else is at it
    co_return;
  }
  enter(RestoreState::Released);
  const Signal told = writers_.send_restore_shutdown();
  co_await stop_long_call(running_);
  co_await wait_for(told, std::chrono::steady_clock::now() + services_.limits.backup_shutdown);
  services_.observer.session_ended(id_);
  released_.set();
}

}  // namespace vss::core
