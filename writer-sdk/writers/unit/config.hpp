// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The TOML file of one unit writer; vss-writer-unit(8) describes it.

#include <chrono>
#include <filesystem>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "writer-sdk/writers/common/declared_writer.hpp"

namespace vss::unit {

struct Config : writers::DeclaredWriter {
  std::vector<std::string> units;            // in the order in which they are frozen
  std::chrono::milliseconds freeze_limit{};  // for all of them to stand still
};

// The error is one line, "file:line: key: what is wrong".
[[nodiscard]] tl::expected<Config, std::string> load_config(const std::filesystem::path& file);

}  // namespace vss::unit
