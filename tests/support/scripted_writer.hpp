// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Writers, made with the SDK, that do at each event what the test says and note what they are told.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>
#include <vss/writer.hpp>

#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"

namespace vss::test {

// Events have the names of the Writer interface: "Identify", "PrepareForBackup", ..., "BackupShutdown".
struct LoggedEvent {
  std::string writer;
  std::string event;
  std::string session;  // "" for Identify
  std::string set;      // where the SDK tells it (Freeze, Thaw, PostSnapshot, BackupShutdown), else ""
  std::string reason;   // of Abort
  std::chrono::steady_clock::time_point time;
};

// Shared by any number of writers. Thread-safe.
class EventLog {
 public:
  void add(LoggedEvent event);
  void clear();
  [[nodiscard]] std::vector<LoggedEvent> all() const;
  // In the order of arrival; "" of `writer` means all.
  [[nodiscard]] std::vector<std::string> names(const std::string& writer = "") const;
  [[nodiscard]] std::size_t count(const std::string& event, const std::string& writer = "") const;
  // Waits until `event` was noted `times` times.
  [[nodiscard]] bool wait_for(const std::string& event, std::size_t times = 1,
                              std::chrono::milliseconds limit = std::chrono::seconds(20)) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<LoggedEvent> events_;
};

struct Reaction {
  enum class Kind { Ok, Veto, Fail, Block, Delay };
  Kind kind = Kind::Ok;
  vss_writer_error code = VSS_E_WRITER_NON_RETRYABLE;
  std::string message = {};
  std::chrono::milliseconds delay{0};
  std::int32_t application_code = 0;

  static Reaction ok() { return {}; }
  static Reaction veto(vss_writer_error code, std::string message, std::int32_t application_code = 0) {
    return {Kind::Veto, code, std::move(message), {}, application_code};
  }
  static Reaction fail(vss_writer_error code, std::string message, std::int32_t application_code = 0) {
    return {Kind::Fail, code, std::move(message), {}, application_code};
  }
  // Does not answer before ScriptedWriter::unblock().
  static Reaction block() { return {Kind::Block}; }
  static Reaction after(std::chrono::milliseconds delay) {
    return {Kind::Delay, VSS_E_WRITER_NON_RETRYABLE, {}, delay};
  }
};

// A class id per name, the same in every process.
[[nodiscard]] std::string class_id_of(const std::string& name);

// Which face of the SDK a writer is written against. The script is the same.
enum class Face { Cpp, C };

// A handler that runs now. The session comes as its face hands it out, one of both; none in Identify.
struct HandlerCall {
  const LoggedEvent& told;
  Session* cpp = nullptr;
  vss_session* c = nullptr;
};

class ScriptedWriter {
 public:
  struct Setup {
    vss_level level = VSS_LEVEL_FRONT_END;
    std::chrono::milliseconds freeze_timeout{60000};
    std::string data = {};  // directory with the files of its component, "" if it has none
    Face face = Face::Cpp;
    // Called in each handler, after the event was noted and before the reaction; on the writer's thread.
    std::function<void(const HandlerCall&)> in_handler = {};
    std::function<void(bool registered)> on_registration = {};
  };
  // Its metadata offers one component, logical path "", name "data".
  ScriptedWriter(EventLog& log, std::string name) : ScriptedWriter(log, std::move(name), Setup{}) {}
  ScriptedWriter(EventLog& log, std::string name, Setup setup);
  ~ScriptedWriter();
  ScriptedWriter(const ScriptedWriter&) = delete;
  ScriptedWriter& operator=(const ScriptedWriter&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  // Registers; returns when vssd knows the writer. Throws std::runtime_error after 20 s.
  void start();
  // As start(), without waiting.
  void begin();
  void stop();  // unregisters
  [[nodiscard]] bool is_registered() const;
  [[nodiscard]] bool wait_registered(std::chrono::milliseconds limit) const;

  // What it does from now on at `event`, after having noted it.
  void on(const std::string& event, Reaction reaction);
  // Lets go whatever is blocked, now and until the next on() that blocks.
  void unblock();

 private:
  struct Link {  // to the SDK, by one of its faces
    virtual ~Link() = default;
  };
  class CppLink;
  class CLink;

  [[nodiscard]] std::unique_ptr<Link> link_by_cpp();
  [[nodiscard]] std::unique_ptr<Link> link_by_c();
  // Called by the links in each handler. What is returned is Ok, Veto or Fail; waiting is done here.
  [[nodiscard]] Reaction told(LoggedEvent event, Session* cpp, vss_session* c);
  void state_changed(vss_writer_state state);

  EventLog& log_;
  const std::string name_;
  const Setup setup_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<std::string, Reaction> reactions_;
  bool unblocked_ = false;
  unsigned blockings_ = 0;  // how often on() has blocked
  bool registered_ = false;
  std::unique_ptr<Link> link_;
};

// A writer in a process of its own (vss_test_writer). Its standard output has a line per event:
// "<event> <session> <set>".
class WriterProcess {
 public:
  // `at`: event to what happens there: "stop" (SIGSTOP to itself, before the answer), "exit" (ends without an
  // answer), "veto", "delay:<ms>".
  explicit WriterProcess(const std::string& name, const std::map<std::string, std::string>& at = {},
                         std::chrono::milliseconds freeze_timeout = std::chrono::minutes(1),
                         Face face = Face::Cpp);

  [[nodiscard]] bool wait_for(const std::string& text,
                              std::chrono::milliseconds limit = std::chrono::seconds(20)) const {
    return process_.wait_for_output(text, limit);
  }
  [[nodiscard]] std::vector<std::string> events() const;  // names only
  [[nodiscard]] std::string output() const { return process_.output(); }
  [[nodiscard]] pid_t pid() const { return process_.pid(); }
  void signal(int number) const { process_.signal(number); }
  void kill9() { process_.kill9(); }

 private:
  TempDir directory_;
  ChildProcess process_;
};

}  // namespace vss::test
