// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The section [provider.lvm] of vssd.conf.

#include <chrono>
#include <cstdint>
#include <string>

#include "providers/lvm/snapshot_set.hpp"
#include "providers/lvm/store_policy.hpp"
#include "vss/provider_module.hpp"

namespace vss::lvm {

struct Settings {
  std::string program;  // vssd-lvm
  std::string hold;     // "auto"; "freeze" and "suspend" take the place of what the kernel shows
  std::chrono::milliseconds command_limit;
  StorePolicy store;
  std::uint64_t extend_at;  // percent
  std::uint64_t extend_by;  // percent of the store
  SetLimits limits;

  // ProviderError INVALID_ARGUMENT, which names the key.
  static Settings from(const ProviderHost& host) {
    const auto number = [&](const char* key, const char* otherwise, std::uint64_t least, std::uint64_t most) {
      return parse_number(key, host.setting(key, otherwise), least, most);
    };
    Settings settings{
        .program = host.setting("program", VSSD_LVM_PROGRAM),
        .hold = host.setting("hold", "auto"),
        .command_limit = std::chrono::seconds(number("command_limit_s", "60", 1, 3600)),
        .store = StorePolicy(host.setting("store", "20%"), number("store_minutes", "240", 1, 100'000)),
        .extend_at = number("extend_at_percent", "70", 1, 100),
        .extend_by = number("extend_by_percent", "20", 1, 100),
        .limits = {number("pool_data_limit_percent", "90", 1, 100),
                   number("pool_metadata_limit_percent", "90", 1, 100)},
    };
    if (settings.hold != "auto" && settings.hold != "freeze" && settings.hold != "suspend") {
      throw ProviderError(VSS_PROVIDER_E_INVALID_ARGUMENT,
                          "provider.lvm.hold is \"" + settings.hold + "\", not auto, freeze or suspend");
    }
    return settings;
  }
};

}  // namespace vss::lvm
