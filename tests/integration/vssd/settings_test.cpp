// SPDX-License-Identifier: LGPL-2.1-or-later
// Sections [provider.<name>] of vssd.conf.

#include <fstream>

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class ProviderSettings : public DaemonTest {
 protected:
  [[nodiscard]] bool fake_is_loaded() const {
    Requester requester;
    const Dicts providers = requester.manager<Dicts>("ListProviders").value();
    return std::ranges::any_of(providers,
                               [](const Dict& one) { return get<std::string>(one, "name") == "fake"; });
  }
  [[nodiscard]] std::string loads() const {
    std::ifstream lines((directory_.path() / "fake").string() + ".log");
    std::string line;
    while (std::getline(lines, line) && !line.starts_with("load")) {
    }
    return line;
  }
};

TEST_F(ProviderSettings, ReachTheProviderAsText) {
  start("[provider.fake]\ngreeting = \"good day\"\ntimes = 3\n");
  EXPECT_TRUE(fake_is_loaded());
  EXPECT_EQ(loads(), "load greeting=good day times=3");
}

TEST_F(ProviderSettings, AKeyThatTheProviderDoesNotKnowMeansThatItIsNotUsed) {
  start("[provider.fake]\ntimes = 3\ntimmes = 4\n");
  EXPECT_FALSE(fake_is_loaded());
  EXPECT_THAT(vssd().log(), HasSubstr("it does not know timmes in [provider.fake]"));
}

TEST_F(ProviderSettings, ASectionOfAProviderThatIsNotInstalledIsWarnedOf) {
  start("[provider.zfs]\npool = \"tank\"\n");
  EXPECT_TRUE(fake_is_loaded());
  EXPECT_THAT(vssd().log(), HasSubstr("[provider.zfs] of the configuration has no effect"));
}

}  // namespace
}  // namespace vss::test
