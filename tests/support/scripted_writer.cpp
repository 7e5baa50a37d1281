// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/scripted_writer.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <stdexcept>

namespace vss::test {

void EventLog::add(LoggedEvent event) {
  const std::lock_guard lock(mutex_);
  events_.push_back(std::move(event));
  changed_.notify_all();
}

void EventLog::clear() {
  const std::lock_guard lock(mutex_);
  events_.clear();
}

std::vector<LoggedEvent> EventLog::all() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

std::vector<std::string> EventLog::names(const std::string& writer) const {
  std::vector<std::string> names;
  for (const LoggedEvent& event : all()) {
    if (writer.empty() || event.writer == writer) names.push_back(event.event);
  }
  return names;
}

std::size_t EventLog::count(const std::string& event, const std::string& writer) const {
  const std::vector<std::string> events = names(writer);
  return static_cast<std::size_t>(std::count(events.begin(), events.end(), event));
}

bool EventLog::wait_for(const std::string& event, std::size_t times, std::chrono::milliseconds limit) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] {
    const auto named = [&](const LoggedEvent& entry) { return entry.event == event; };
    return static_cast<std::size_t>(std::count_if(events_.begin(), events_.end(), named)) >= times;
  });
}

std::string class_id_of(const std::string& name) {
  char text[40];
  std::snprintf(text, sizeof(text), "7e57c1a5-0000-4000-8000-%012llx",
                static_cast<unsigned long long>(std::hash<std::string>{}(name)&0xffffffffffffULL));
  return text;
}

ScriptedWriter::ScriptedWriter(EventLog& log, std::string name, Setup setup)
    : Writer({name, class_id_of(name), "", "", setup.level, setup.freeze_timeout}),
      log_(log),
      name_(std::move(name)) {}

ScriptedWriter::~ScriptedWriter() {
  unblock();
  stop();
}

void ScriptedWriter::begin() { subscription_.emplace(subscribe()); }

void ScriptedWriter::start() {
  begin();
  if (!wait_registered(std::chrono::seconds(20)))
    throw std::runtime_error(name_ + " does not get registered");
}

void ScriptedWriter::stop() { subscription_.reset(); }

bool ScriptedWriter::is_registered() const {
  const std::lock_guard lock(mutex_);
  return registered_;
}

bool ScriptedWriter::wait_registered(std::chrono::milliseconds limit) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [this] { return registered_; });
}

void ScriptedWriter::on(const std::string& event, Reaction reaction) {
  const std::lock_guard lock(mutex_);
  reactions_[event] = std::move(reaction);
}

void ScriptedWriter::unblock() {
  const std::lock_guard lock(mutex_);
  unblocked_ = true;
  changed_.notify_all();
}

void ScriptedWriter::note(const std::string& event, Session& session, std::string set) {
  log_.add({name_, event, session.id(), std::move(set), event == "Abort" ? session.abort_reason() : "",
            std::chrono::steady_clock::now()});
  react(event, &session);
}

void ScriptedWriter::react(const std::string& event, Session* session) {
  std::unique_lock lock(mutex_);
  const auto found = reactions_.find(event);
  const Reaction reaction = found == reactions_.end() ? Reaction{} : found->second;
  switch (reaction.kind) {
    case Reaction::Kind::Ok:
      return;
    case Reaction::Kind::Veto:
      throw Veto(reaction.code, reaction.message);
    case Reaction::Kind::Fail:
      if (session == nullptr) throw Veto(reaction.code, reaction.message);
      return session->fail(reaction.code, reaction.message);
    case Reaction::Kind::Block:
      changed_.wait(lock, [this] { return unblocked_; });
      return;
    case Reaction::Kind::Delay:
      changed_.wait_for(lock, reaction.delay, [this] { return unblocked_; });
      return;
  }
}

void ScriptedWriter::on_identify(Metadata& metadata) {
  log_.add({name_, "Identify", "", "", "", std::chrono::steady_clock::now()});
  react("Identify", nullptr);
  metadata.add_component(VSS_COMPONENT_FILEGROUP, "", "data");
  metadata.add_files("", "data", "/nowhere/" + name_);
}

void ScriptedWriter::on_state_changed(vss_writer_state state, const std::string& /*message*/) {
  const std::lock_guard lock(mutex_);
  registered_ = state == VSS_WRITER_REGISTERED;
  changed_.notify_all();
}

namespace {
std::vector<std::string> arguments(const std::string& name, const std::map<std::string, std::string>& at,
                                   std::chrono::milliseconds freeze_timeout) {
  std::vector<std::string> argv{VSS_TEST_WRITER, name, std::to_string(freeze_timeout.count())};
  for (const auto& [event, what] : at) argv.push_back(event + "=" + what);
  return argv;
}
}  // namespace

WriterProcess::WriterProcess(const std::string& name, const std::map<std::string, std::string>& at,
                             std::chrono::milliseconds freeze_timeout)
    : process_(arguments(name, at, freeze_timeout), {}, directory_.path() / "out") {
  if (!wait_for("registered\n")) throw std::runtime_error(name + " does not get registered: " + output());
}

std::vector<std::string> WriterProcess::events() const {
  std::vector<std::string> names;
  std::istringstream lines(output());
  for (std::string line; std::getline(lines, line);) {
    if (line != "registered" && line != "unregistered") names.push_back(line.substr(0, line.find(' ')));
  }
  return names;
}

}  // namespace vss::test
