// SPDX-License-Identifier: LGPL-2.1-or-later
// vss_test_writer NAME FREEZE_TIMEOUT_MS cpp|c EVENT=WHAT...: see WriterProcess in scripted_writer.hpp.

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "tests/support/scripted_writer.hpp"

namespace {

using vss::test::Reaction;

void say(const std::string& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

// What ends or stops the whole process is done here; the rest is a reaction of the script.
void in_handler(const std::map<std::string, std::string>& at, const vss::test::LoggedEvent& told) {
  say(told.event + " " + told.session + " " + told.set);
  const auto found = at.find(told.event);
  if (found == at.end()) return;
  if (found->second == "stop") ::raise(SIGSTOP);
  if (found->second == "exit") ::_exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  std::map<std::string, std::string> at;
  for (int i = 4; i < argc; ++i) {
    const std::string argument = argv[i];
    at[argument.substr(0, argument.find('='))] = argument.substr(argument.find('=') + 1);
  }
  vss::test::ScriptedWriter::Setup setup;
  setup.freeze_timeout = std::chrono::milliseconds(std::atoi(argv[2]));
  setup.face = std::string(argv[3]) == "c" ? vss::test::Face::C : vss::test::Face::Cpp;
  setup.in_handler = [&at](const vss::test::HandlerCall& call) { in_handler(at, call.told); };
  setup.on_registration = [](bool registered) { say(registered ? "registered" : "unregistered"); };
  vss::test::EventLog log;
  vss::test::ScriptedWriter writer(log, argv[1], setup);
  for (const auto& [event, what] : at) {
    if (what == "veto") writer.on(event, Reaction::veto(VSS_E_WRITER_RETRYABLE, "told to refuse"));
    if (what.starts_with("delay:"))
      writer.on(event, Reaction::after(std::chrono::milliseconds(std::atoi(what.c_str() + 6))));
  }
  writer.begin();
  for (;;) ::pause();
}
