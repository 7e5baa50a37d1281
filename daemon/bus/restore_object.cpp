// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/bus/restore_object.hpp"

#include "daemon/bus/dictionaries.hpp"
#include "daemon/bus/options.hpp"
#include "daemon/bus/progress_signal.hpp"

namespace vss::bus {
namespace {
using core::ComponentAddress;
using core::FileSet;
using core::RestoreSession;
using RestoreHandle = std::shared_ptr<core::RestoreSession>;

asio::awaitable<Answer<std::string>> text_answer(core::Result<std::string> text) {
  if (!text) co_return core::fail(std::move(text.error()));
  co_return std::tuple(std::move(*text));
}
}  // namespace

RestoreObject::RestoreObject(std::shared_ptr<BusConnection> bus, core::Coordinator& coordinator,
                             std::shared_ptr<core::RestoreSession> session, const std::string& path)
    : AdaptorInterfaces(bus->sdbus(), sdbus::ObjectPath(path)),
      bus_(std::move(bus)),
      coordinator_(coordinator),
      session_(std::move(session)) {
  registerAdaptor();
}

RestoreObject::~RestoreObject() { unregisterAdaptor(); }

template <typename... T, typename Work>
void RestoreObject::handle(sdbus::Result<T...>&& result, Work work) {
  const auto reply = std::make_shared<Reply<T...>>(bus_, std::move(result));
  if (sender_of(getObject()) != session_->requester().bus_name)
    return reply->error({ErrorCode::AccessDenied, "this object belongs to another connection"});
  core::spawn(bus_->loop().get_executor(), answer<T...>(reply, work(session_), session_));
}

template <typename Work>
void RestoreObject::handle_now(Plain&& result, Work work) {
  handle(std::move(result), [&](const Session& session) { return at_once(work(session)); });
}

template <typename... Parameters, typename... Values>
void RestoreObject::on_component(Plain&& result, const Text& class_id, const Text& instance_name,
                                 const Text& logical_path, const Text& name, Change<Parameters...> change,
                                 const Values&... values) {
  handle_now(std::move(result), [&](const Session& session) {
    return parse_id(class_id).and_then([&](core::Guid id) {
      return (*session.*change)(ComponentAddress{{id, instance_name}, {logical_path, name}}, values...);
    });
  });
}

void RestoreObject::SetRestoreState(Plain&& result, Text type) {
  handle_now(std::move(result), [&](const Session& session) { return session->set_restore_state(type); });
}

void RestoreObject::GatherWriterMetadata(sdbus::Result<Dictionaries>&& result) {
  handle(std::move(result), [](RestoreHandle session) -> asio::awaitable<Answer<Dictionaries>> {
    core::Status gathered = co_await session->gather_writer_metadata();
    if (!gathered) co_return core::fail(std::move(gathered.error()));
    co_return std::tuple(metadata_dictionaries(session->writers()));
  });
}

void RestoreObject::SetSelectedForRestore(Plain&& result, Text class_id, Text instance_name,
                                          Text logical_path, Text name, bool selected, Text into_instance) {
  const core::Result<core::Guid> instance = into_instance.empty() ? core::Guid() : parse_id(into_instance);
  if (!instance) {
    return handle_now(std::move(result),
                      [&](const Session&) -> core::Status { return core::fail(instance.error()); });
  }
  on_component(std::move(result), class_id, instance_name, logical_path, name,
               &RestoreSession::set_selected_for_restore, selected, *instance);
}

void RestoreObject::AddRestoreSubcomponent(Plain&& result, Text class_id, Text instance_name,
                                           Text logical_path, Text name, Text sub_logical_path,
                                           Text sub_name) {
  on_component(std::move(result), class_id, instance_name, logical_path, name,
               &RestoreSession::add_restore_subcomponent, core::ComponentId{sub_logical_path, sub_name});
}

void RestoreObject::SetRestoreOptions(Plain&& result, Text class_id, Text instance_name, Text logical_path,
                                      Text name, Text options) {
  on_component(std::move(result), class_id, instance_name, logical_path, name,
               &RestoreSession::set_restore_options, options);
}

void RestoreObject::SetAdditionalRestores(Plain&& result, Text class_id, Text instance_name,
                                          Text logical_path, Text name, bool additional) {
  on_component(std::move(result), class_id, instance_name, logical_path, name,
               &RestoreSession::set_additional_restores, additional);
}

void RestoreObject::SetRestoreName(Plain&& result, Text class_id, Text instance_name, Text logical_path,
                                   Text name, Text restore_name) {
  on_component(std::move(result), class_id, instance_name, logical_path, name,
               &RestoreSession::set_restore_name, restore_name);
}

void RestoreObject::SetAuthoritativeRestore(Plain&& result, Text class_id, Text instance_name,
                                            Text logical_path, Text name, bool authoritative) {
  on_component(std::move(result), class_id, instance_name, logical_path, name,
               &RestoreSession::set_authoritative_restore, authoritative);
}

void RestoreObject::SetRollForward(Plain&& result, Text class_id, Text instance_name, Text logical_path,
                                   Text name, Text type, Text point) {
  on_component(std::move(result), class_id, instance_name, logical_path, name,
               &RestoreSession::set_roll_forward, type, point);
}

void RestoreObject::AddNewTarget(Plain&& result, Text class_id, Text instance_name, Text logical_path,
                                 Text name, Text path, Text spec, bool recursive, Text destination) {
  on_component(std::move(result), class_id, instance_name, logical_path, name,
               &RestoreSession::add_new_target, FileSet{path, spec, recursive}, destination);
}

void RestoreObject::PreRestore(Plain&& result) {
  handle(std::move(result), [](const Session& session) { return when_done(session->pre_restore()); });
}

void RestoreObject::AddAlternativeLocationMapping(Plain&& result, Text class_id, Text instance_name,
                                                  Text logical_path, Text name, Text path, Text spec,
                                                  bool recursive, Text destination) {
  on_component(std::move(result), class_id, instance_name, logical_path, name,
               &RestoreSession::add_alternative_location_mapping, FileSet{path, spec, recursive},
               destination);
}

void RestoreObject::SetFileRestoreStatus(Plain&& result, Text class_id, Text instance_name, Text logical_path,
                                         Text name, Text status) {
  on_component(std::move(result), class_id, instance_name, logical_path, name,
               &RestoreSession::set_file_restore_status, status);
}

void RestoreObject::SetRangesFilePath(Plain&& result, Text class_id, Text instance_name, Text logical_path,
                                      Text name, std::uint32_t partial_file, Text path) {
  on_component(std::move(result), class_id, instance_name, logical_path, name,
               &RestoreSession::set_ranges_file_path, partial_file, path);
}

void RestoreObject::PostRestore(Plain&& result) {
  handle(std::move(result), [](const Session& session) { return when_done(session->post_restore()); });
}

void RestoreObject::GatherWriterStatus(sdbus::Result<Dictionaries>&& result) {
  handle(std::move(result), [](RestoreHandle session) -> asio::awaitable<Answer<Dictionaries>> {
    core::Status legal = session->gather_writer_status();
    if (!legal) co_return core::fail(std::move(legal.error()));
    co_return std::tuple(participants_dictionaries(session->writers()));
  });
}

void RestoreObject::GetWriterComponents(sdbus::Result<std::string>&& result, Text class_id,
                                        Text instance_name) {
  handle(std::move(result), [&](const Session& session) {
    return text_answer(parse_id(class_id).and_then([&](core::Guid id) {
      return session->get_writer_components({id, instance_name});
    }));
  });
}

void RestoreObject::SaveDocument(sdbus::Result<std::string>&& result) {
  handle(std::move(result), [](const Session& session) { return text_answer(session->save_document()); });
}

void RestoreObject::Cancel(Plain&& result) {
  handle_now(std::move(result), [](const Session& session) { return session->cancel(); });
}

void RestoreObject::Release(Plain&& result) {
  const auto release = [](core::Coordinator& coordinator,
                          RestoreHandle session) -> asio::awaitable<Answer<>> {
    co_await coordinator.release(std::move(session));
    co_return std::tuple<>();
  };
  handle(std::move(result), [&](const Session& session) { return release(coordinator_, session); });
}

std::string RestoreObject::State() { return std::string(to_string(session_->state())); }
std::string RestoreObject::SessionId() { return session_->id().str(); }

void RestoreObject::send_progress(std::string_view phase, std::size_t done, std::size_t total,
                                  const std::vector<std::string>& waiting_for) {
  emit_progress(getObject(), INTERFACE_NAME, session_->requester().bus_name, phase, done, total, waiting_for);
}

void RestoreObject::send_properties_changed() {
  emit_properties_changed(getObject(), INTERFACE_NAME, {"State"});
}

}  // namespace vss::bus
