// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A tree with everything that a copy can lose, and what there is to say about a tree.

#include <filesystem>
#include <string>
#include <vector>

namespace vss::test {

// Nested files, an empty file and an empty directory, a symlink (also one to nowhere), two names of one file,
// modes and times that are not the usual ones, an extended attribute, a file with holes.
void make_file_tree(const std::filesystem::path& root);

// One line for each entry, the root among them: path, type, mode, owner, size, time of modification, link
// target, first name of the same inode, extended attributes, bytes; of files with holes that they have some.
[[nodiscard]] std::vector<std::string> describe_tree(const std::filesystem::path& root);

}  // namespace vss::test
