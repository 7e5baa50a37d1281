// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/common/config_table.hpp"

#include <algorithm>

namespace vss::writers {

ConfigError::ConfigError(const toml::source_region& where, const std::string& what)
    : std::runtime_error((where.path ? *where.path : std::string("configuration")) + ":" +
                         std::to_string(where.begin.line) + ": " + what) {}

ConfigError ConfigTable::error(std::string_view key, const std::string& what) const {
  const toml::node* node = table.get(key);
  return {node == nullptr ? table.source() : node->source(), prefix + std::string(key) + ": " + what};
}

void ConfigTable::only(std::initializer_list<std::string_view> known) const {
  for (const auto& [key, node] : table) {
    if (std::ranges::find(known, key.str()) == known.end()) throw error(key.str(), "unknown key");
  }
}

std::string ConfigTable::text(std::string_view key, const std::string& otherwise) const {
  const toml::node* node = table.get(key);
  if (node == nullptr) return otherwise;
  if (!node->is_string()) throw error(key, "a string is needed");
  return node->as_string()->get();
}

std::string ConfigTable::required(std::string_view key) const {
  std::string value = text(key);
  if (value.empty()) throw error(key, "is required");
  return value;
}

bool ConfigTable::flag(std::string_view key, bool otherwise) const {
  const toml::node* node = table.get(key);
  if (node == nullptr) return otherwise;
  if (!node->is_boolean()) throw error(key, "true or false is needed");
  return node->as_boolean()->get();
}

std::chrono::milliseconds ConfigTable::milliseconds(std::string_view key,
                                                    std::chrono::milliseconds longest) const {
  return std::chrono::milliseconds(number(key, 1, longest.count(), longest.count()));
}

std::int64_t ConfigTable::number(std::string_view key, std::int64_t least, std::int64_t most,
                                 std::int64_t otherwise) const {
  const toml::node* node = table.get(key);
  if (node == nullptr) return otherwise;
  const std::int64_t value = node->is_integer() ? node->as_integer()->get() : least - 1;
  if (value < least || value > most) {
    throw error(key, "a number from " + std::to_string(least) + " to " + std::to_string(most) + " is needed");
  }
  return value;
}

std::vector<std::string> ConfigTable::texts(std::string_view key) const {
  std::vector<std::string> values;
  const toml::node* node = table.get(key);
  if (node == nullptr) return values;
  if (!node->is_array()) throw error(key, "an array of strings is needed");
  for (const toml::node& element : *node->as_array()) {
    if (!element.is_string()) throw error(key, "an array of strings is needed");
    values.push_back(element.as_string()->get());
  }
  return values;
}

std::vector<std::string> ConfigTable::command(std::string_view key) const {
  std::vector<std::string> words = texts(key);
  if (!words.empty() && !words.front().starts_with('/'))
    throw error(key, "the program needs an absolute path");
  return words;
}

std::string ConfigTable::absolute_path(std::string_view key, const std::string& otherwise) const {
  std::string path = text(key, otherwise);
  if (path != otherwise && !path.starts_with('/')) throw error(key, "an absolute path is needed");
  return path;
}

std::string ConfigTable::instance(std::string_view key, const std::string& otherwise) const {
  std::string name = text(key, otherwise);
  if (name.empty() || name.find('/') != std::string::npos) throw error(key, "a name without / is needed");
  return name;
}

ConfigTable ConfigTable::section(std::string_view key) const {
  static const toml::table none;
  const toml::node* node = table.get(key);
  if (node == nullptr) return {none, prefix + std::string(key) + "."};
  if (!node->is_table()) throw error(key, "a table is needed");
  return {*node->as_table(), prefix + std::string(key) + "."};
}

std::vector<ConfigTable> ConfigTable::tables(std::string_view key) const {
  std::vector<ConfigTable> values;
  const toml::node* node = table.get(key);
  if (node == nullptr) return values;
  if (!node->is_array()) throw error(key, "an array of tables is needed");
  for (const toml::node& element : *node->as_array()) {
    if (!element.is_table()) throw error(key, "an array of tables is needed");
    values.push_back({*element.as_table(), prefix + std::string(key) + "."});
  }
  return values;
}

bool is_guid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    const bool digit = std::string_view("0123456789abcdefABCDEF").find(text[i]) != std::string_view::npos;
    if (hyphen ? text[i] != '-' : !digit) return false;
  }
  return true;
}

}  // namespace vss::writers
