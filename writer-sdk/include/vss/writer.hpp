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

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace vss {

// A function of the library failed; code is a vss_status.
class Error : public std::runtime_error {
 public:
  Error(int code, const std::string& what)
      : std::runtime_error(what + ": " + vss_strerror(code)), code_(code) {}
  [[nodiscard]] int code() const noexcept { return code_; }

 private:
  int code_;
};

// Thrown by a handler: the answer is no, for this reason.
class Veto : public std::runtime_error {
 public:
  Veto(vss_writer_error code, const std::string& message, std::int32_t application_code = 0)
      : std::runtime_error(message), code_(code), application_code_(application_code) {}
  [[nodiscard]] vss_writer_error code() const noexcept { return code_; }
  [[nodiscard]] std::int32_t application_code() const noexcept { return application_code_; }

 private:
  vss_writer_error code_;
  std::int32_t application_code_;
};

namespace detail {
inline void check(int status, const char* what) {
  if (status < 0) throw Error(status, what);
}
inline std::string text(const char* text) { return text == nullptr ? std::string() : std::string(text); }
}  // namespace detail

// One event of one operation; only valid inside the handler. See vss_session.
class Session {
 public:
  explicit Session(vss_session* handle) : handle_(handle) {}

  [[nodiscard]] std::string id() const { return vss_session_id(handle_); }
  // Freeze, Thaw, PostSnapshot only: throws Error elsewhere.
  [[nodiscard]] std::string set_id() const {
    const char* id = nullptr;
    detail::check(vss_session_set_id(handle_, &id), "set_id");
    return id;
  }
  // OnBackupShutdown only: throws Error elsewhere.
  [[nodiscard]] std::string shutdown_set_id() const {
    const char* id = nullptr;
    detail::check(vss_shutdown_set_id(handle_, &id), "shutdown_set_id");
    return id;
  }
  [[nodiscard]] std::vector<std::string> volumes() const {
    std::vector<std::string> volumes;
    for (std::size_t i = 0; i < vss_session_volume_count(handle_); ++i) {
      volumes.emplace_back(vss_session_volume(handle_, i));
    }
    return volumes;
  }
  [[nodiscard]] bool is_path_affected(const std::string& path) const {
    const int answer = vss_is_path_affected(handle_, path.c_str());
    detail::check(answer, "is_path_affected");
    return answer == 1;
  }
  // OnPostSnapshot only: throws Error elsewhere and for a volume that is not in the set.
  [[nodiscard]] std::string snapshot_path(const std::string& volume) const {
    const char* path = nullptr;
    detail::check(vss_snapshot_path(handle_, volume.c_str(), &path), "snapshot_path");
    return path;
  }
  struct Component {
    std::string logical_path;
    std::string name;
    bool succeeded = false;
  };
  [[nodiscard]] std::vector<Component> components() const {
    std::vector<Component> components;
    for (std::size_t i = 0; i < vss_component_count(handle_); ++i) {
      components.push_back({vss_component_logical_path(handle_, i), vss_component_name(handle_, i),
                            vss_component_succeeded(handle_, i) == 1});
    }
    return components;
  }
  [[nodiscard]] bool are_components_selected() const { return vss_components_selected(handle_) == 1; }
  [[nodiscard]] std::string backup_type() const { return vss_backup_type(handle_); }
  [[nodiscard]] std::string context() const { return vss_context(handle_); }
  [[nodiscard]] std::string abort_reason() const { return vss_abort_reason(handle_); }

  // Reports a failure without a veto. To refuse, throw Veto.
  void fail(vss_writer_error code, const std::string& message, std::int32_t application_code = 0) {
    detail::check(vss_fail(handle_, code, application_code, message.c_str()), "fail");
  }
  [[nodiscard]] vss_session* handle() const noexcept { return handle_; }

 private:
  vss_session* handle_;
};

// The writer metadata document; only valid inside on_identify. See vss_metadata.
class Metadata {
 public:
  explicit Metadata(vss_metadata* handle) : handle_(handle) {}

  void add_component(vss_component_type type, const std::string& logical_path, const std::string& name,
                     const std::string& caption = {}, bool selectable = true) {
    detail::check(vss_metadata_add_component(handle_, type, logical_path.c_str(), name.c_str(),
                                             caption.c_str(), selectable ? VSS_COMPONENT_SELECTABLE : 0u),
                  "add_component");
  }
  void add_files(const std::string& logical_path, const std::string& name, const std::string& path,
                 const std::string& spec = "*", bool recursive = true) {
    detail::check(vss_metadata_add_files(handle_, logical_path.c_str(), name.c_str(), path.c_str(),
                                         spec.c_str(), recursive ? 1 : 0),
                  "add_files");
  }
  void add_exclude(const std::string& path, const std::string& spec = "*", bool recursive = true) {
    detail::check(vss_metadata_add_exclude(handle_, path.c_str(), spec.c_str(), recursive ? 1 : 0),
                  "add_exclude");
  }
  void set_restore_method(const std::string& method, const std::string& service = {},
                          const std::string& user_procedure = {},
                          vss_writer_restore writer_restore = VSS_WRITER_RESTORE_NEVER,
                          bool reboot_required = false) {
    detail::check(
        vss_metadata_set_restore_method(handle_, method.c_str(), service.c_str(), user_procedure.c_str(),
                                        writer_restore, reboot_required ? 1 : 0),
        "set_restore_method");
  }
  [[nodiscard]] vss_metadata* handle() const noexcept { return handle_; }

 private:
  vss_metadata* handle_;
};

struct WriterOptions {
  std::string name;
  std::string class_id;
  std::string instance_name = {};
  std::string version = {};
  vss_level level = VSS_LEVEL_FRONT_END;
  std::chrono::milliseconds freeze_timeout{VSS_FREEZE_TIMEOUT_MS};
  std::uint32_t flags = 0;  // VSS_WRITER_*
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
  vss_writer* handle = nullptr;
  detail::check(vss_writer_create(&config, &callbacks, this, &handle), "vss_writer_create");
  Subscription subscription(handle);
  detail::check(vss_writer_start(handle), "vss_writer_start");
  return subscription;
}

}  // namespace vss
