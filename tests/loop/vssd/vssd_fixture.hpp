// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The real vssd on a private bus, with real filesystems, a requester and writers around it.

#include <gtest/gtest.h>
#include <sys/types.h>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>
#include <vss/writer.hpp>

#include "tests/loop/vssd/volumes.hpp"
#include "tests/support/private_bus.hpp"
#include "tests/support/vssd_process.hpp"
#include "tests/support/wait_until.hpp"

namespace vss::test {

class Requester;

using namespace std::chrono_literals;
using Paths = std::vector<std::filesystem::path>;

// A set as the requester sees it, with the requester's connection: destroying it is the requester's death.
struct Snapshot {
  std::string id;
  std::string volume;
  std::string path;
  std::string device;
  double hold_ms = 0;
  std::vector<std::string> not_included;
};
struct Made {
  Made();
  ~Made();
  Made(Made&&) noexcept;
  Made& operator=(Made&&) noexcept;

  std::unique_ptr<Requester> requester;
  std::string error;  // short name, "" if the set was made
  std::string message;
  std::string set_id;
  std::string consistency;
  std::string reason;
  double hold_ms = 0;
  std::vector<Snapshot> snapshots;
  std::vector<std::string> warnings;

  [[nodiscard]] const Snapshot& of(const std::filesystem::path& volume) const;
  // Release; the error's short name.
  std::string release() const;
};

// A writer with one component, whose files are below `files`. Notes its events; a hook runs in the handler.
class NotingWriter : public Writer {
 public:
  using Hook = std::function<void(Session&)>;
  NotingWriter(const std::string& name, const std::filesystem::path& files);
  ~NotingWriter() override { subscription_.reset(); }

  std::map<std::string, Hook> hooks;  // before start()
  void start() { subscription_.emplace(subscribe()); }
  [[nodiscard]] std::vector<std::string> events() const;
  [[nodiscard]] std::size_t count(const std::string& event) const;
  void clear();
  // Each Freeze has its own Thaw or Abort, and no Freeze is left without.
  [[nodiscard]] std::string unbalanced() const;
  [[nodiscard]] bool registered() const;

 private:
  void note(const std::string& event, Session& session);
  void on_identify(Metadata& metadata) override;
  void on_prepare_backup(Session& session) override { note("prepare_backup", session); }
  void on_prepare_snapshot(Session& session) override { note("prepare_snapshot", session); }
  void on_freeze(Session& session) override { note("freeze", session); }
  void on_thaw(Session& session) override { note("thaw", session); }
  void on_post_snapshot(Session& session) override { note("post_snapshot", session); }
  void on_abort(Session& session) override { note("abort", session); }
  void on_backup_complete(Session& session) override { note("backup_complete", session); }
  void on_backup_shutdown(Session& session) override { note("backup_shutdown", session); }
  void on_state_changed(vss_writer_state state, const std::string& message) override;

  std::filesystem::path files_;
  mutable std::mutex mutex_;
  std::vector<std::string> events_;
  bool registered_ = false;
  std::optional<Subscription> subscription_;
};

class VssdTest : public testing::Test {
 protected:
  VssdTest();
  ~VssdTest() override;

  void start_vssd(const std::string& configuration = "");
  // SIGTERM and the wait for its end.
  void stop_vssd();
  struct Wish {
    std::string context = "backup";
    std::string require = "per-volume";
    std::map<std::string, std::string> components = {};  // if any: see Requester::Plan
    std::function<void()> late = {};                     // runs just before DoSnapshotSet
  };
  // The whole sequence of a requester, DoSnapshotSet included; the first error ends it.
  [[nodiscard]] static Made make_set(const Paths& volumes, const Wish& wish);
  [[nodiscard]] static Made make_set(const Paths& volumes) { return make_set(volumes, Wish()); }
  // Its vssd-hold, 0 if there is none at this moment.
  [[nodiscard]] pid_t hold_helper() const;
  // A writer that has registered.
  NotingWriter& add_writer(const std::string& name, const std::filesystem::path& files,
                           std::map<std::string, NotingWriter::Hook> hooks = {});
  // Writers that vssd knows.
  [[nodiscard]] static std::size_t writer_count();
  // Nothing of any set is left within some seconds; otherwise what is.
  [[nodiscard]] std::vector<std::string> leftovers() const;
  // The volumes on which a write does not succeed within `limit`.
  [[nodiscard]] static std::vector<std::string> blocked(const Paths& volumes,
                                                        std::chrono::milliseconds limit);
  [[nodiscard]] std::filesystem::path runtime_dir() const { return volumes_.directory() / "run"; }
  // Runs vssctl; its standard output. Throws if it does not exit with 0.
  static std::string vssctl(std::vector<std::string> arguments);

  Volumes volumes_;
  PrivateBus bus_;
  std::unique_ptr<VssdProcess> vssd_;
  std::vector<std::unique_ptr<NotingWriter>> writers_;
};

}  // namespace vss::test
