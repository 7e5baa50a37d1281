// SPDX-License-Identifier: LGPL-2.1-or-later
// The scripted writer on the two faces of the SDK: C++ with the names of CVssWriter, and plain C.

#include <stdexcept>

#include "tests/support/scripted_writer.hpp"

namespace vss::test {
namespace {

// The names of the Writer interface.
constexpr char kPrepareForBackup[] = "PrepareForBackup";
constexpr char kPrepareForSnapshot[] = "PrepareForSnapshot";
constexpr char kFreeze[] = "Freeze";
constexpr char kThaw[] = "Thaw";
constexpr char kPostSnapshot[] = "PostSnapshot";
constexpr char kAbort[] = "Abort";
constexpr char kBackupComplete[] = "BackupComplete";
constexpr char kBackupShutdown[] = "BackupShutdown";
constexpr char kPreRestore[] = "PreRestore";
constexpr char kPostRestore[] = "PostRestore";
constexpr char kRestoreShutdown[] = "RestoreShutdown";

LoggedEvent identify_event() { return {"", "Identify", "", "", "", {}}; }

}  // namespace

class ScriptedWriter::CppLink final : public Link, private Writer {
 public:
  explicit CppLink(ScriptedWriter& script)
      : Writer({script.name_, class_id_of(script.name_), "", "", script.setup_.level,
                script.setup_.freeze_timeout}),
        script_(script),
        subscription_(subscribe()) {}

 private:
  void play(const char* event, Session& session, std::string set = {}) {
    const std::string reason = event == std::string(kAbort) ? session.abort_reason() : "";
    const Reaction said =
        script_.told({"", event, session.id(), std::move(set), reason, {}}, &session, nullptr);
    if (said.kind == Reaction::Kind::Veto) throw Veto(said.code, said.message, said.application_code);
    if (said.kind == Reaction::Kind::Fail) session.fail(said.code, said.message, said.application_code);
  }
  void on_identify(Metadata& metadata) override {
    const Reaction said = script_.told(identify_event(), nullptr, nullptr);
    if (said.kind != Reaction::Kind::Ok) throw Veto(said.code, said.message);
    metadata.add_component(VSS_COMPONENT_FILEGROUP, "", "data");
    if (!script_.setup_.data.empty()) metadata.add_files("", "data", script_.setup_.data);
  }
  void on_prepare_backup(Session& session) override { play(kPrepareForBackup, session); }
  void on_prepare_snapshot(Session& session) override { play(kPrepareForSnapshot, session); }
  void on_freeze(Session& session) override { play(kFreeze, session, session.set_id()); }
  void on_thaw(Session& session) override { play(kThaw, session, session.set_id()); }
  void on_post_snapshot(Session& session) override { play(kPostSnapshot, session, session.set_id()); }
  void on_abort(Session& session) override { play(kAbort, session); }
  void on_backup_complete(Session& session) override { play(kBackupComplete, session); }
  void on_backup_shutdown(Session& session) override {
    play(kBackupShutdown, session, session.shutdown_set_id());
  }
  void on_pre_restore(Session& session) override { play(kPreRestore, session); }
  void on_post_restore(Session& session) override { play(kPostRestore, session); }
  void on_restore_shutdown(Session& session) override { play(kRestoreShutdown, session); }
  void on_state_changed(vss_writer_state state, const std::string& /*message*/) override {
    script_.state_changed(state);
  }

  ScriptedWriter& script_;
  Subscription subscription_;
};

class ScriptedWriter::CLink final : public Link {
 public:
  explicit CLink(ScriptedWriter& script) {
    const std::string class_id = class_id_of(script.name_);
    vss_writer_config config = VSS_WRITER_CONFIG_INIT;
    config.name = script.name_.c_str();
    config.class_id = class_id.c_str();
    config.level = script.setup_.level;
    config.freeze_timeout_ms = static_cast<std::uint32_t>(script.setup_.freeze_timeout.count());
    vss_writer_callbacks callbacks = VSS_WRITER_CALLBACKS_INIT;
    callbacks.on_identify = &CLink::identify;
    callbacks.on_prepare_backup = &CLink::play<kPrepareForBackup>;
    callbacks.on_prepare_snapshot = &CLink::play<kPrepareForSnapshot>;
    callbacks.on_freeze = &CLink::play<kFreeze>;
    callbacks.on_thaw = &CLink::play<kThaw>;
    callbacks.on_post_snapshot = &CLink::play<kPostSnapshot>;
    callbacks.on_abort = &CLink::play<kAbort>;
    callbacks.on_backup_complete = &CLink::play<kBackupComplete>;
    callbacks.on_backup_shutdown = &CLink::play<kBackupShutdown>;
    callbacks.on_pre_restore = &CLink::play<kPreRestore>;
    callbacks.on_post_restore = &CLink::play<kPostRestore>;
    callbacks.on_restore_shutdown = &CLink::play<kRestoreShutdown>;
    callbacks.on_state_changed = [](vss_writer_state state, const char*, void* user) {
      static_cast<ScriptedWriter*>(user)->state_changed(state);
    };
    if (vss_writer_create(&config, &callbacks, &script, &writer_) != VSS_OK)
      throw std::runtime_error("vss_writer_create");
    if (vss_writer_start(writer_) != VSS_OK) {
      vss_writer_free(writer_);
      throw std::runtime_error("vss_writer_start");
    }
  }
  ~CLink() override { vss_writer_free(writer_); }
  CLink(const CLink&) = delete;
  CLink& operator=(const CLink&) = delete;

 private:
  static int identify(vss_metadata* metadata, void* user) {
    auto& script = *static_cast<ScriptedWriter*>(user);
    const Reaction said = script.told(identify_event(), nullptr, nullptr);
    if (said.kind != Reaction::Kind::Ok) {
      vss_metadata_fail(metadata, said.message.c_str());
      return 1;
    }
    int done = vss_metadata_add_component(metadata, VSS_COMPONENT_FILEGROUP, "", "data", nullptr,
                                          VSS_COMPONENT_SELECTABLE);
    const std::string& data = script.setup_.data;
    if (done == VSS_OK && !data.empty())
      done = vss_metadata_add_files(metadata, "", "data", data.c_str(), "*", 1);
    return done;
  }

  template <const char* event>
  static int play(vss_session* session, void* user) {
    const char* set = nullptr;
    if (vss_session_set_id(session, &set) != VSS_OK && vss_shutdown_set_id(session, &set) != VSS_OK) set = "";
    const Reaction said = static_cast<ScriptedWriter*>(user)->told(
        {"", event, vss_session_id(session), set, vss_abort_reason(session), {}}, nullptr, session);
    if (said.kind == Reaction::Kind::Ok) return 0;
    vss_fail(session, said.code, said.application_code, said.message.c_str());
    return said.kind == Reaction::Kind::Veto ? 1 : 0;
  }

  vss_writer* writer_ = nullptr;
};

std::unique_ptr<ScriptedWriter::Link> ScriptedWriter::link_by_cpp() {
  return std::make_unique<CppLink>(*this);
}
std::unique_ptr<ScriptedWriter::Link> ScriptedWriter::link_by_c() { return std::make_unique<CLink>(*this); }

}  // namespace vss::test
