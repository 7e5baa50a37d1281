// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/device_mapper.hpp"

#include <libdevmapper.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <mutex>

#include "vss/provider_module.hpp"

namespace vss::lvm {

namespace {

struct DestroyTask {
  void operator()(dm_task* task) const { dm_task_destroy(task); }
};
using Task = std::unique_ptr<dm_task, DestroyTask>;

void ignore_message(int, const char*, int, int, const char*, ...) {}

// libdevmapper keeps global state. It would also print to standard error.
std::mutex& library() {
  static std::mutex mutex;
  static const bool silenced = [] {
    dm_log_with_errno_init(&ignore_message);
    return true;
  }();
  (void)silenced;
  return mutex;
}

[[noreturn]] void fail(const std::string& what, int error) {
  throw ProviderError(VSS_PROVIDER_E_VETO,
                      "device-mapper: " + what + ": " + std::generic_category().message(error));
}

// False if the device does not exist, or what a message names.
enum class OpenCount : std::uint8_t { Skip, Get };  // to get it takes a lock in the kernel
bool run(dm_task& task, const std::string& what, OpenCount open_count = OpenCount::Skip) {
  if (open_count == OpenCount::Skip) dm_task_no_open_count(&task);
  if (dm_task_run(&task) != 0) return true;
  const int error = dm_task_get_errno(&task);
  if (error == ENXIO || error == ENODATA) return false;
  fail(what, error == 0 ? EIO : error);
}

Task make_task(int type) {
  Task task(dm_task_create(type));
  if (!task) fail("task", ENOMEM);
  return task;
}

Task named_task(int type, const std::string& name) {
  Task task = make_task(type);
  dm_task_set_name(task.get(), name.c_str());
  return task;
}

std::optional<MapperDevice> describe(Task task, const std::string& what) {
  dm_info info{};
  if (!run(*task, what) || dm_task_get_info(task.get(), &info) == 0 || info.exists == 0) return std::nullopt;
  return MapperDevice{dm_task_get_name(task.get()), dm_task_get_uuid(task.get()),
                      info.live_table != 0,         info.suspended != 0 && info.live_table != 0,
                      info.inactive_table != 0,     info.minor};
}

std::vector<MapperTarget> targets(Task task, const std::string& name) {
  std::vector<MapperTarget> found;
  if (!run(*task, name)) fail(name, ENXIO);
  void* next = nullptr;
  do {
    std::uint64_t start = 0;
    std::uint64_t length = 0;
    char* type = nullptr;
    char* parameters = nullptr;
    next = dm_get_next_target(task.get(), next, &start, &length, &type, &parameters);
    if (type != nullptr) found.push_back({type, parameters == nullptr ? "" : parameters});
  } while (next != nullptr);
  return found;
}

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  const Task task = make_task(DM_DEVICE_LIST);
  if (!run(*task, "list")) return names;
  const dm_names* entry = dm_task_get_names(task.get());
  if (entry == nullptr || entry->dev == 0) return names;
  for (;;) {
    names.emplace_back(entry->name);
    if (entry->next == 0) return names;
    entry = reinterpret_cast<const dm_names*>(reinterpret_cast<const char*>(entry) + entry->next);
  }
}

}  // namespace

std::string MapperDevice::node() const {
  const std::string named = "/dev/mapper/" + name;
  return ::access(named.c_str(), F_OK) == 0 ? named : "/dev/dm-" + std::to_string(minor);
}

std::optional<MapperDevice> mapper_device(dev_t number) {
  const std::lock_guard lock(library());
  Task task = make_task(DM_DEVICE_INFO);
  dm_task_set_major(task.get(), static_cast<int>(major(number)));
  dm_task_set_minor(task.get(), static_cast<int>(minor(number)));
  return describe(std::move(task), "info");
}

std::optional<MapperDevice> mapper_device(const std::string& uuid) {
  const std::lock_guard lock(library());
  Task task = make_task(DM_DEVICE_INFO);
  dm_task_set_uuid(task.get(), uuid.c_str());
  return describe(std::move(task), uuid);
}

std::optional<int> mapper_open_count(const std::string& uuid) {
  const std::lock_guard lock(library());
  const Task task = make_task(DM_DEVICE_INFO);
  dm_task_set_uuid(task.get(), uuid.c_str());
  dm_info info{};
  if (!run(*task, uuid, OpenCount::Get) || dm_task_get_info(task.get(), &info) == 0 || info.exists == 0)
    return std::nullopt;
  return info.open_count;
}

std::vector<MapperDevice> mapper_devices(const std::vector<std::string>& uuid_prefixes) {
  const std::lock_guard lock(library());
  std::vector<MapperDevice> found;
  for (const std::string& name : all_names()) {
    auto device = describe(named_task(DM_DEVICE_INFO, name), name);
    if (device && std::ranges::any_of(uuid_prefixes, [&](const std::string& prefix) {
          return device->uuid.starts_with(prefix);
        })) {
      found.push_back(*std::move(device));
    }
  }
  return found;
}

std::vector<MapperTarget> mapper_table(const std::string& name) {
  const std::lock_guard lock(library());
  return targets(named_task(DM_DEVICE_TABLE, name), name);
}

std::vector<MapperTarget> mapper_status(const std::string& name) {
  const std::lock_guard lock(library());
  Task task = named_task(DM_DEVICE_STATUS, name);
  dm_task_no_flush(task.get());
  return targets(std::move(task), name);
}

void mapper_drop_table(const std::string& name) {
  const std::lock_guard lock(library());
  (void)run(*named_task(DM_DEVICE_CLEAR, name), "clear " + name);
}

void mapper_resume(const std::string& name) {
  const std::lock_guard lock(library());
  (void)run(*named_task(DM_DEVICE_CLEAR, name), "clear " + name);
  (void)run(*named_task(DM_DEVICE_RESUME, name), "resume " + name);
}

void mapper_remove(const std::string& name) {
  const std::lock_guard lock(library());
  const Task task = named_task(DM_DEVICE_REMOVE, name);
  dm_task_retry_remove(task.get());
  (void)run(*task, "remove " + name);
}

void mapper_message(const std::string& name, const std::string& message) {
  const std::lock_guard lock(library());
  const Task task = named_task(DM_DEVICE_TARGET_MSG, name);
  dm_task_set_sector(task.get(), 0);
  dm_task_set_message(task.get(), message.c_str());
  (void)run(*task, name + ": " + message);
}

void mapper_load_target(const std::string& type) {
  const std::lock_guard lock(library());
  (void)run(*named_task(DM_DEVICE_GET_TARGET_VERSION, type), "target " + type);
}

VolumeNames split_mapper_name(const std::string& name) {
  const std::unique_ptr<dm_pool, void (*)(dm_pool*)> pool(dm_pool_create("names", 1024), &dm_pool_destroy);
  char* volume_group = nullptr;
  char* logical_volume = nullptr;
  char* layer = nullptr;
  if (!pool || dm_split_lvm_name(pool.get(), name.c_str(), &volume_group, &logical_volume, &layer) == 0)
    fail(name, ENOMEM);
  return {volume_group, logical_volume};
}

}  // namespace vss::lvm
