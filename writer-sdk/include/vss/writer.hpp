// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// C++ face of writer.h, header only; nothing of std crosses the library. The contract of writer.h holds.
// Since 0.1.
//
//   class MyWriter : public vss::Writer { ... };
//   MyWriter writer;                                // construct
//   vss::Subscription on = writer.subscribe();      // events from here on, until `on` ends: declare it after
//   the writer
//
// A handler refuses by throwing: vss::Veto names code and message, any other exception is WriterNonRetryable
// with its what(). Session::fail() reports a failure without a veto. Handlers run one after another on one
// thread.

#include <vss/writer.h>
#include <vss/error.hpp>
#include <vss/metadata.hpp>
#include <vss/session.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace vss {

struct WriterOptions {
  std::string name;
  std::string class_id;
  std::string instance_name = {};
  std::string version = {};
  vss_level level = VSS_LEVEL_FRONT_END;
  std::chrono::milliseconds freeze_timeout{VSS_FREEZE_TIMEOUT_MS};
  std::uint32_t flags = 0;                      // VSS_WRITER_*
  std::uint32_t subscribe = VSS_SUBSCRIBE_ALL;  // VSS_SUBSCRIBE_*
  vss_usage usage = VSS_USAGE_UNDEFINED;
  vss_source source = VSS_SOURCE_UNDEFINED;
};

class Writer;

// Events arrive as long as it lives. Its end stops the writer as vss_writer_stop() does, so it must end
// before the writer does. Move only.
class Subscription {
 public:
  // For VSS_WRITER_HOST_LOOP: see vss_writer_get_fd and vss_writer_dispatch.
  [[nodiscard]] int fd() const { return vss_writer_get_fd(handle_.get()); }
  void dispatch() { detail::check(vss_writer_dispatch(handle_.get()), "dispatch"); }
  // Ends it now; not inside a handler.
  void unsubscribe() {
    if (handle_) detail::check(vss_writer_stop(handle_.get()), "unsubscribe");
    handle_.reset();
  }

 private:
  friend class Writer;
  struct Free {
    void operator()(vss_writer* writer) const noexcept { vss_writer_free(writer); }
  };
  explicit Subscription(vss_writer* handle) : handle_(handle) {}
  std::unique_ptr<vss_writer, Free> handle_;
};

// Derive from it and override the events; the names are those of CVssWriter.
class Writer {
 public:
  explicit Writer(WriterOptions options) : options_(std::move(options)) {}
  virtual ~Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Registers; once per writer at a time. Throws Error.
  [[nodiscard]] Subscription subscribe();

 protected:
  virtual void on_identify(Metadata&) {}
  virtual void on_prepare_backup(Session&) {}
  virtual void on_prepare_snapshot(Session&) = 0;
  virtual void on_freeze(Session&) = 0;
  virtual void on_thaw(Session&) = 0;
  virtual void on_post_snapshot(Session&) {}
  virtual void on_abort(Session&) = 0;
  virtual void on_backup_complete(Session&) {}
  virtual void on_backup_shutdown(Session&) {}
  virtual void on_pre_restore(Session&) {}
  virtual void on_post_restore(Session&) {}
  virtual void on_restore_shutdown(Session&) {}
  virtual void on_state_changed(vss_writer_state, const std::string& /*message*/) {}

 private:
  using Handler = void (Writer::*)(Session&);

  // The wall that no exception passes.
  template <Handler handler>
  static int call(vss_session* handle, void* user) noexcept {
    try {
      Session session(handle);
      (static_cast<Writer*>(user)->*handler)(session);
      return 0;
    } catch (const Veto& veto) {
      return refuse(handle, veto.code(), veto.application_code(), veto.what());
    } catch (const std::exception& error) {
      return refuse(handle, VSS_E_WRITER_NON_RETRYABLE, 0, error.what());
    } catch (...) {
      return refuse(handle, VSS_E_WRITER_NON_RETRYABLE, 0,
                    "the handler threw an exception of an unknown type");
    }
  }
  static int refuse(vss_session* handle, vss_writer_error code, std::int32_t application_code,
                    const char* message) noexcept {
    vss_fail(handle, code, application_code, message);
    return 1;
  }
  static int identify(vss_metadata* handle, void* user) noexcept {
    try {
      Metadata metadata(handle);
      static_cast<Writer*>(user)->on_identify(metadata);
      return 0;
    } catch (const std::exception& error) {
      vss_metadata_fail(handle, error.what());
    } catch (...) {
      vss_metadata_fail(handle, "the handler threw an exception of an unknown type");
    }
    return 1;
  }
  static void state_changed(vss_writer_state state, const char* message, void* user) noexcept {
    try {
      static_cast<Writer*>(user)->on_state_changed(state, detail::text(message));
    } catch (...) {
      // It only tells; nobody waits for an answer.
    }
  }

  WriterOptions options_;
};

inline Subscription Writer::subscribe() {
  vss_writer_config config = VSS_WRITER_CONFIG_INIT;
  config.name = options_.name.c_str();
  config.class_id = options_.class_id.c_str();
  config.instance_name = options_.instance_name.c_str();
  config.version = options_.version.c_str();
  config.level = options_.level;
  const auto timeout = options_.freeze_timeout.count();
  if (timeout < 1 || timeout > VSS_FREEZE_TIMEOUT_MS) throw Error(VSS_ERR_INVALID_ARGUMENT, "freeze_timeout");
  config.freeze_timeout_ms = static_cast<std::uint32_t>(timeout);
  config.flags = options_.flags;
  config.subscribe = options_.subscribe;
  config.usage = options_.usage;
  config.source = options_.source;
  vss_writer_callbacks callbacks = VSS_WRITER_CALLBACKS_INIT;
  callbacks.on_identify = &Writer::identify;
  callbacks.on_prepare_backup = &Writer::call<&Writer::on_prepare_backup>;
  callbacks.on_prepare_snapshot = &Writer::call<&Writer::on_prepare_snapshot>;
  callbacks.on_freeze = &Writer::call<&Writer::on_freeze>;
  callbacks.on_thaw = &Writer::call<&Writer::on_thaw>;
  callbacks.on_post_snapshot = &Writer::call<&Writer::on_post_snapshot>;
  callbacks.on_abort = &Writer::call<&Writer::on_abort>;
  callbacks.on_backup_complete = &Writer::call<&Writer::on_backup_complete>;
  callbacks.on_backup_shutdown = &Writer::call<&Writer::on_backup_shutdown>;
  callbacks.on_state_changed = &Writer::state_changed;
  callbacks.on_pre_restore = &Writer::call<&Writer::on_pre_restore>;
  callbacks.on_post_restore = &Writer::call<&Writer::on_post_restore>;
  callbacks.on_restore_shutdown = &Writer::call<&Writer::on_restore_shutdown>;
  vss_writer* handle = nullptr;
  detail::check(vss_writer_create(&config, &callbacks, this, &handle), "vss_writer_create");
  Subscription subscription(handle);
  detail::check(vss_writer_start(handle), "vss_writer_start");
  return subscription;
}

}  // namespace vss
