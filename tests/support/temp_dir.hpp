// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A directory of its own for one test, removed with all that is in it.

#include <filesystem>

namespace vss::test {

class TempDir {
 public:
  TempDir();  // throws std::system_error
  ~TempDir();
  TempDir(TempDir&& other) noexcept;
  TempDir& operator=(TempDir&&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace vss::test
