// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/config.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <variant>

#include <toml++/toml.h>

#include "daemon/core/unique_fd.hpp"
#include "daemon/system/read_file.hpp"

namespace vss::system {
namespace {
constexpr std::string_view kProviderSection = "provider";
constexpr std::uint32_t kDay = 24 * 60 * 60 * 1000;

struct Number {
  std::uint32_t Config::*member;
  std::uint32_t most;  // 1 is the least
};
struct Path {
  std::string Config::*member;
};
struct Names {
  std::vector<std::string> Config::*member;
};
struct Level {};

struct Key {
  std::string_view section;
  std::string_view name;
  std::variant<Number, Path, Names, Level> value;
};

const std::array kKeys = {
    Key{"paths", "state_dir", Path{&Config::state_dir}},
    Key{"paths", "runtime_dir", Path{&Config::runtime_dir}},
    Key{"paths", "provider_dir", Path{&Config::provider_dir}},
    Key{"paths", "helper", Path{&Config::helper}},
    Key{"limits", "hold_limit_ms", Number{&Config::hold_limit_ms, 10'000}},
    Key{"limits", "identify_ms", Number{&Config::identify_ms, kDay}},
    Key{"limits", "prepare_for_backup_ms", Number{&Config::prepare_for_backup_ms, kDay}},
    Key{"limits", "prepare_for_snapshot_ms", Number{&Config::prepare_for_snapshot_ms, kDay}},
    Key{"limits", "freeze_default_ms", Number{&Config::freeze_default_ms, 60'000}},
    Key{"limits", "abort_ms", Number{&Config::abort_ms, kDay}},
    Key{"limits", "post_snapshot_ms", Number{&Config::post_snapshot_ms, kDay}},
    Key{"limits", "backup_complete_ms", Number{&Config::backup_complete_ms, kDay}},
    Key{"limits", "restore_ms", Number{&Config::restore_ms, kDay}},
    Key{"limits", "backup_shutdown_ms", Number{&Config::backup_shutdown_ms, kDay}},
    Key{"limits", "flush_ms", Number{&Config::flush_ms, kDay}},
    Key{"limits", "watch_ms", Number{&Config::watch_ms, kDay}},
    Key{"limits", "provider_ms", Number{&Config::provider_ms, kDay}},
    Key{"limits", "max_sessions", Number{&Config::max_sessions, 65'536}},
    Key{"limits", "max_sessions_per_caller", Number{&Config::max_sessions_per_caller, 65'536}},
    Key{"providers", "allow", Names{&Config::providers}},
    Key{"writers", "accounts", Names{&Config::writer_accounts}},
    Key{"writers", "manifest_dirs", Names{&Config::manifest_dirs}},
    Key{"log", "level", Level{}},
};

// Never leaves this file.
class ConfigError : public std::runtime_error {
 public:
  ConfigError(const toml::source_region& where, const std::string& what)
      : std::runtime_error(std::to_string(where.begin.line) + ": " + what) {}
};

std::string text_of(const toml::node& node, const std::string& name) {
  const auto value = node.value_exact<std::string>();
  if (!value) throw ConfigError(node.source(), name + " is not a string");
  return *value;
}

// Takes a value into the member of the configuration that its key stands for.
struct Assign {
  Config& config;
  const toml::node& node;
  const std::string& name;

  void operator()(const Number& key) const {
    const auto value = node.value_exact<std::int64_t>();
    if (!value) throw ConfigError(node.source(), name + " is not a whole number");
    if (*value < 1 || *value > key.most) {
      throw ConfigError(node.source(), name + " is not between 1 and " + std::to_string(key.most));
    }
    config.*key.member = static_cast<std::uint32_t>(*value);
  }
  void operator()(const Path& key) const {
    std::string path = text_of(node, name);
    if (!path.starts_with('/')) throw ConfigError(node.source(), name + " is not an absolute path");
    config.*key.member = std::move(path);
  }
  void operator()(const Names& key) const {
    const toml::array* list = node.as_array();
    if (list == nullptr) throw ConfigError(node.source(), name + " is not a list");
    std::vector<std::string> names;
    for (const toml::node& entry : *list) names.push_back(text_of(entry, "an entry of " + name));
    config.*key.member = std::move(names);
  }
  void operator()(const Level&) const {
    const std::string text = text_of(node, name);
    const auto level = spdlog::level::from_str(text);
    if (level == spdlog::level::off && text != "off") {
      throw ConfigError(node.source(), name + " is not trace, debug, info, warning, error, critical or off");
    }
    config.log_level = level;
  }
};

void apply_section(Config& config, std::string_view section, const toml::table& table) {
  for (const auto& [key_name, node] : table) {
    const std::string name = std::string(section).append(".").append(key_name.str());
    const auto key =
        std::find_if(kKeys.begin(), kKeys.end(), [&, wanted = key_name.str()](const Key& candidate) {
          return candidate.section == section && candidate.name == wanted;
        });
    if (key == kKeys.end()) throw ConfigError(node.source(), "unknown key " + name);
    std::visit(Assign{config, node, name}, key->value);
  }
}

std::string setting_of(const toml::node& node, const std::string& name) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<std::int64_t>()) return std::to_string(*number);
  if (const auto flag = node.value_exact<bool>()) return *flag ? "true" : "false";
  throw ConfigError(node.source(), name + " is not a string, a whole number, true or false");
}

// [provider.<name>]: which keys there are is the provider's business.
void apply_providers(Config& config, const toml::table& providers) {
  for (const auto& [provider, section] : providers) {
    const std::string name = "provider." + std::string(provider.str());
    if (!section.is_table()) throw ConfigError(section.source(), name + " is not a section");
    auto& settings = config.provider_settings[std::string(provider.str())];
    for (const auto& [key, value] : *section.as_table()) {
      settings[std::string(key.str())] = setting_of(value, name + "." + std::string(key.str()));
    }
  }
}

core::Status apply_file(Config& config, const std::string& file) {
  const auto fd = core::open_path(file, O_RDONLY);
  if (!fd) return core::fail(fd.error());
  auto text = read_to_end(fd->get());
  if (!text) return core::fail(std::move(text.error()).with_context(file));
  return apply_config(config, *text, file);
}

core::Result<std::vector<std::string>> drop_ins(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() == ".conf") files.push_back(at->path().string());
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return core::fail(core::errno_error(error.value(), "read " + directory));
  }
  std::sort(files.begin(), files.end());
  return files;
}
}  // namespace

Config::Config()
    : provider_dir(VSSD_PROVIDER_DIR),
      helper(VSSD_HELPER),
      manifest_dirs{"/usr/lib/vssd/manifests.d", "/etc/vssd/manifests.d"} {}

core::Status apply_config(Config& config, const std::string& text, const std::string& file) {
  const auto malformed = [&](std::string_view why) {
    return core::fail(ErrorCode::InvalidArgument, std::string(file).append(":").append(why));
  };
  try {
    const toml::table document = toml::parse(text);
    Config changed = config;
    for (const auto& [section, node] : document) {
      const bool known = section.str() == kProviderSection ||
                         std::any_of(kKeys.begin(), kKeys.end(), [wanted = section.str()](const Key& key) {
                           return key.section == wanted;
                         });
      if (!known) throw ConfigError(node.source(), "unknown key " + std::string(section.str()));
      if (!node.is_table())
        throw ConfigError(node.source(), std::string(section.str()) + " is not a section");
      if (section.str() == kProviderSection) {
        apply_providers(changed, *node.as_table());
      } else {
        apply_section(changed, section.str(), *node.as_table());
      }
    }
    config = std::move(changed);
    return {};
  } catch (const toml::parse_error& error) {
    return malformed(std::to_string(error.source().begin.line) + ": " + std::string(error.description()));
  } catch (const std::exception& error) {
    return malformed(error.what());
  }
}

core::Result<Config> load_config(const std::string& file, bool required) {
  Config config;
  const auto applied = apply_file(config, file);
  if (!applied && (required || applied.error().code != ErrorCode::ObjectNotFound)) {
    return core::fail(applied.error());
  }
  const auto files = drop_ins(file + ".d");
  if (!files) return core::fail(files.error());
  for (const std::string& drop_in : *files) {
    if (const auto one = apply_file(config, drop_in); !one) return core::fail(one.error());
  }
  return config;
}

}  // namespace vss::system
