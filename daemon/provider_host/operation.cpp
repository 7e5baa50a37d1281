// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/provider_host/operation.hpp"

#include <algorithm>
#include <exception>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace vss::provider_host {

std::string_view to_string(OperationKind kind) noexcept {
  switch (kind) {
    case OperationKind::Load:
      return "load";
    case OperationKind::IsVolumeSupported:
      return "is_volume_supported";
    case OperationKind::BeginPrepare:
      return "begin_prepare";
    case OperationKind::EndPrepare:
      return "end_prepare";
    case OperationKind::PreCommit:
      return "pre_commit";
    case OperationKind::Commit:
      return "commit";
    case OperationKind::PostCommit:
      return "post_commit";
    case OperationKind::PreFinalCommit:
      return "pre_final_commit";
    case OperationKind::PostFinalCommit:
      return "post_final_commit";
    case OperationKind::Abort:
      return "abort";
    case OperationKind::Remove:
      return "remove";
    case OperationKind::Query:
      return "query";
    case OperationKind::MountInfo:
      return "mount_info";
    case OperationKind::CheckHealth:
      return "check_health";
    case OperationKind::BreakSnapshot:
      return "break_snapshot";
    case OperationKind::Revert:
      return "revert";
    case OperationKind::RevertStatus:
      return "revert_status";
    case OperationKind::Storage:
      return "storage";
    case OperationKind::ResizeStorage:
      return "resize_storage";
  }
  return "";
}

namespace {

constexpr std::size_t kLongestData = 4096;
constexpr std::size_t kLongestMessage = 4096;
constexpr std::size_t kMostPlaces = 4096;  // of storage, in one answer

// A C string of the module, which may break the contract: NULL counts as "", length is bounded.
std::string text_of(const char* text, std::size_t longest = kLongestMessage) {
  if (text == nullptr) return {};
  return {text, ::strnlen(text, longest)};
}

bool may_set_data(OperationKind kind) {
  switch (kind) {
    case OperationKind::BeginPrepare:
    case OperationKind::EndPrepare:
    case OperationKind::Commit:
    case OperationKind::PostCommit:
    case OperationKind::PreFinalCommit:
    case OperationKind::PostFinalCommit:
      return true;
    case OperationKind::Load:
    case OperationKind::IsVolumeSupported:
    case OperationKind::PreCommit:
    case OperationKind::Abort:
    case OperationKind::Remove:
    case OperationKind::Query:
    case OperationKind::MountInfo:
    case OperationKind::CheckHealth:
    case OperationKind::BreakSnapshot:
    case OperationKind::Revert:
    case OperationKind::RevertStatus:
    case OperationKind::Storage:
    case OperationKind::ResizeStorage:
      return false;
  }
  return false;
}

std::optional<core::HoldAbility> hold_from(int hold) {
  switch (hold) {
    case VSS_HOLD_FREEZE:
      return core::HoldAbility::Freeze;
    case VSS_HOLD_SUSPEND:
      return core::HoldAbility::Suspend;
    case VSS_HOLD_IMPOSSIBLE:
      return core::HoldAbility::Impossible;
    case VSS_HOLD_NOT_NEEDED:
      return core::HoldAbility::NotNeeded;
  }
  return std::nullopt;
}

std::optional<core::SnapshotHealth> health_from(int health) {
  switch (health) {
    case VSS_HEALTH_GOOD:
      return core::SnapshotHealth::Good;
    case VSS_HEALTH_AT_RISK:
      return core::SnapshotHealth::AtRisk;
    case VSS_HEALTH_LOST:
      return core::SnapshotHealth::Lost;
  }
  return std::nullopt;
}

std::optional<core::RevertState> revert_from(int state) {
  switch (state) {
    case VSS_REVERT_NONE:
      return core::RevertState::None;
    case VSS_REVERT_PENDING_REBOOT:
      return core::RevertState::PendingReboot;
    case VSS_REVERT_RUNNING:
      return core::RevertState::Running;
    case VSS_REVERT_DONE:
      return core::RevertState::Done;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> if_known(std::uint64_t bytes) {
  if (bytes == VSS_STORAGE_UNKNOWN) return std::nullopt;
  return bytes;
}

spdlog::level::level_enum log_level(int level) {
  if (level <= 0) return spdlog::level::debug;
  return level == 1 ? spdlog::level::info : spdlog::level::warn;
}

std::optional<ErrorCode> documented(int status) {
  switch (status) {
    case VSS_PROVIDER_E_INVALID_ARGUMENT:
      return ErrorCode::InvalidArgument;
    case VSS_PROVIDER_E_ACCESS_DENIED:
      return ErrorCode::AccessDenied;
    case VSS_PROVIDER_E_OUT_OF_MEMORY:
      return ErrorCode::OutOfMemory;
    case VSS_PROVIDER_E_BAD_STATE:
      return ErrorCode::BadState;
    case VSS_PROVIDER_E_OBJECT_NOT_FOUND:
      return ErrorCode::ObjectNotFound;
    case VSS_PROVIDER_E_INSUFFICIENT_STORAGE:
      return ErrorCode::InsufficientStorage;
    case VSS_PROVIDER_E_VOLUME_NOT_SUPPORTED:
      return ErrorCode::VolumeNotSupportedByProvider;
    case VSS_PROVIDER_E_MAXIMUM_NUMBER_OF_SNAPSHOTS:
      return ErrorCode::MaximumNumberOfSnapshotsReached;
    case VSS_PROVIDER_E_VETO:
      return ErrorCode::ProviderVeto;
    case VSS_PROVIDER_E_UNEXPECTED:
      return ErrorCode::UnexpectedProviderError;
    case VSS_PROVIDER_E_VOLUME_IN_USE:
      return ErrorCode::VolumeInUse;
    case VSS_PROVIDER_E_NOT_SUPPORTED:
      return ErrorCode::NotSupported;
    case VSS_PROVIDER_E_REVERT_IN_PROGRESS:
      return ErrorCode::RevertInProgress;
    default:
      return std::nullopt;
  }
}

}  // namespace

// The functions that the module calls. No exception may pass back into it; memory that runs out here is noted
// as a violation without text, which the small-string buffer of std::string holds.
struct Operation::HostFunctions {
  template <typename Body>
  static void guard(void* context, Body body) noexcept {
    auto& self = *static_cast<Operation*>(context);
    try {
      body(self);
    } catch (...) {
      if (self.reports_.violation.empty()) self.reports_.violation = "out of memory";
    }
  }

  static void violate(Operation& self, const char* what) {
    if (self.reports_.violation.empty()) self.reports_.violation = what;
  }

  static void report_error(void* context, const char* message) {
    guard(context, [&](Operation& self) { self.reports_.message = text_of(message); });
  }

  static void log(void* context, int level, const char* message) {
    guard(context, [&](Operation& self) {
      if (self.kind_ == OperationKind::Commit) return;  // volumes are held
      spdlog::log(log_level(level), "provider {}: {}", self.provider_, text_of(message));
    });
  }

  static void set_support(void* context, int supported, int hold, const char* group, const char* reason) {
    guard(context, [&](Operation& self) {
      const auto ability = hold_from(hold);
      if (self.kind_ != OperationKind::IsVolumeSupported)
        return violate(self, "set_support is not legal here");
      if (!ability) return violate(self, "set_support with an unknown way of holding");
      self.reports_.support = core::VolumeSupport{supported != 0, *ability, text_of(group), text_of(reason)};
    });
  }

  static void set_data(void* context, const char* snapshot_id, const char* data) {
    guard(context, [&](Operation& self) {
      if (!may_set_data(self.kind_)) return violate(self, "set_data is not legal here");
      std::string value = text_of(data, kLongestData + 1);
      if (value.size() > kLongestData) return violate(self, "set_data with more than 4096 bytes");
      self.reports_.data.emplace_back(text_of(snapshot_id), std::move(value));
    });
  }

  static void add_not_included(void* context, const char* snapshot_id, const char* path) {
    guard(context, [&](Operation& self) {
      if (self.kind_ != OperationKind::BeginPrepare)
        return violate(self, "add_not_included is not legal here");
      self.reports_.not_included.emplace_back(text_of(snapshot_id), text_of(path));
    });
  }

  static void set_not_one_instant(void* context, const char* reason) {
    guard(context, [&](Operation& self) {
      if (self.kind_ != OperationKind::Commit) return violate(self, "set_not_one_instant is not legal here");
      self.reports_.not_one_instant = text_of(reason);
    });
  }

  static void set_mount(void* context, const char* source, const char* filesystem, const char* options,
                        const char* device) {
    guard(context, [&](Operation& self) {
      if (self.kind_ != OperationKind::MountInfo) return violate(self, "set_mount is not legal here");
      self.reports_.mount =
          core::MountSpec{text_of(source), text_of(filesystem), text_of(options), text_of(device)};
    });
  }

  static const char* setting(void* context, const char* key) {
    const char* value = nullptr;
    guard(context, [&](Operation& self) {
      if (self.kind_ != OperationKind::Load) return violate(self, "setting is not legal here");
      const std::string name = text_of(key);
      self.reports_.settings_asked.insert(name);
      const auto found = self.settings_.find(name);
      if (found != self.settings_.end()) value = found->second.c_str();
    });
    return value;
  }

  static void set_health(void* context, int health, std::int64_t seconds_left, const char* reason) {
    guard(context, [&](Operation& self) {
      if (self.kind_ != OperationKind::CheckHealth) return violate(self, "set_health is not legal here");
      const auto state = health_from(health);
      if (!state) return violate(self, "set_health: unknown health");
      self.reports_.health =
          core::HealthReport{*state, std::max<std::int64_t>(seconds_left, -1), text_of(reason)};
    });
  }

  static void set_location(void* context, const char* location, const char* device) {
    guard(context, [&](Operation& self) {
      if (self.kind_ != OperationKind::BreakSnapshot) return violate(self, "set_location is not legal here");
      self.reports_.location = core::BrokenLocation{text_of(location), text_of(device)};
    });
  }

  static void set_revert(void* context, int state, int percent, const char* message) {
    guard(context, [&](Operation& self) {
      if (self.kind_ != OperationKind::Revert && self.kind_ != OperationKind::RevertStatus)
        return violate(self, "set_revert is not legal here");
      const auto stage = revert_from(state);
      if (!stage) return violate(self, "set_revert: unknown state");
      self.reports_.revert = core::RevertStatus{*stage, std::clamp(percent, -1, 100), text_of(message)};
    });
  }

  static void add_storage(void* context, const char* volume, const char* location, std::uint64_t used,
                          std::uint64_t allocated, std::uint64_t maximum) {
    guard(context, [&](Operation& self) {
      if (self.kind_ != OperationKind::Storage) return violate(self, "add_storage is not legal here");
      if (self.reports_.storage.size() >= kMostPlaces) return violate(self, "add_storage too often");
      self.reports_.storage.push_back(
          {text_of(volume), text_of(location), if_known(used), if_known(allocated), maximum});
    });
  }

  static int is_cancelled(void* context) { return static_cast<Operation*>(context)->cancelled() ? 1 : 0; }
};

Operation::Operation(std::string provider, OperationKind kind, Call call)
    : provider_(std::move(provider)), kind_(kind), call_(std::move(call)) {
  host_.struct_size = sizeof host_;
  host_.context = this;
  host_.report_error = &HostFunctions::report_error;
  host_.log = &HostFunctions::log;
  host_.set_support = &HostFunctions::set_support;
  host_.set_data = &HostFunctions::set_data;
  host_.add_not_included = &HostFunctions::add_not_included;
  host_.set_not_one_instant = &HostFunctions::set_not_one_instant;
  host_.set_mount = &HostFunctions::set_mount;
  host_.is_cancelled = &HostFunctions::is_cancelled;
  host_.setting = &HostFunctions::setting;
  host_.set_health = &HostFunctions::set_health;
  host_.set_location = &HostFunctions::set_location;
  host_.set_revert = &HostFunctions::set_revert;
  host_.add_storage = &HostFunctions::add_storage;
}

void Operation::run() noexcept {
  try {
    status_ = call_(&host_);
  } catch (const std::exception& error) {
    HostFunctions::guard(this, [&](Operation& self) {
      HostFunctions::violate(self, "an exception left the operation");
      self.reports_.message = error.what();
    });
  } catch (...) {
    HostFunctions::guard(
        this, [](Operation& self) { HostFunctions::violate(self, "an exception left the operation"); });
  }
}

core::Status Operation::outcome() const {
  const std::string where = fmt::format("provider {}, {}", provider_, to_string(kind_));
  if (!reports_.violation.empty()) {
    return core::fail(ErrorCode::UnexpectedProviderError,
                      fmt::format("{}: breach of contract: {}{}{}", where, reports_.violation,
                                  reports_.message.empty() ? "" : ": ", reports_.message));
  }
  if (status_ == VSS_PROVIDER_OK) return {};
  const std::string message = reports_.message.empty() ? "it gave no message" : reports_.message;
  if (hold_refused()) return core::fail(ErrorCode::ProviderVeto, fmt::format("{}: {}", where, message));
  if (const auto code = documented(status_)) return core::fail(*code, fmt::format("{}: {}", where, message));
  return core::fail(ErrorCode::UnexpectedProviderError,
                    fmt::format("{}: unknown status {}: {}", where, status_, message));
}

bool Operation::hold_refused() const {
  return kind_ == OperationKind::Commit && status_ == VSS_PROVIDER_E_HOLD_REFUSED &&
         reports_.violation.empty();
}

std::vector<std::string> Operation::settings_unasked() const {
  std::vector<std::string> keys;
  for (const auto& [key, value] : settings_) {
    if (!reports_.settings_asked.contains(key)) keys.push_back(key);
  }
  return keys;
}

}  // namespace vss::provider_host
