// SPDX-License-Identifier: LGPL-2.1-or-later
// vss_test_writer NAME FREEZE_TIMEOUT_MS EVENT=WHAT...: see WriterProcess in scripted_writer.hpp.

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vss/writer.hpp>

#include "tests/support/scripted_writer.hpp"

namespace {

using vss::Session;

void say(const std::string& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

class ProcessWriter : public vss::Writer {
 public:
  ProcessWriter(const std::string& name, int freeze_timeout_ms, std::map<std::string, std::string> at)
      : Writer({name, vss::test::class_id_of(name), "", "", VSS_LEVEL_FRONT_END,
                std::chrono::milliseconds(freeze_timeout_ms)}),
        at_(std::move(at)) {}

 private:
  void note(const std::string& event, const std::string& session, const std::string& set = "") {
    say(event + " " + session + " " + set);
    const auto found = at_.find(event);
    const std::string what = found == at_.end() ? "" : found->second;
    if (what == "stop") ::raise(SIGSTOP);
    if (what == "exit") ::_exit(0);
    if (what == "veto") throw vss::Veto(VSS_E_WRITER_RETRYABLE, "told to refuse");
    if (what.starts_with("delay:")) ::poll(nullptr, 0, std::atoi(what.c_str() + 6));
  }
  void on_identify(vss::Metadata& metadata) override {
    note("Identify", "");
    metadata.add_component(VSS_COMPONENT_FILEGROUP, "", "data");
  }
  void on_prepare_backup(Session& session) override { note("PrepareForBackup", session.id()); }
  void on_prepare_snapshot(Session& session) override { note("PrepareForSnapshot", session.id()); }
  void on_freeze(Session& session) override { note("Freeze", session.id(), session.set_id()); }
  void on_thaw(Session& session) override { note("Thaw", session.id(), session.set_id()); }
  void on_post_snapshot(Session& session) override { note("PostSnapshot", session.id(), session.set_id()); }
  void on_abort(Session& session) override { note("Abort", session.id()); }
  void on_backup_complete(Session& session) override { note("BackupComplete", session.id()); }
  void on_backup_shutdown(Session& session) override {
    note("BackupShutdown", session.id(), session.shutdown_set_id());
  }
  void on_state_changed(vss_writer_state state, const std::string&) override {
    say(state == VSS_WRITER_REGISTERED ? "registered" : "unregistered");
  }

  const std::map<std::string, std::string> at_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  std::map<std::string, std::string> at;
  for (int i = 3; i < argc; ++i) {
    const std::string argument = argv[i];
    at[argument.substr(0, argument.find('='))] = argument.substr(argument.find('=') + 1);
  }
  ProcessWriter writer(argv[1], std::atoi(argv[2]), std::move(at));
  const vss::Subscription subscription = writer.subscribe();
  for (;;) ::pause();
}
