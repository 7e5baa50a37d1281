// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What the kernel knows of device-mapper devices, through libdevmapper. Nothing here reads or writes a
// device. Thread rule: any thread; libdevmapper is called by one at a time. Errors: ProviderError VETO.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vss::lvm {

struct MapperDevice {
  std::string name;
  std::string uuid;
  bool has_table = false;
  bool suspended = false;    // what has no table is not
  bool table_waits = false;  // one was loaded that is not in use before the next resume
  std::uint32_t minor = 0;

  // A node that is there: udev makes the one with the name a moment after the kernel has made the other.
  [[nodiscard]] std::string node() const;
};

// One line of a table or of a status.
struct MapperTarget {
  std::string type;
  std::string parameters;
};

// The device with this number or UUID; nothing if there is none.
[[nodiscard]] std::optional<MapperDevice> mapper_device(dev_t number);
[[nodiscard]] std::optional<MapperDevice> mapper_device(const std::string& uuid);
// How many have the device with this UUID open, a mount or a device on top of it among them; nothing if there
// is none.
[[nodiscard]] std::optional<int> mapper_open_count(const std::string& uuid);
// Devices whose UUID begins with one of these.
[[nodiscard]] std::vector<MapperDevice> mapper_devices(const std::vector<std::string>& uuid_prefixes);

[[nodiscard]] std::vector<MapperTarget> mapper_table(const std::string& name);
// Without a flush of what is under way, so that it does not wait for the device.
[[nodiscard]] std::vector<MapperTarget> mapper_status(const std::string& name);

// Drops a table that was loaded and is not in use yet.
void mapper_drop_table(const std::string& name);
// The same, and resumes the device.
void mapper_resume(const std::string& name);
// Tries for some seconds if it is open. One that does not exist is no error.
void mapper_remove(const std::string& name);
// Sends a message to a device of one target. One that names what the target does not have is no error.
void mapper_message(const std::string& name, const std::string& message);
// Has the kernel load the module of a target, if it is not there.
void mapper_load_target(const std::string& type);

// The names in the device-mapper name of a logical volume.
struct VolumeNames {
  std::string volume_group;
  std::string logical_volume;
};
[[nodiscard]] VolumeNames split_mapper_name(const std::string& name);

}  // namespace vss::lvm
