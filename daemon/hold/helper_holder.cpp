// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/hold/helper_holder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <algorithm>
#include <cerrno>
#include <utility>

#include "daemon/core/async.hpp"
#include "daemon/hold/find_filesystem.hpp"
#include "daemon/hold/mapped_device.hpp"
#include "daemon/hold/on_thread.hpp"
#include "daemon/hold/window.hpp"

namespace vss::hold {

using core::errno_error;
using core::fail;

namespace {
constexpr std::chrono::milliseconds kArmPatience{5000};

struct OpenTarget {
  TargetIdentity identity;
  std::shared_ptr<HoldAction> action;
};

core::Result<OpenTarget> open_target(const core::HoldTarget& target) {
  core::UniqueFd root(open(target.mount_point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat status {};
  if (!root || fstat(root.get(), &status) != 0) return fail(errno_error(errno, target.mount_point));
  const auto id = filesystem_id(root.get());
  if (!id) return fail(core::Error(id.error()).with_context(target.mount_point));

  OpenTarget opened;
  opened.identity = {target.ability, target.mount_point, {}, major(status.st_dev), minor(status.st_dev), *id};
  const std::string found = std::to_string(major(status.st_dev)) + ":" + std::to_string(minor(status.st_dev));
  // btrfs has identities of another form; it is never held.
  if (target.superblock.find_first_not_of("0123456789:") == std::string::npos && !target.superblock.empty() &&
      target.superblock != found)
    return fail(ErrorCode::ObjectNotFound, target.mount_point + " carries another filesystem now: " + found +
                                               " instead of " + target.superblock);
  if (target.ability == core::HoldAbility::Suspend) {
    auto name = mapped_device_name(major(status.st_dev), minor(status.st_dev));
    if (!name) return fail(std::move(name).error().with_context(target.mount_point));
    opened.identity.device = std::move(*name);
    // In place of the root: nothing of vssd's may need the filesystem while its device is suspended.
    root = core::UniqueFd(open("/dev/mapper/control", O_RDWR | O_CLOEXEC));
    if (!root) return fail(errno_error(errno, "/dev/mapper/control"));
  } else if (target.ability != core::HoldAbility::Freeze) {
    return fail(ErrorCode::InvalidArgument, target.mount_point + " cannot be held");
  }
  opened.action =
      std::make_shared<HoldAction>(target.ability, std::move(root), opened.identity.device, status.st_dev);
  return opened;
}

bool same_superblock(const TargetIdentity& a, const TargetIdentity& b) {
  return a.device_major == b.device_major && a.device_minor == b.device_minor;
}

core::Status check_apart(const std::vector<TargetIdentity>& all, const std::filesystem::path& runtime_dir) {
  struct stat status {};
  if (stat(runtime_dir.c_str(), &status) != 0) return fail(errno_error(errno, runtime_dir.string()));
  for (auto at = all.begin(); at != all.end(); ++at) {
    if (at->device_major == major(status.st_dev) && at->device_minor == minor(status.st_dev))
      return fail(
          ErrorCode::InvalidArgument,
          at->mount_point + " cannot be held: the record of the hold is on it, in " + runtime_dir.string());
    const auto twin =
        std::find_if(all.begin(), at, [&](const auto& other) { return same_superblock(*at, other); });
    if (twin != at)
      return fail(ErrorCode::VolumeInUse,
                  at->mount_point + " and " + twin->mount_point + " are one filesystem");
  }
  return {};
}

// Everything that may block.
core::Result<ArmedParts> arm_blocking(const std::filesystem::path& program,
                                      const std::filesystem::path& runtime_dir, const core::Guid& set,
                                      const std::vector<core::HoldTarget>& targets,
                                      std::chrono::milliseconds limit) {
  std::vector<TargetIdentity> identities;
  std::vector<std::shared_ptr<HoldAction>> own;
  for (const core::HoldTarget& target : targets) {
    auto opened = open_target(target);
    if (!opened) return fail(std::move(opened).error());
    identities.push_back(std::move(opened->identity));
    own.push_back(std::move(opened->action));
  }
  if (core::Status apart = check_apart(identities, runtime_dir); !apart)
    return fail(std::move(apart).error());

  const std::filesystem::path path = runtime_dir / (std::string(kRecordPrefix) + "." + set.str());
  auto record = Record::create(path, set, identities);
  if (!record) return fail(std::move(record).error());
  std::vector<int> fds{record->fd()};
  for (const auto& action : own) fds.push_back(action->fd());
  auto helper = HelperProcess::start(program);
  core::Status armed = helper ? helper->arm(fds, limit, kArmPatience) : fail(helper.error());
  if (!armed) {
    std::error_code ignored;  // a record that says "nothing is held" does no harm
    std::filesystem::remove(path, ignored);
    return fail(std::move(armed).error());
  }
  return ArmedParts{path, std::make_shared<Record>(std::move(*record)), std::move(own), std::move(*helper),
                    limit};
}

asio::awaitable<void> finish_in_background(std::shared_ptr<Window> window) {
  const core::Status status = co_await Window::finish(std::move(window));
  if (!status) spdlog::error("end of a hold window: {}", status.error().message);
}

class HelperWindow final : public core::HoldWindow {
 public:
  explicit HelperWindow(std::shared_ptr<Window> window) : window_(std::move(window)) {}
  HelperWindow(const HelperWindow&) = delete;
  HelperWindow& operator=(const HelperWindow&) = delete;
  ~HelperWindow() override {
    if (window_->over()) return;
    try {
      core::spawn(window_->executor(), finish_in_background(window_));
    } catch (const std::exception& error) {
      spdlog::error("cannot finish a hold window, its limit ends it: {}", error.what());
    }
  }

  asio::awaitable<core::Status> hold(std::size_t index) override { return Window::hold(window_, index); }
  asio::awaitable<core::Result<core::HoldTimes>> release(std::size_t index) override {
    return Window::release(window_, index);
  }
  [[nodiscard]] bool was_let_go() const override { return window_->was_let_go(); }
  asio::awaitable<core::Status> finish() override { return Window::finish(window_); }

 private:
  std::shared_ptr<Window> window_;
};
}  // namespace

HelperHolder::HelperHolder(asio::any_io_executor executor, std::filesystem::path helper,
                           std::filesystem::path runtime_dir)
    : executor_(std::move(executor)), helper_(std::move(helper)), runtime_dir_(std::move(runtime_dir)) {}

asio::awaitable<core::Result<std::unique_ptr<core::HoldWindow>>> HelperHolder::arm(
    core::Guid set, std::vector<core::HoldTarget> targets, std::chrono::milliseconds limit) {
  if (targets.size() > kMostTargets)
    co_return fail(ErrorCode::MaximumNumberOfVolumesReached, "a hold window has at most 64 targets");
  auto work = [program = helper_, runtime_dir = runtime_dir_, set, all = std::move(targets), limit] {
    return arm_blocking(program, runtime_dir, set, all, limit);
  };
  const auto executor = executor_;
  auto parts = co_await on_thread(std::move(work));
  if (!parts) co_return fail(std::move(parts).error());
  co_return std::make_unique<HelperWindow>(Window::open(executor, std::move(*parts)));
}

}  // namespace vss::hold
