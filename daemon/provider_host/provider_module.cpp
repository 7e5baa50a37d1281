// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/provider_host/provider_module.hpp"

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include <fmt/format.h>

namespace vss::provider_host {

namespace {

constexpr std::size_t kLongestName = 64;

// Only who could replace vssd itself may place code in it.
core::Status check_owner(const std::filesystem::path& path, mode_t type) {
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0) return core::fail(core::errno_error(errno, path.string()));
  if ((facts.st_mode & S_IFMT) != type) {
    return core::fail(ErrorCode::AccessDenied, fmt::format("{}: not a {}", path.string(),
                                                           type == S_IFDIR ? "directory" : "regular file"));
  }
  if (facts.st_uid != 0 && facts.st_uid != ::geteuid()) {
    return core::fail(ErrorCode::AccessDenied, fmt::format("{}: does not belong to root", path.string()));
  }
  if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return core::fail(ErrorCode::AccessDenied,
                      fmt::format("{}: writable for others than its owner", path.string()));
  }
  return {};
}

}  // namespace

bool ProviderModule::is_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

core::Result<ProviderModule> ProviderModule::check(const vss_provider_descriptor* descriptor,
                                                   std::string_view name) {
  const auto bad = [](std::string message) {
    return core::fail(ErrorCode::UnexpectedProviderError, std::move(message));
  };
  if (descriptor == nullptr) return bad("vss_provider_describe() gave no descriptor");
  // The first three members never change: they tell whether the rest may be read.
  if (descriptor->struct_size < sizeof(vss_provider_descriptor)) return bad("its descriptor is too short");
  if (descriptor->abi_major != VSS_PROVIDER_ABI_MAJOR) {
    return bad(fmt::format("it speaks version {} of the provider ABI, vssd {}", descriptor->abi_major,
                           VSS_PROVIDER_ABI_MAJOR));
  }
  if (descriptor->name == nullptr || name != descriptor->name) {
    return bad(fmt::format("it calls itself '{}'", descriptor->name == nullptr ? "" : descriptor->name));
  }
  if (descriptor->version == nullptr || descriptor->ops == nullptr)
    return bad("its descriptor is incomplete");

  ProviderModule module;
  module.info_ = {descriptor->name, descriptor->version, (descriptor->flags & VSS_PROVIDER_SPECIALISED) != 0,
                  descriptor->priority};
  module.only_by_name_ = (descriptor->flags & VSS_PROVIDER_ONLY_BY_NAME) != 0;
  std::memcpy(&module.ops_, descriptor->ops, std::min(descriptor->ops->struct_size, sizeof module.ops_));
  module.ops_.struct_size = sizeof module.ops_;
  const vss_provider_ops& ops = module.ops_;
  if (ops.is_volume_supported == nullptr || ops.begin_prepare == nullptr || ops.commit == nullptr ||
      ops.abort == nullptr || ops.remove == nullptr || ops.query == nullptr || ops.mount_info == nullptr) {
    return bad("it lacks an operation that every provider must have");
  }
  return module;
}

core::Result<ProviderModule> ProviderModule::load(const std::filesystem::path& directory,
                                                  std::string_view name) {
  if (!is_name(name)) {
    return core::fail(ErrorCode::InvalidArgument,
                      fmt::format("'{}' is no name of a provider: lower-case letters, digits and '-'", name));
  }
  const std::filesystem::path file = directory / fmt::format("{}.so", name);
  const std::string context = fmt::format("provider {}", name);
  const auto with_context = [&](core::Error error) { return std::move(error).with_context(context); };

  if (auto status = check_owner(directory, S_IFDIR); !status) return core::fail(with_context(status.error()));
  if (auto status = check_owner(file, S_IFREG); !status) return core::fail(with_context(status.error()));

  // Never closed again, not even when it is refused: its threads and static objects may live on.
  void* const handle = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* const why = ::dlerror();
    return core::fail(
        with_context({ErrorCode::UnexpectedProviderError, why == nullptr ? "cannot be loaded" : why}));
  }
  void* const symbol = ::dlsym(handle, "vss_provider_describe");
  if (symbol == nullptr) {
    return core::fail(
        with_context({ErrorCode::UnexpectedProviderError, "does not export vss_provider_describe()"}));
  }
  const auto describe = reinterpret_cast<decltype(&vss_provider_describe)>(symbol);
  auto module = check(describe(), name);
  if (!module) return core::fail(with_context(module.error()));
  return module;
}

}  // namespace vss::provider_host
