// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A provider's shared object: found by name in one directory, checked, loaded for good.
// Thread rule: load() anywhere, once per module; the rest is immutable.

#include <filesystem>
#include <string>
#include <string_view>

#include "daemon/core/error.hpp"
#include "daemon/core/provider.hpp"
#include "vss/provider_abi.h"

namespace vss::provider_host {

class ProviderModule {
 public:
  // Loads <directory>/<name>.so and checks its descriptor before anything else of it is called. The directory
  // and the file must belong to root (or to the account of this process) and be writable for nobody else.
  // Errors: InvalidArgument (the name is no name of a provider), ObjectNotFound, AccessDenied (ownership,
  // mode), UnexpectedProviderError (does not load, no or a bad descriptor, another ABI).
  [[nodiscard]] static core::Result<ProviderModule> load(const std::filesystem::path& directory,
                                                         std::string_view name);

  // Lower-case letters, digits and '-', 1 to 64 of them.
  [[nodiscard]] static bool is_name(std::string_view name);

  [[nodiscard]] const core::ProviderInfo& info() const { return info_; }
  [[nodiscard]] bool only_by_name() const { return only_by_name_; }
  // Members that the module's table is too short for are NULL.
  [[nodiscard]] const vss_provider_ops& ops() const { return ops_; }

 private:
  ProviderModule() = default;
  [[nodiscard]] static core::Result<ProviderModule> check(const vss_provider_descriptor* descriptor,
                                                          std::string_view name);
  core::ProviderInfo info_;
  bool only_by_name_ = false;
  vss_provider_ops ops_{};
};

}  // namespace vss::provider_host
