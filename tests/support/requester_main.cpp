// SPDX-License-Identifier: LGPL-2.1-or-later
// vss_test_requester LAST CONTEXT PROVIDER VOLUME...: see requester_process.hpp.

#include <unistd.h>

#include <cstdio>

#include "tests/support/requester.hpp"

namespace {

using vss::test::Reply;
using vss::test::Requester;

void say(const std::string& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

[[noreturn]] void wait_to_be_killed() {
  for (;;) ::pause();
}

void after(const std::string& step, const std::string& last, const Reply<>& reply) {
  if (!reply) {
    say("failed " + step + " " + reply.error().name + ": " + reply.error().message);
    wait_to_be_killed();
  }
  say("reached " + step);
  if (step == last) wait_to_be_killed();
}

void run(const std::string& last, const std::string& context, const std::string& provider,
         const std::vector<std::string>& volumes) {
  Requester requester;
  const bool writers =
      context == "backup" || context == "app-rollback" || context == "client-accessible-writers";
  const auto made = requester.create_backup({{"client", sdbus::Variant{std::string("vss_test_requester")}}});
  after("CreateBackup", last, made ? Reply<>() : tl::unexpected(made.error()));
  after("SetContext", last, requester.backup("SetContext", context));
  if (writers) {
    after("SetBackupState", last,
          requester.backup("SetBackupState", false, false, std::string("full"), false));
    after("GatherWriterMetadata", last, requester.backup("GatherWriterMetadata"));
  }
  const auto set = requester.backup<std::string>("StartSnapshotSet");
  if (set) say("set " + *set);
  after("StartSnapshotSet", last, set ? Reply<>() : tl::unexpected(set.error()));
  Reply<> added;
  for (const std::string& volume : volumes) {
    if (added) added = requester.backup("AddToSnapshotSet", volume, provider);
  }
  after("AddToSnapshotSet", last, added);
  if (writers) after("PrepareForBackup", last, requester.backup("PrepareForBackup"));
  after("DoSnapshotSet", last, requester.backup("DoSnapshotSet"));
  if (writers) after("BackupComplete", last, requester.backup("BackupComplete"));
  wait_to_be_killed();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  try {
    run(argv[1], argv[2], argv[3], std::vector<std::string>(argv + 4, argv + argc));
  } catch (const std::exception& error) {
    say(std::string("failed: ") + error.what());
    return 1;
  }
}
