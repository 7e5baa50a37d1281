// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A database on three volumes of a test, and its writer: what the tests of all products have in common.

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "tests/loop/vssd/database_places.hpp"
#include "tests/loop/vssd/vssd_fixture.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/requester.hpp"
#include "tests/support/scripted_writer.hpp"

namespace vss::test {

// Whose death is tried, and whether the volumes show one instant.
enum class Victim { Server, Writer, Requester, Vssd };
struct DeathRow {
  std::string name;
  Victim victim;
  bool one_instant;
  friend void PrintTo(const DeathRow& row, std::ostream* out) { *out << row.name; }
};
// The product's part in it.
struct DeathChecks {
  std::function<void(const std::string& phase)> before;   // the writer is in that phase, and nobody has died
  std::function<void()> kill_server;                      // and starts it again
  std::function<bool()> can_be_written;                   // at once
  std::function<bool(const std::string& phase)> is_lost;  // whether the set must fail
  std::function<void()> nothing_is_left;                  // of the set, when all is over
  std::string consistency;                                // of a set that is made
};

class DatabaseTest : public VssdTest {
 protected:
  struct Product {
    std::string writer;   // its name
    std::string program;  // of the writer
    std::string account;  // of writer and server
  };
  explicit DatabaseTest(Product product);
  ~DatabaseTest() override;

  // Three subvolumes of one btrfs, or the first on another btrfs than the other two.
  void use_one_filesystem();
  virtual void use_two_filesystems();
  void use_filesystems(bool one_instant) { one_instant ? use_one_filesystem() : use_two_filesystems(); }
  // Where the database gets files when the requester has chosen the volumes, one that is not among them and
  // one that is; and what the writer says is to be done.
  [[nodiscard]] std::vector<std::pair<std::filesystem::path, std::string>> late_volumes();
  // Starts the writer and returns when it is registered, as one of `registered` writers.
  void run_writer(const std::string& configuration, std::size_t registered);

  // A set of these volumes with the component of the database and those of other writers, which are called
  // "data". `late` runs just before the snapshots are made.
  [[nodiscard]] Made make_set_of_database(const Paths& volumes, const std::vector<std::string>& others = {},
                                          std::function<void()> late = {}) const;
  [[nodiscard]] Paths members() const { return {volumes_of_.data, volumes_of_.log, volumes_of_.far}; }
  // What the writer says about its component in the backup document.
  [[nodiscard]] nlohmann::json metadata_of(const Made& made) const;
  // What the writer has failed in, code and message; "" if it has not.
  [[nodiscard]] std::string failure_of_writer(Requester& requester) const;
  // For copies: on the filesystem of the logs, in no volume of a set.
  [[nodiscard]] std::filesystem::path scratch() const { return scratch_of_ / "scratch"; }

  struct Ended {
    int status = -1;
    std::string output;
  };
  Ended run_vssctl(std::vector<std::string> words);
  // A set that stays, with its document; the paths of the snapshots.
  DatabasePlaces save(bool one_instant);
  Ended restore(const std::string& script) { return restore(document_, script); }
  Ended restore(const std::string& document, const std::string& script) {
    return run_vssctl({"restore", "--document", document, "--", "sh", "-c", script});
  }
  // The commands that put into each place what a snapshot has of it, and nothing else.
  [[nodiscard]] static std::string copy_back(const DatabasePlaces& from, const DatabasePlaces& to,
                                             const std::filesystem::path& left_out = {});
  [[nodiscard]] static std::string delete_all(const DatabasePlaces& places);

  // A writer that is frozen last and thawed first: while it does not answer, the others are in that phase
  // too.
  void add_brake();
  struct Creation {
    std::unique_ptr<Requester> requester;
    std::optional<PendingCall> call;
    // The bus sees the same as of the requester's death. An answer does not outlive its connection.
    void end() {
      call.reset();
      requester.reset();
    }
  };
  // Up to the call that makes the set, which is under way when this returns; `phase` blocks it.
  [[nodiscard]] Creation begin_set_until(const std::string& phase);
  void let_go_on(const std::string& phase);
  // In each phase: the database goes on, and the next set is made. `start_writer` does so after its death.
  void expect_life_after_death(Victim victim, const DeathChecks& checks,
                               const std::function<void()>& start_writer);

  const Product product_;
  DatabasePlaces volumes_of_;
  std::filesystem::path scratch_of_;
  std::optional<ChildProcess> writer_;
  const std::string document_ = volumes_.directory() / "backup.json";
  EventLog log_;
  std::unique_ptr<ScriptedWriter> brake_;

 private:
  void kill(Victim victim, Creation& creation, const DeathChecks& checks);

  int programs_started_ = 0;
};

}  // namespace vss::test
