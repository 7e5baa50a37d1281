// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What the configurations of the writers have in common: TOML whose mistakes are named by file, line and key.

#include <toml++/toml.h>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace vss::writers {

struct ConfigError : std::runtime_error {
  ConfigError(const toml::source_region& where, const std::string& what);
};

// A table with the name that messages call it by: "" for the file itself, else "events.freeze." and so on.
// All but error() throw ConfigError.
struct ConfigTable {
  const toml::table& table;
  std::string prefix;

  [[nodiscard]] ConfigError error(std::string_view key, const std::string& what) const;
  // Other keys are a mistake.
  void only(std::initializer_list<std::string_view> known) const;

  [[nodiscard]] std::string text(std::string_view key, const std::string& otherwise = {}) const;
  [[nodiscard]] std::string required(std::string_view key) const;
  [[nodiscard]] bool flag(std::string_view key, bool otherwise) const;
  // From 1 to `longest`, which is also what an absent one is.
  [[nodiscard]] std::chrono::milliseconds milliseconds(std::string_view key,
                                                       std::chrono::milliseconds longest) const;
  [[nodiscard]] std::int64_t number(std::string_view key, std::int64_t least, std::int64_t most,
                                    std::int64_t otherwise) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view key) const;
  // A command: the program with an absolute path, and its arguments; empty if there is none.
  [[nodiscard]] std::vector<std::string> command(std::string_view key) const;
  // A path that begins with /; "" only if `otherwise` is that.
  [[nodiscard]] std::string absolute_path(std::string_view key, const std::string& otherwise) const;
  // The name of what a writer is for: it is part of the names in lists and documents.
  [[nodiscard]] std::string instance(std::string_view key, const std::string& otherwise) const;
  // A table in this one; an empty one if there is none.
  [[nodiscard]] ConfigTable section(std::string_view key) const;
  [[nodiscard]] std::vector<ConfigTable> tables(std::string_view key) const;
};

[[nodiscard]] bool is_guid(std::string_view text);

// Reads a file by a function that may throw. The error is one line, "file:line: key: what is wrong".
template <typename Config>
[[nodiscard]] tl::expected<Config, std::string> read_config(const std::filesystem::path& file,
                                                            Config (*read)(const toml::table&)) {
  try {
    return read(toml::parse_file(file.string()));
  } catch (const toml::parse_error& error) {
    return tl::unexpected(file.string() + ":" + std::to_string(error.source().begin.line) + ": " +
                          std::string(error.description()));
  } catch (const std::exception& error) {
    return tl::unexpected(std::string(error.what()));
  }
}

}  // namespace vss::writers
