// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/bus/options.hpp"

#include <algorithm>

namespace vss::bus {
namespace {
constexpr std::size_t kMaxName = 256;

core::Status check_name(const std::string& key, const std::string& name, bool may_be_empty) {
  const bool control = std::ranges::any_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (control || name.size() > kMaxName || (name.empty() && !may_be_empty)) {
    return core::fail(ErrorCode::InvalidArgument,
                      "\"" + key + "\" has to be 1 to 256 bytes without control characters");
  }
  return {};
}

core::Status read_id(const std::string& key, const std::string& text, std::optional<core::Guid>& id) {
  if (text.empty()) return {};
  id = core::Guid::parse(text);
  if (!id) return core::fail(ErrorCode::InvalidArgument, "\"" + key + "\" is no GUID");
  return {};
}
}  // namespace

core::Result<core::Guid> parse_id(const std::string& text) {
  if (const auto id = core::Guid::parse(text)) return *id;
  return core::fail(ErrorCode::InvalidArgument, "\"" + text.substr(0, 64) + "\" is no GUID");
}

core::Result<CreateOptions> read_create_options(const Dictionary& options) {
  CreateOptions result;
  std::string policy = "strict";
  std::string require = "per-volume";
  std::uint32_t lock_timeout = 0;
  DictionaryReader reader(options);
  reader.read("client", result.client);
  reader.read("policy", policy);
  reader.read("require", require);
  reader.read("lock_timeout", lock_timeout);
  reader.read("auto_recovery", result.backup.auto_recovery);
  if (core::Status read = reader.finish(); !read) return core::fail(read.error());
  if (core::Status name = check_name("client", result.client, true); !name) return core::fail(name.error());
  if (policy != "strict" && policy != "lenient") {
    return core::fail(ErrorCode::InvalidArgument, "\"policy\" is \"strict\" or \"lenient\"");
  }
  if (require != "cut" && require != "per-volume") {
    return core::fail(ErrorCode::InvalidArgument, "\"require\" is \"cut\" or \"per-volume\"");
  }
  result.backup.strict = policy == "strict";
  result.backup.require_cut = require == "cut";
  result.backup.lock_timeout = core::Milliseconds(lock_timeout);
  return result;
}

core::Result<std::string> read_restore_options(const Dictionary& options) {
  std::string client;
  DictionaryReader reader(options);
  reader.read("client", client);
  if (core::Status read = reader.finish(); !read) return core::fail(read.error());
  if (core::Status name = check_name("client", client, true); !name) return core::fail(name.error());
  return client;
}

core::Result<core::SnapshotFilter> read_snapshot_filter(const Dictionary& filter) {
  core::SnapshotFilter result;
  std::string set;
  std::string snapshot;
  DictionaryReader reader(filter);
  reader.read("set", set);
  reader.read("snapshot", snapshot);
  reader.read("volume", result.volume);
  reader.read("provider", result.provider);
  reader.read("context", result.context);
  if (core::Status read = reader.finish(); !read) return core::fail(read.error());
  if (core::Status id = read_id("set", set, result.set); !id) return core::fail(id.error());
  if (core::Status id = read_id("snapshot", snapshot, result.snapshot); !id) return core::fail(id.error());
  const bool every = result.context.empty() || result.context == core::kAllContexts;
  if (!every && !core::context_from_name(result.context)) {
    return core::fail(ErrorCode::InvalidArgument, "no context \"" + result.context + "\"");
  }
  return result;
}

namespace {
bool is_one_of(const std::string& text, std::initializer_list<const char*> known) {
  return std::ranges::any_of(known, [&](const char* one) { return text == one; });
}

// Usage, source and what the writer wants to hear of.
core::Status check_kind(core::WriterInfo& info, const std::vector<std::string>& subscribe) {
  if (!is_one_of(info.usage, {"undefined", "bootable-system-state", "system-service", "user-data", "other"}))
    return core::fail(ErrorCode::InvalidArgument, "\"usage\" is not known");
  if (!is_one_of(info.source, {"undefined", "transacted-database", "nontransacted-database", "other"}))
    return core::fail(ErrorCode::InvalidArgument, "\"source\" is not known");
  const auto wants = [&](const char* what) { return std::ranges::find(subscribe, what) != subscribe.end(); };
  info.subscribes_backup = wants("backup");
  info.subscribes_restore = wants("restore");
  const bool known = std::ranges::all_of(subscribe, [](const auto& what) {
    return is_one_of(what, {"backup", "restore"});
  });
  if (!known || subscribe.empty())
    return core::fail(ErrorCode::InvalidArgument, "\"subscribe\" is some of \"backup\" and \"restore\"");
  return {};
}
}  // namespace

core::Result<core::WriterInfo> read_writer_properties(const Dictionary& properties, const Caller& caller) {
  core::WriterInfo info;
  std::string class_id;
  std::string level(to_string(info.level));
  auto freeze_timeout = static_cast<std::uint32_t>(info.freeze_timeout.count());
  DictionaryReader reader(properties);
  reader.read("name", info.name);
  reader.read("class_id", class_id);
  reader.read("instance_name", info.instance_name);
  reader.read("version", info.version);
  reader.read("level", level);
  reader.read("freeze_timeout", freeze_timeout);
  std::vector<std::string> subscribe{"backup", "restore"};
  reader.read("subscribe", subscribe);
  reader.read("usage", info.usage);
  reader.read("source", info.source);
  if (core::Status read = reader.finish(); !read) return core::fail(read.error());
  if (core::Status name = check_name("name", info.name, false); !name) return core::fail(name.error());
  if (core::Status name = check_name("instance_name", info.instance_name, true); !name)
    return core::fail(name.error());
  if (core::Status name = check_name("version", info.version, true); !name) return core::fail(name.error());
  const auto id = core::Guid::parse(class_id);
  if (!id || id->is_null()) return core::fail(ErrorCode::InvalidArgument, "\"class_id\" is no GUID");
  const auto known_level = core::level_from_name(level);
  if (!known_level) {
    return core::fail(ErrorCode::InvalidArgument, "\"level\" is \"front-end\", \"back-end\" or \"system\"");
  }
  if (freeze_timeout < 1 || freeze_timeout > 60'000) {
    return core::fail(ErrorCode::InvalidArgument, "\"freeze_timeout\" is 1 to 60000 ms");
  }
  if (core::Status known = check_kind(info, subscribe); !known) return core::fail(known.error());
  info.class_id = *id;
  info.level = *known_level;
  info.freeze_timeout = core::Milliseconds(freeze_timeout);
  info.bus_name = caller.bus_name;
  info.pid = caller.pid;
  info.unit = caller.unit;
  return info;
}

}  // namespace vss::bus
