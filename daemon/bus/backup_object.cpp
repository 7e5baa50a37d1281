// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/bus/backup_object.hpp"

#include "daemon/bus/dictionaries.hpp"
#include "daemon/bus/options.hpp"
#include "daemon/bus/progress_signal.hpp"

namespace vss::bus {
namespace {
using core::ComponentId;
using core::Guid;
using core::Status;
using Session = std::shared_ptr<core::BackupSession>;

core::Result<std::vector<Guid>> parse_ids(const std::vector<std::string>& texts) {
  if (texts.size() > 4096) return core::fail(ErrorCode::InvalidArgument, "more than 4096 ids");
  std::vector<Guid> ids;
  for (const std::string& text : texts) {
    const auto id = parse_id(text);
    if (!id) return core::fail(id.error());
    ids.push_back(*id);
  }
  return ids;
}

}  // namespace

BackupObject::BackupObject(std::shared_ptr<BusConnection> bus, std::shared_ptr<Callers> callers,
                           core::Coordinator& coordinator, std::shared_ptr<core::BackupSession> session,
                           const std::string& path)
    : AdaptorInterfaces(bus->sdbus(), sdbus::ObjectPath(path)),
      bus_(std::move(bus)),
      callers_(std::move(callers)),
      coordinator_(coordinator),
      session_(std::move(session)) {
  registerAdaptor();
}

BackupObject::~BackupObject() { unregisterAdaptor(); }

Status BackupObject::check_owner() const {
  if (sender_of(getObject()) == session_->requester().bus_name) return {};
  return core::fail(ErrorCode::AccessDenied, "this object belongs to another connection");
}

template <typename... T, typename Work>
void BackupObject::handle(sdbus::Result<T...>&& result, Work work) {
  const auto reply = std::make_shared<Reply<T...>>(bus_, std::move(result));
  if (const Status owner = check_owner(); !owner) return reply->error(owner.error());
  core::spawn(bus_->loop().get_executor(), answer<T...>(reply, work(session_), session_));
}

template <typename Work>
void BackupObject::handle_now(sdbus::Result<>&& result, Work work) {
  handle(std::move(result), [&](const Session& session) { return at_once(work(session)); });
}

void BackupObject::SetContext(sdbus::Result<>&& result, std::string context) {
  handle_now(std::move(result), [&](const Session& session) { return session->set_context(context); });
}

void BackupObject::SetBackupState(sdbus::Result<>&& result, bool select_components,
                                  bool bootable_system_state, std::string type, bool partial_file_support) {
  handle_now(std::move(result), [&](const Session& session) {
    return session->set_backup_state({select_components, bootable_system_state, type, partial_file_support});
  });
}

void BackupObject::EnableWriterClasses(sdbus::Result<>&& result, std::vector<std::string> classes) {
  handle_now(std::move(result), [&](const Session& session) {
    return parse_ids(classes).and_then(
        [&](auto ids) { return session->enable_writer_classes(std::move(ids)); });
  });
}

void BackupObject::DisableWriterClasses(sdbus::Result<>&& result, std::vector<std::string> classes) {
  handle_now(std::move(result), [&](const Session& session) {
    return parse_ids(classes).and_then(
        [&](auto ids) { return session->disable_writer_classes(std::move(ids)); });
  });
}

void BackupObject::DisableWriterInstances(sdbus::Result<>&& result, std::vector<std::string> instances) {
  handle_now(std::move(result), [&](const Session& session) {
    return parse_ids(instances).and_then(
        [&](auto ids) { return session->disable_writer_instances(std::move(ids)); });
  });
}

void BackupObject::GatherWriterMetadata(sdbus::Result<Dictionaries>&& result) {
  handle(std::move(result), [](Session session) -> asio::awaitable<Answer<Dictionaries>> {
    Status gathered = co_await session->gather_writer_metadata();
    if (!gathered) co_return core::fail(std::move(gathered.error()));
    co_return std::tuple(metadata_dictionaries(session->writers()));
  });
}

void BackupObject::AddComponent(sdbus::Result<>&& result, std::string instance, std::string logical_path,
                                std::string name) {
  handle_now(std::move(result), [&](const Session& session) {
    return parse_id(instance).and_then([&](Guid id) {
      return session->add_component(id, ComponentId{logical_path, name});
    });
  });
}

void BackupObject::GetWriterComponents(sdbus::Result<std::string>&& result, std::string instance) {
  const auto get = [](Session session, std::string text) -> asio::awaitable<Answer<std::string>> {
    const core::Result<Guid> id = parse_id(text);
    if (!id) co_return core::fail(id.error());
    core::Result<std::string> document = session->get_writer_components(*id);
    if (!document) co_return core::fail(std::move(document.error()));
    co_return std::tuple(std::move(*document));
  };
  handle(std::move(result), [&](const Session& session) { return get(session, instance); });
}

void BackupObject::SetBackupOptions(sdbus::Result<>&& result, std::string instance, std::string logical_path,
                                    std::string name, std::string options) {
  handle_now(std::move(result), [&](const Session& session) {
    return parse_id(instance).and_then([&](Guid id) {
      return session->set_backup_options(id, ComponentId{logical_path, name}, options);
    });
  });
}

void BackupObject::SetPreviousBackupStamp(sdbus::Result<>&& result, std::string instance,
                                          std::string logical_path, std::string name, std::string stamp) {
  handle_now(std::move(result), [&](const Session& session) {
    return parse_id(instance).and_then([&](Guid id) {
      return session->set_previous_backup_stamp(id, ComponentId{logical_path, name}, stamp);
    });
  });
}

void BackupObject::StartSnapshotSet(sdbus::Result<std::string>&& result) {
  handle(std::move(result), [](Session session) -> asio::awaitable<Answer<std::string>> {
    core::Result<Guid> set = co_await session->start_snapshot_set();
    if (!set) co_return core::fail(std::move(set.error()));
    co_return std::tuple(set->str());
  });
}

void BackupObject::AddToSnapshotSet(sdbus::Result<std::string>&& result, std::string volume,
                                    std::string provider) {
  const auto add = [](Session session, std::string path,
                      std::string name) -> asio::awaitable<Answer<std::string>> {
    core::Result<Guid> snapshot = co_await session->add_to_snapshot_set(std::move(path), std::move(name));
    if (!snapshot) co_return core::fail(std::move(snapshot.error()));
    co_return std::tuple(snapshot->str());
  };
  handle(std::move(result), [&](const Session& session) { return add(session, volume, provider); });
}

void BackupObject::PrepareForBackup(sdbus::Result<>&& result) {
  handle(std::move(result), [](const Session& session) { return when_done(session->prepare_for_backup()); });
}

void BackupObject::DoSnapshotSet(sdbus::Result<Dictionary>&& result) {
  handle(std::move(result), [](Session session) -> asio::awaitable<Answer<Dictionary>> {
    Status created = co_await session->do_snapshot_set();
    if (!created) co_return core::fail(std::move(created.error()));
    co_return std::tuple(result_dictionary(*session));
  });
}

void BackupObject::GatherWriterStatus(sdbus::Result<Dictionaries>&& result) {
  handle(std::move(result), [](Session session) -> asio::awaitable<Answer<Dictionaries>> {
    Status legal = session->gather_writer_status();
    if (!legal) co_return core::fail(std::move(legal.error()));
    co_return std::tuple(participants_dictionaries(session->writers()));
  });
}

void BackupObject::GetSnapshotProperties(sdbus::Result<Dictionary>&& result, std::string snapshot) {
  const auto get = [](Session session, std::string text) -> asio::awaitable<Answer<Dictionary>> {
    const core::Result<Guid> id = parse_id(text);
    if (!id) co_return core::fail(id.error());
    const core::Result<core::SetRecord> set = session->get_snapshot_properties(*id);
    if (!set) co_return core::fail(set.error());
    co_return std::tuple(snapshot_dictionary(*set, set->snapshots.front()));
  };
  handle(std::move(result), [&](const Session& session) { return get(session, snapshot); });
}

void BackupObject::SetBackupSucceeded(sdbus::Result<>&& result, std::string instance,
                                      std::string logical_path, std::string name, bool succeeded) {
  handle_now(std::move(result), [&](const Session& session) {
    return parse_id(instance).and_then([&](Guid id) {
      return session->set_backup_succeeded(id, ComponentId{logical_path, name}, succeeded);
    });
  });
}

void BackupObject::BackupComplete(sdbus::Result<>&& result) {
  handle(std::move(result), [](const Session& session) { return when_done(session->backup_complete()); });
}

// The one call that an administrator may make on the object of somebody else.
void BackupObject::AbortBackup(sdbus::Result<>&& result) {
  const auto reply = std::make_shared<Reply<>>(bus_, std::move(result));
  const auto abort = [](std::shared_ptr<Callers> callers, std::string sender,
                        Session session) -> asio::awaitable<Answer<>> {
    if (sender != session->requester().bus_name) {
      core::Result<Caller> caller = co_await callers->identify(sender);
      if (!caller) co_return core::fail(std::move(caller.error()));
      Status allowed = co_await callers->authorize(*caller, Action::ManageSnapshots);
      if (!allowed) co_return core::fail(std::move(allowed.error()));
    }
    co_return no_values(co_await session->abort_backup());
  };
  core::spawn(bus_->loop().get_executor(),
              answer<>(reply, abort(callers_, sender_of(getObject()), session_), session_));
}

void BackupObject::DeleteSnapshots(sdbus::Result<std::uint32_t, std::string>&& result, std::string kind,
                                   std::string id, bool) {
  const auto remove = [](Session session, std::string what,
                         std::string text) -> asio::awaitable<Answer<std::uint32_t, std::string>> {
    const core::Result<Guid> guid = parse_id(text);
    if (!guid) co_return core::fail(guid.error());
    core::Result<core::Deletion> deletion = co_await session->delete_snapshots(std::move(what), *guid);
    if (!deletion) co_return core::fail(std::move(deletion.error()));
    co_return std::tuple(deletion->deleted, deletion->failed ? deletion->failed->str() : std::string());
  };
  handle(std::move(result), [&](const Session& session) { return remove(session, kind, id); });
}

void BackupObject::SaveDocument(sdbus::Result<std::string>&& result) {
  handle(std::move(result), [](Session session) -> asio::awaitable<Answer<std::string>> {
    core::Result<std::string> document = session->save_document();
    if (!document) co_return core::fail(std::move(document.error()));
    co_return std::tuple(std::move(*document));
  });
}

void BackupObject::Cancel(sdbus::Result<>&& result) {
  handle_now(std::move(result), [](const Session& session) { return session->cancel(); });
}

void BackupObject::Release(sdbus::Result<>&& result) {
  const auto release = [](core::Coordinator& coordinator, Session session) -> asio::awaitable<Answer<>> {
    co_await coordinator.release(std::move(session));
    co_return std::tuple<>();
  };
  handle(std::move(result), [&](const Session& session) { return release(coordinator_, session); });
}

std::string BackupObject::State() { return std::string(to_string(session_->state())); }
std::string BackupObject::SessionId() { return session_->id().str(); }
std::string BackupObject::SnapshotSetId() { return session_->set_id().str(); }
std::string BackupObject::Context() { return std::string(to_string(session_->context())); }

void BackupObject::send_progress(std::string_view phase, std::size_t done, std::size_t total,
                                 const std::vector<std::string>& waiting_for) {
  emit_progress(getObject(), INTERFACE_NAME, session_->requester().bus_name, phase, done, total, waiting_for);
}

void BackupObject::send_properties_changed() {
  emit_properties_changed(getObject(), INTERFACE_NAME, {"State", "SnapshotSetId", "Context"});
}

}  // namespace vss::bus
