// SPDX-License-Identifier: LGPL-2.1-or-later
// The real vssctl with the real vssd: a copy out of the snapshots is the state at the instant of the set.
#include <csignal>
#include <fstream>

#include "tests/loop/vssd/vssd_fixture.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/run_program.hpp"

namespace vss::test {
namespace {

class Vssctl : public VssdTest {
 protected:
  Vssctl()
      : btrfs_(volumes_.add("btrfs", "btrfs", 300)),
        host_(volumes_.add("host", "xfs", 600)),
        ext4_(volumes_.add("ext4", "ext4", 48, &host_)),
        members_(Volumes::add_subvolumes(btrfs_, 2)) {
    members_.push_back(ext4_.mount_point());
    for (const auto& member : members_) {
      std::filesystem::create_directory(member / "tree");
      for (int i = 0; i < 50; ++i)
        std::ofstream(member / "tree" / std::to_string(i))
            << std::string(static_cast<std::size_t>(i) * 997, 'm');
    }
    start_vssd();
  }

  // Name and checksum of each file below the directory, as sha256sum prints them.
  static std::string sums(const std::filesystem::path& directory) {
    return run_program(
        {"sh", "-c", "cd \"$1\" && find . -type f | sort | xargs sha256sum", "sh", directory.string()});
  }

  std::vector<std::string> with_volumes(std::vector<std::string> arguments) const {
    for (const auto& member : members_) arguments.insert(arguments.end(), {"-v", member.string()});
    return arguments;
  }

  LoopFilesystem& btrfs_;
  LoopFilesystem& host_;
  LoopFilesystem& ext4_;
  Paths members_;
};

TEST_F(Vssctl, RunGivesTheCommandTheStateAtTheInstantOfTheSet) {
  std::vector<std::string> model;
  // Taken while the writer is frozen; from the thaw on everything is overwritten.
  const auto remember = [&](Session&) {
    for (const auto& member : members_) model.push_back(sums(member / "tree"));
  };
  const auto overwrite = [&](Session&) {
    for (const auto& member : members_) {
      for (int i = 0; i < 50; i += 2) std::ofstream(member / "tree" / std::to_string(i)) << "later";
      std::filesystem::remove(member / "tree" / "1");
    }
  };
  const NotingWriter& writer =
      add_writer("application", members_[0], {{"freeze", remember}, {"thaw", overwrite}});
  const auto copies = volumes_.directory() / "copies";
  const FreezeGuard guard = volumes_.guard();
  const std::string command = "mkdir " + copies.string() +
                              "; n=0; for s in $VSS_SNAPSHOTS; do cp -a $s/tree " + copies.string() +
                              "/$n; n=$((n+1)); done";
  std::vector<std::string> arguments = with_volumes({"run", "--require", "cut"});
  arguments.insert(arguments.end(), {"--", "sh", "-c", command});
  vssctl(arguments);
  ASSERT_EQ(model.size(), members_.size());
  for (std::size_t i = 0; i < members_.size(); ++i) {
    EXPECT_EQ(sums(copies / std::to_string(i)), model[i]);
    EXPECT_NE(sums(members_[i] / "tree"), model[i]);
  }
  const std::vector<std::string> expected = {"prepare_backup", "prepare_snapshot", "freeze",         "thaw",
                                             "post_snapshot",  "backup_complete",  "backup_shutdown"};
  EXPECT_EQ(writer.events(), expected);
  EXPECT_EQ(leftovers(), std::vector<std::string>());
}

TEST_F(Vssctl, ItsDeathTellsTheWriterAndRemovesTheSnapshots) {
  std::string frozen_set;
  std::string ended_set;
  const NotingWriter& writer =
      add_writer("application", members_[0],
                 {{"freeze", [&](Session& session) { frozen_set = session.set_id(); }},
                  {"backup_shutdown", [&](Session& session) { ended_set = session.shutdown_set_id(); }}});
  const FreezeGuard guard = volumes_.guard();
  const auto output = volumes_.directory() / "vssctl.out";
  std::vector<std::string> arguments = {VSSCTL_PROGRAM};
  for (const std::string& word : with_volumes({"run"})) arguments.push_back(word);
  // Nobody ends the command but the end of this process.
  const std::string copy = "echo copying; exec tail -f /dev/null --pid=" + std::to_string(::getpid());
  for (const std::string& word : {std::string("--"), std::string("sh"), std::string("-c"), copy})
    arguments.push_back(word);
  ChildProcess vssctl_process(arguments, {}, output);
  ASSERT_TRUE(vssctl_process.wait_for_output("copying", 30s)) << vssctl_process.output();
  EXPECT_NE(volumes_.leftovers(runtime_dir()), std::vector<std::string>());
  vssctl_process.kill9();
  EXPECT_TRUE(wait_until([&] { return writer.count("backup_shutdown") == 1; }, 10s));
  EXPECT_EQ(leftovers(), std::vector<std::string>());
  EXPECT_EQ(ended_set, frozen_set);
  EXPECT_EQ(writer.count("backup_shutdown"), 1U);
  EXPECT_EQ(writer.count("abort"), 0U);
  EXPECT_EQ(writer.unbalanced(), "");
}

}  // namespace
}  // namespace vss::test
