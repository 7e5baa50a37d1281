// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A writer that notes what it is told, "freeze:<session>" and so on, and answers as the test says.

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>
#include <vss/writer.hpp>

namespace vss::test {

inline constexpr const char* kClassId = "0e3c7f6a-1111-4222-8333-444455556666";

class RecordingWriter : public Writer {
 public:
  using Behaviour = std::function<void(Session&)>;

  explicit RecordingWriter(WriterOptions options = {"recorder", kClassId}) : Writer(std::move(options)) {}

  // What a handler does besides taking note. Before subscribe().
  std::map<std::string, Behaviour> behaviours;

  [[nodiscard]] std::vector<std::string> events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  [[nodiscard]] std::vector<std::string> states() const {
    const std::lock_guard lock(mutex_);
    return states_;
  }

 private:
  void note(const std::string& event, Session& session) {
    {
      const std::lock_guard lock(mutex_);
      events_.push_back(event + ":" + session.id().substr(0, 8));
    }
    const auto found = behaviours.find(event);
    if (found != behaviours.end()) found->second(session);
  }

  void on_identify(Metadata& metadata) override {
    metadata.add_component(VSS_COMPONENT_DATABASE, "db", "main", "Main");
    metadata.add_files("db", "main", "/srv/db", "*.dat", true);
    metadata.add_exclude("/srv/db/tmp");
  }
  void on_prepare_backup(Session& session) override { note("prepare_backup", session); }
  void on_prepare_snapshot(Session& session) override { note("prepare_snapshot", session); }
  void on_freeze(Session& session) override { note("freeze", session); }
  void on_thaw(Session& session) override { note("thaw", session); }
  void on_post_snapshot(Session& session) override { note("post_snapshot", session); }
  void on_abort(Session& session) override { note("abort", session); }
  void on_backup_complete(Session& session) override { note("backup_complete", session); }
  void on_backup_shutdown(Session& session) override {
    note("backup_shutdown", session);
    const std::lock_guard lock(mutex_);
    events_.back() += ":" + session.shutdown_set_id().substr(0, 8);
  }
  void on_pre_restore(Session& session) override { note("pre_restore", session); }
  void on_post_restore(Session& session) override { note("post_restore", session); }
  void on_restore_shutdown(Session& session) override { note("restore_shutdown", session); }
  void on_state_changed(vss_writer_state state, const std::string& message) override {
    static const std::map<vss_writer_state, std::string> kNames = {{VSS_WRITER_UNREGISTERED, "unregistered"},
                                                                   {VSS_WRITER_REGISTERED, "registered"},
                                                                   {VSS_WRITER_REFUSED, "refused"}};
    const std::lock_guard lock(mutex_);
    states_.push_back(kNames.at(state) + ": " + message);
  }

  mutable std::mutex mutex_;
  std::vector<std::string> events_;
  std::vector<std::string> states_;
};

}  // namespace vss::test
