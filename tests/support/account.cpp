// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/account.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace vss::test {

std::vector<std::string> as_account(const std::string& account, std::vector<std::string> argv) {
  // The change of the account takes the signal of the parent's death away: setpriv puts it back.
  const std::vector<std::string> become = {"/usr/bin/setpriv", "--reuid",     account, "--regid", account,
                                           "--init-groups",    "--pdeathsig", "KILL",  "--"};
  argv.insert(argv.begin(), become.begin(), become.end());
  return argv;
}

void make_directory_of(const std::string& account, const std::filesystem::path& directory) {
  const passwd* const entry = getpwnam(account.c_str());
  if (entry == nullptr) throw std::runtime_error("there is no account " + account);
  std::filesystem::create_directories(directory);
  std::filesystem::permissions(directory, std::filesystem::perms(0700));
  if (chown(directory.c_str(), entry->pw_uid, entry->pw_gid) != 0)
    throw std::system_error(errno, std::generic_category(), directory.string());
}

}  // namespace vss::test
