// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Programs and directories of another account, for what refuses to run as root.

#include <filesystem>
#include <string>
#include <vector>

namespace vss::test {

// `argv` as that account. It is killed when the thread that starts it ends.
[[nodiscard]] std::vector<std::string> as_account(const std::string& account, std::vector<std::string> argv);
// Makes a directory that belongs to the account alone. Throws std::exception.
void make_directory_of(const std::string& account, const std::filesystem::path& directory);

}  // namespace vss::test
