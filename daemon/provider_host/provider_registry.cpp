// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/provider_host/provider_registry.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace vss::provider_host {

namespace {

core::Result<std::vector<std::string>> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  auto entry = std::filesystem::directory_iterator(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (entry->path().extension() == ".so") names.push_back(entry->path().stem().string());
  }
  if (error) return core::fail(core::errno_error(error.value(), directory.string()));
  std::ranges::sort(names);
  return names;
}

core::Status make_private_directory(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return core::fail(core::errno_error(errno, path.string()));
  }
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0) return core::fail(core::errno_error(errno, path.string()));
  if (!S_ISDIR(facts.st_mode) || (facts.st_mode & 0077) != 0) {
    return core::fail(ErrorCode::AccessDenied, fmt::format("{}: not a private directory", path.string()));
  }
  return {};
}

}  // namespace

ProviderRegistry::ProviderRegistry(asio::any_io_executor executor, Limits limits)
    : executor_(std::move(executor)), limits_(limits) {}

asio::awaitable<core::Status> ProviderRegistry::load_one(std::filesystem::path directory,
                                                         std::filesystem::path runtime_dir, std::string name,
                                                         Settings settings) {
  auto module = ProviderModule::load(directory, name);
  if (!module) co_return core::fail(module.error());
  const std::filesystem::path own = runtime_dir / name;
  if (auto made = make_private_directory(own); !made) co_return made;
  auto provider = std::make_unique<HostedProvider>(executor_, *std::move(module), limits_);
  const core::Status loaded = co_await provider->load(own.string(), std::move(settings));
  if (!loaded) co_return loaded;
  const core::ProviderInfo& info = provider->info();
  spdlog::info("provider {} {} loaded{}", info.name, info.version,
               provider->only_by_name() ? ", used only when asked for by name" : "");
  providers_.push_back(std::move(provider));
  co_return core::Status{};
}

asio::awaitable<core::Status> ProviderRegistry::load_all(std::filesystem::path directory,
                                                         std::filesystem::path runtime_dir,
                                                         std::vector<std::string> only,
                                                         AllSettings settings) {
  auto names = names_in(directory);
  if (!names) co_return core::fail(names.error());
  std::error_code error;
  std::filesystem::create_directories(runtime_dir, error);
  if (error) co_return core::fail(core::errno_error(error.value(), runtime_dir.string()));
  for (const std::string& name : *names) {
    if (!only.empty() && std::ranges::find(only, name) == only.end()) continue;
    Settings own;
    if (auto section = settings.extract(name)) own = std::move(section.mapped());
    const core::Status loaded = co_await load_one(directory, runtime_dir, name, std::move(own));
    if (!loaded) spdlog::error("left out: {}", loaded.error().message);
  }
  for (const auto& [name, section] : settings) {
    spdlog::warn(
        "[provider.{}] of the configuration has no effect: there is no provider {}, or it is not allowed",
        name, name);
  }
  std::ranges::stable_sort(providers_, [](const auto& a, const auto& b) {
    return std::make_tuple(!a->info().specialised, -a->info().priority, a->info().name) <
           std::make_tuple(!b->info().specialised, -b->info().priority, b->info().name);
  });
  co_return core::Status{};
}

std::vector<core::Provider*> ProviderRegistry::all() const {
  std::vector<core::Provider*> list;
  list.reserve(providers_.size());
  for (const auto& provider : providers_) list.push_back(provider.get());
  return list;
}

core::Provider* ProviderRegistry::find(std::string_view name) const {
  const auto found =
      std::ranges::find_if(providers_, [&](const auto& provider) { return provider->info().name == name; });
  return found == providers_.end() ? nullptr : found->get();
}

asio::awaitable<core::Result<core::ProviderChoice>> ProviderRegistry::choose_named(core::Volume volume,
                                                                                   std::string name) {
  core::Provider* const named = find(name);
  if (named == nullptr) {
    co_return core::fail(ErrorCode::ProviderNotRegistered, fmt::format("no provider '{}' is loaded", name));
  }
  auto support = co_await named->is_volume_supported(volume);
  if (!support) co_return core::fail(support.error());
  if (!support->supported) {
    co_return core::fail(
        ErrorCode::VolumeNotSupportedByProvider,
        fmt::format("provider {} does not support {}: {}", name, volume.path, support->reason));
  }
  co_return core::ProviderChoice{named, *std::move(support)};
}

asio::awaitable<core::Result<core::ProviderChoice>> ProviderRegistry::choose(core::Volume volume,
                                                                             std::string name) {
  if (!name.empty()) co_return co_await choose_named(std::move(volume), std::move(name));

  // A provider that is busy might have been the one: then the caller should try again later.
  ErrorCode code = ErrorCode::VolumeNotSupported;
  std::string reasons;
  for (const auto& provider : providers_) {
    if (provider->only_by_name()) continue;
    auto support = co_await provider->is_volume_supported(volume);
    if (support && support->supported) co_return core::ProviderChoice{provider.get(), *std::move(support)};
    if (support) {
      reasons += fmt::format("; {}: {}", provider->info().name, support->reason);
      continue;
    }
    spdlog::warn("{}: {}", volume.path, support.error().message);
    reasons += fmt::format("; {}", support.error().message);
    if (support.error().code == ErrorCode::ProviderInUse) code = ErrorCode::ProviderInUse;
  }
  if (reasons.empty()) reasons = "; none is loaded";
  co_return core::fail(code, fmt::format("no provider supports {}{}", volume.path, reasons));
}

}  // namespace vss::provider_host
