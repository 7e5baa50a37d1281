// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The loaded providers, and the choice of one for a volume.
// Thread rule: called on the executor given to the constructor, whose context must outlive the registry.

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include "daemon/core/error.hpp"
#include "daemon/core/provider.hpp"
#include "daemon/provider_host/hosted_provider.hpp"

namespace vss::provider_host {

class ProviderRegistry final : public core::Providers {
 public:
  ProviderRegistry(asio::any_io_executor executor, Limits limits = {});

  // Loads every *.so of the directory, or only those named in `only` if it is not empty. A module that is
  // refused or whose load() fails is logged and left out. Each gets <runtime_dir>/<name>, made with mode
  // 0700. `settings` by name of the provider; one that does not know all of its own is left out, those of
  // nobody are logged. Errors: the directory cannot be read.
  using AllSettings = std::map<std::string, Settings>;
  asio::awaitable<core::Status> load_all(std::filesystem::path directory, std::filesystem::path runtime_dir,
                                         std::vector<std::string> only, AllSettings settings);

  // In the order in which they are asked; owned by the registry, alive as long as it.
  [[nodiscard]] std::vector<core::Provider*> all() const override;
  [[nodiscard]] core::Provider* find(std::string_view name) const override;
  asio::awaitable<core::Result<core::ProviderChoice>> choose(core::Volume volume, std::string name) override;

 private:
  asio::awaitable<core::Result<core::ProviderChoice>> choose_named(core::Volume volume, std::string name);
  asio::awaitable<core::Status> load_one(std::filesystem::path directory, std::filesystem::path runtime_dir,
                                         std::string name, Settings settings);

  asio::any_io_executor executor_;
  Limits limits_;
  std::vector<std::unique_ptr<HostedProvider>> providers_;
};

}  // namespace vss::provider_host
