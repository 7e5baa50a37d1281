// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/requester_process.hpp"

namespace vss::test {
namespace {
std::vector<std::string> arguments(const std::string& last, const std::vector<std::string>& volumes,
                                   const std::string& context, const std::string& provider) {
  std::vector<std::string> argv{VSS_TEST_REQUESTER, last, context, provider};
  argv.insert(argv.end(), volumes.begin(), volumes.end());
  return argv;
}
}  // namespace

RequesterProcess::RequesterProcess(const std::string& last, const std::vector<std::string>& volumes,
                                   const std::string& context, const std::string& provider)
    : process_(arguments(last, volumes, context, provider), {}, directory_.path() / "out") {}

std::string RequesterProcess::set_id() const {
  constexpr std::string_view kMark = "set ";
  const std::string text = output();
  const auto at = text.find(kMark);
  return at == std::string::npos ? "" : text.substr(at + kMark.size(), 36);
}

}  // namespace vss::test
