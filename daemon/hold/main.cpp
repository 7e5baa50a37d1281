// SPDX-License-Identifier: LGPL-2.1-or-later
// vssd-hold: holds and releases filesystems for vssd. README.md in this folder has the whole story.

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>

#include "daemon/hold/helper.hpp"
#include "daemon/hold/leftovers.hpp"
#include "daemon/hold/protocol.hpp"

namespace {
constexpr std::string_view kUsage =
    "Usage: vssd-hold --release-leftovers [--runtime-dir DIR]\n"
    "Releases what a vssd that ended unexpectedly has left held. DIR is /run/vssd if not given.\n"
    "What a vssd that runs is working on is left to it.\n"
    "Exit status: 0 nothing is held any more, 1 something is (standard error names it), 2 wrong usage,\n"
    "3 nothing is left over, but a vssd that runs has a hold window.\n"
    "vssd-hold --serve is what vssd starts.\n";

int release(const std::string& runtime_dir) {
  const auto log = [](std::string_view line) {
    std::fprintf(stderr, "vssd-hold: %.*s\n", static_cast<int>(line.size()), line.data());
  };
  const auto summary = vss::hold::release_leftovers(runtime_dir, log);
  if (!summary || !summary->remaining.empty()) return 1;
  return summary->in_use == 0 ? 0 : 3;
}

int usage(std::FILE* to, int status) {
  std::fwrite(kUsage.data(), 1, kUsage.size(), to);
  return status;
}
}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 2 && std::string_view(argv[1]) == "--serve")
      return vss::hold::Helper::run(vss::hold::kHelperSocket);
    if (argc == 2 && std::string_view(argv[1]) == "--help") return usage(stdout, 0);
    if (argc == 2 && std::string_view(argv[1]) == "--version")
      return std::puts("vssd-hold " VSSD_VERSION) < 0;
    const bool with_dir = argc == 4 && std::string_view(argv[2]) == "--runtime-dir";
    if ((argc == 2 || with_dir) && std::string_view(argv[1]) == "--release-leftovers")
      return release(with_dir ? argv[3] : "/run/vssd");
    return usage(stderr, 2);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "vssd-hold: %s\n", error.what());
    return 1;
  }
}
