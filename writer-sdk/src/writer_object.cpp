// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/src/writer_object.hpp"

#include <chrono>
#include <memory>
#include <utility>

#include "writer-sdk/src/text.hpp"

namespace vss {
namespace {

sdbus::Error bus_error(ErrorCode code, const std::string& message) {
  return sdbus::Error(sdbus_compat::ErrorName(bus_name(code)), message);
}

// Nothing but sdbus::Error may leave a method of the object; it becomes the reply.
template <typename Body>
void only_bus_errors(Body body) {
  try {
    body();
  } catch (const sdbus::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw bus_error(ErrorCode::OutOfMemory, to_message(error.what()));
  }
}

}  // namespace

WriterObject::WriterObject(sdbus::IConnection& connection, const char* path, Engine& engine,
                           const std::string& owner)
    : AdaptorInterfaces(connection, sdbus_compat::ObjectPath(path)), engine_(engine), owner_(owner) {
  registerAdaptor();
}

WriterObject::~WriterObject() { unregisterAdaptor(); }

void WriterObject::check_caller() {
  if (owner_.empty() || sdbus_compat::sender(getObject()) != owner_) {
    throw bus_error(ErrorCode::AccessDenied, "only vssd may call a writer");
  }
}

template <typename Result, typename Send>
Reply WriterObject::wait_for_answer(Result&& result, Send send) {
  const std::uint64_t number = ++last_number_;
  auto call = std::make_shared<Result>(std::move(result));
  waiting_.emplace(number, [call, send](const Answer& answer) {
    if (answer.kind == Answer::Kind::Error) {
      call->returnError(bus_error(answer.code, answer.message));
    } else {
      send(*call, answer);
    }
  });
  return [weak = std::weak_ptr<WriterObject*>(self_), number](const Answer& answer) {
    const auto self = weak.lock();
    if (!self) return;
    auto waiting = (*self)->waiting_.extract(number);
    if (waiting.empty()) return;
    try {
      waiting.mapped()(answer);
    } catch (const sdbus::Error&) {
      // The connection is about to be found dead; who waited learns it from the bus.
    }
  };
}

void WriterObject::Identify(sdbus::Result<std::string>&& result) {
  only_bus_errors([&] {
    check_caller();
    engine_.identify(
        wait_for_answer(std::move(result), [](const sdbus::Result<std::string>& call, const Answer& answer) {
          call.returnResults(answer.document);
        }));
  });
}

void WriterObject::accept(Event event, EventResult&& result, const std::string& session,
                          const std::string& set, const Dictionary& args) {
  only_bus_errors([&] {
    check_caller();
    if (!is_guid(session) || !is_guid(set)) throw bus_error(ErrorCode::InvalidArgument, "an id is no GUID");
    EventArgs event_args;
    try {
      event_args = to_event_args(args);
    } catch (const sdbus::Error& error) {
      throw bus_error(ErrorCode::InvalidArgument, "args: " + error.getMessage());
    } catch (const BadArgument& error) {
      throw bus_error(ErrorCode::InvalidArgument, to_message("args: " + std::string(error.what())));
    }
    const auto now = std::chrono::steady_clock::now();
    engine_.event(event, session, set, std::move(event_args), now,
                  wait_for_answer(std::move(result), [](const EventResult& call, const Answer& answer) {
                    call.returnResults(to_dictionary(answer));
                  }));
  });
}

void WriterObject::PrepareForBackup(EventResult&& result, std::string session, std::string set,
                                    Dictionary args) {
  accept(Event::PrepareForBackup, std::move(result), session, set, args);
}
void WriterObject::PrepareForSnapshot(EventResult&& result, std::string session, std::string set,
                                      Dictionary args) {
  accept(Event::PrepareForSnapshot, std::move(result), session, set, args);
}
void WriterObject::Freeze(EventResult&& result, std::string session, std::string set, Dictionary args) {
  accept(Event::Freeze, std::move(result), session, set, args);
}
void WriterObject::Thaw(EventResult&& result, std::string session, std::string set, Dictionary args) {
  accept(Event::Thaw, std::move(result), session, set, args);
}
void WriterObject::PostSnapshot(EventResult&& result, std::string session, std::string set, Dictionary args) {
  accept(Event::PostSnapshot, std::move(result), session, set, args);
}
void WriterObject::Abort(EventResult&& result, std::string session, std::string set, Dictionary args) {
  accept(Event::Abort, std::move(result), session, set, args);
}
void WriterObject::BackupComplete(EventResult&& result, std::string session, std::string set,
                                  Dictionary args) {
  accept(Event::BackupComplete, std::move(result), session, set, args);
}
void WriterObject::BackupShutdown(EventResult&& result, std::string session, std::string set,
                                  Dictionary args) {
  accept(Event::BackupShutdown, std::move(result), session, set, args);
}
void WriterObject::PreRestore(EventResult&& result, std::string session, std::string set, Dictionary args) {
  accept(Event::PreRestore, std::move(result), session, set, args);
}
void WriterObject::PostRestore(EventResult&& result, std::string session, std::string set, Dictionary args) {
  accept(Event::PostRestore, std::move(result), session, set, args);
}
void WriterObject::RestoreShutdown(EventResult&& result, std::string session, std::string set,
                                   Dictionary args) {
  accept(Event::RestoreShutdown, std::move(result), session, set, args);
}

}  // namespace vss
