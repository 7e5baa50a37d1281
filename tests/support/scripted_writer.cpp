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
    : log_(log), name_(std::move(name)), setup_(std::move(setup)) {}

ScriptedWriter::~ScriptedWriter() {
  unblock();
  stop();
}

void ScriptedWriter::begin() { link_ = setup_.face == Face::Cpp ? link_by_cpp() : link_by_c(); }

void ScriptedWriter::start() {
  begin();
  if (!wait_registered(std::chrono::seconds(20)))
    throw std::runtime_error(name_ + " does not get registered");
}

void ScriptedWriter::stop() { link_.reset(); }

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
  if (reaction.kind == Reaction::Kind::Block) {
    unblocked_ = false;
    ++blockings_;
  }
  reactions_[event] = std::move(reaction);
}

void ScriptedWriter::unblock() {
  const std::lock_guard lock(mutex_);
  unblocked_ = true;
  changed_.notify_all();
}

Reaction ScriptedWriter::told(LoggedEvent event, Session* cpp, vss_session* c) {
  event.writer = name_;
  event.time = std::chrono::steady_clock::now();
  log_.add(event);
  if (setup_.in_handler) setup_.in_handler({event, cpp, c});
  std::unique_lock lock(mutex_);
  const auto found = reactions_.find(event.event);
  Reaction reaction = found == reactions_.end() ? Reaction{} : found->second;
  const auto let_go = [this, blocking = blockings_] { return unblocked_ || blockings_ != blocking; };
  if (reaction.kind == Reaction::Kind::Block) changed_.wait(lock, let_go);
  if (reaction.kind == Reaction::Kind::Delay) changed_.wait_for(lock, reaction.delay, let_go);
  const bool says_no = reaction.kind == Reaction::Kind::Veto || reaction.kind == Reaction::Kind::Fail;
  return says_no ? reaction : Reaction::ok();
}

void ScriptedWriter::state_changed(vss_writer_state state) {
  const bool registered = state == VSS_WRITER_REGISTERED;
  if (setup_.on_registration) setup_.on_registration(registered);
  const std::lock_guard lock(mutex_);
  registered_ = registered;
  changed_.notify_all();
}

namespace {
std::vector<std::string> arguments(const std::string& name, const std::map<std::string, std::string>& at,
                                   std::chrono::milliseconds freeze_timeout, Face face) {
  std::vector<std::string> argv{VSS_TEST_WRITER, name, std::to_string(freeze_timeout.count())};
  argv.emplace_back(face == Face::Cpp ? "cpp" : "c");
  for (const auto& [event, what] : at) argv.push_back(event + "=" + what);
  return argv;
}
}  // namespace

WriterProcess::WriterProcess(const std::string& name, const std::map<std::string, std::string>& at,
                             std::chrono::milliseconds freeze_timeout, Face face)
    : process_(arguments(name, at, freeze_timeout, face), {}, directory_.path() / "out") {
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
