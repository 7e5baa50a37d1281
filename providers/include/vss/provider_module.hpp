// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Header-only C++ face of provider_abi.h: derive from vss::SnapshotProvider, then
//
//   VSS_PROVIDER_MODULE(MyProvider, "my-provider", "1.0", VSS_PROVIDER_SPECIALISED, 10)
//
// once in one source file. Exceptions that leave an operation become a status and its message: ProviderError
// gives both, std::system_error and std::bad_alloc the nearest code, everything else
// VSS_PROVIDER_E_UNEXPECTED.
//
// Thread rule: as in provider_abi.h, contract 3: the set operations come from one thread,
// is_volume_supported, query, remove, mount_info and what came with minor 2 possibly at the same time from
// another, check_health from a third. Ownership: the one object is made by load() and never destroyed.
// Since 0.1.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>

#include "vss/provider_abi.h"

namespace vss {

// A failure with its documented code (enum vss_provider_status).
class ProviderError : public std::runtime_error {
 public:
  ProviderError(int status, const std::string& message) : std::runtime_error(message), status_(status) {}
  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  int status_;
};

// The functions of the host, for the operation they are given to only.
class ProviderHost {
 public:
  explicit ProviderHost(const vss_provider_host* host) : host_(host) {}

  void debug(const std::string& message) const { host_->log(host_->context, 0, message.c_str()); }
  void info(const std::string& message) const { host_->log(host_->context, 1, message.c_str()); }
  void warn(const std::string& message) const { host_->log(host_->context, 2, message.c_str()); }
  void supported(int hold, const std::string& group) const {
    host_->set_support(host_->context, 1, hold, group.c_str(), "");
  }
  void unsupported(const std::string& reason) const {
    host_->set_support(host_->context, 0, VSS_HOLD_FREEZE, "", reason.c_str());
  }
  void set_data(const std::string& snapshot_id, const std::string& data) const {
    host_->set_data(host_->context, snapshot_id.c_str(), data.c_str());
  }
  void add_not_included(const std::string& snapshot_id, const std::string& path) const {
    host_->add_not_included(host_->context, snapshot_id.c_str(), path.c_str());
  }
  void set_not_one_instant(const std::string& reason) const {
    host_->set_not_one_instant(host_->context, reason.c_str());
  }
  void set_mount(const std::string& source, const std::string& filesystem, const std::string& options,
                 const std::string& device) const {
    host_->set_mount(host_->context, source.c_str(), filesystem.c_str(), options.c_str(), device.c_str());
  }
  // The key's value in [provider.<name>] of vssd.conf, or `otherwise`. Legal in the constructor. Since
  // minor 1.
  [[nodiscard]] std::string setting(const std::string& key, const std::string& otherwise) const {
    if (!has(offsetof(vss_provider_host, setting))) return otherwise;
    const char* const value = host_->setting(host_->context, key.c_str());
    return value == nullptr ? otherwise : value;
  }
  void set_health(int health, std::int64_t seconds_left, const std::string& reason) const {
    if (has(offsetof(vss_provider_host, set_health)))
      host_->set_health(host_->context, health, seconds_left, reason.c_str());
  }
  // Since minor 2; a host that asks for the operation has the function for its answer.
  void set_location(const std::string& location, const std::string& device) const {
    host_->set_location(host_->context, location.c_str(), device.c_str());
  }
  void set_revert(int state, int percent, const std::string& message) const {
    host_->set_revert(host_->context, state, percent, message.c_str());
  }
  void add_storage(const std::string& volume, const std::string& location, std::uint64_t used,
                   std::uint64_t allocated, std::uint64_t maximum) const {
    host_->add_storage(host_->context, volume.c_str(), location.c_str(), used, allocated, maximum);
  }
  // Any thread.
  [[nodiscard]] bool is_cancelled() const { return host_->is_cancelled(host_->context) != 0; }

 private:
  // A host of an older minor version has fewer functions.
  [[nodiscard]] bool has(std::size_t offset) const { return host_->struct_size > offset; }

  const vss_provider_host* host_;
};

// One virtual per operation; their meaning, order and limits are those of vss_provider_ops.
class SnapshotProvider {
 public:
  SnapshotProvider() = default;
  SnapshotProvider(const SnapshotProvider&) = delete;
  SnapshotProvider& operator=(const SnapshotProvider&) = delete;
  virtual ~SnapshotProvider() = default;

  virtual void is_volume_supported(const ProviderHost& host, const vss_volume& volume) = 0;
  virtual void begin_prepare(const ProviderHost& host, const vss_member& member) = 0;
  virtual void end_prepare(const ProviderHost&, const std::string& /*set_id*/) {}
  virtual void pre_commit(const ProviderHost&, const std::string& /*set_id*/) {}
  virtual void commit(const ProviderHost& host, const std::string& set_id,
                      std::span<const vss_member> members) = 0;
  virtual void post_commit(const ProviderHost&, const std::string& /*set_id*/) {}
  virtual void pre_final_commit(const ProviderHost&, const std::string& /*set_id*/) {}
  virtual void post_final_commit(const ProviderHost&, const std::string& /*set_id*/) {}
  virtual void abort(const ProviderHost& host, const std::string& set_id) = 0;
  virtual void remove(const ProviderHost& host, const vss_member& snapshot) = 0;
  // Whether the snapshot exists.
  virtual bool query(const ProviderHost& host, const vss_member& snapshot) = 0;
  virtual void mount_info(const ProviderHost& host, const vss_member& snapshot, bool writable) = 0;
  virtual void check_health(const ProviderHost& host, const vss_member& /*snapshot*/) {
    host.set_health(VSS_HEALTH_GOOD, -1, "");
  }
  // Since minor 2: not supported unless overridden.
  virtual void break_snapshot(const ProviderHost&, const vss_member& /*snapshot*/, bool /*writable*/) {
    throw ProviderError(VSS_PROVIDER_E_NOT_SUPPORTED, "its snapshots cannot become volumes of their own");
  }
  virtual void revert(const ProviderHost&, const vss_member& /*snapshot*/, bool /*force*/) {
    throw ProviderError(VSS_PROVIDER_E_NOT_SUPPORTED, "its volumes cannot be reverted");
  }
  virtual void revert_status(const ProviderHost&, const vss_volume& /*volume*/) {
    throw ProviderError(VSS_PROVIDER_E_NOT_SUPPORTED, "its volumes cannot be reverted");
  }
  virtual void storage(const ProviderHost&, const vss_volume& /*volume*/) {
    throw ProviderError(VSS_PROVIDER_E_NOT_SUPPORTED, "it does not tell how its snapshots are stored");
  }
  virtual void resize_storage(const ProviderHost&, const vss_member& /*target*/, std::uint64_t /*maximum*/) {
    throw ProviderError(VSS_PROVIDER_E_NOT_SUPPORTED, "the storage of its snapshots cannot be limited");
  }
};

namespace provider_detail {

[[nodiscard]] inline vss_provider_status status_of(int error_number) noexcept {
  switch (error_number) {
    case EPERM:
    case EACCES:
      return VSS_PROVIDER_E_ACCESS_DENIED;
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return VSS_PROVIDER_E_OBJECT_NOT_FOUND;
    case ENOSPC:
    case EDQUOT:
      return VSS_PROVIDER_E_INSUFFICIENT_STORAGE;
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case EAGAIN:
      return VSS_PROVIDER_E_OUT_OF_MEMORY;
    default:
      return VSS_PROVIDER_E_UNEXPECTED;
  }
}

// The exception wall around every operation.
template <typename Body>
int guarded(const vss_provider_host* host, Body body) noexcept {
  try {
    return body(ProviderHost(host));
  } catch (const ProviderError& error) {
    host->report_error(host->context, error.what());
    return error.status();
  } catch (const std::system_error& error) {
    host->report_error(host->context, error.what());
    return status_of(error.code().value());
  } catch (const std::bad_alloc&) {
    host->report_error(host->context, "out of memory");
    return VSS_PROVIDER_E_OUT_OF_MEMORY;
  } catch (const std::exception& error) {
    host->report_error(host->context, error.what());
    return VSS_PROVIDER_E_UNEXPECTED;
  } catch (...) {
    host->report_error(host->context, "an exception of unknown type");
    return VSS_PROVIDER_E_UNEXPECTED;
  }
}

// Provider: derived from SnapshotProvider, constructible from (const ProviderHost&, const std::string&
// runtime_dir); its constructor is load().
template <typename Provider>
class Table {
 public:
  [[nodiscard]] static vss_provider_ops make() noexcept {
    vss_provider_ops ops{};
    ops.struct_size = sizeof ops;
    ops.load = &load;
    ops.is_volume_supported = [](const vss_provider_host* host, const vss_volume* volume) {
      return call(host, [&](const ProviderHost& face) { provider->is_volume_supported(face, *volume); });
    };
    ops.begin_prepare = [](const vss_provider_host* host, const vss_member* member) {
      return call(host, [&](const ProviderHost& face) { provider->begin_prepare(face, *member); });
    };
    ops.end_prepare = &for_set<&SnapshotProvider::end_prepare>;
    ops.pre_commit = &for_set<&SnapshotProvider::pre_commit>;
    ops.commit = [](const vss_provider_host* host, const char* set_id, const vss_member* members,
                    std::size_t count) {
      return call(host, [&](const ProviderHost& face) {
        provider->commit(face, set_id, std::span<const vss_member>(members, count));
      });
    };
    ops.post_commit = &for_set<&SnapshotProvider::post_commit>;
    ops.pre_final_commit = &for_set<&SnapshotProvider::pre_final_commit>;
    ops.post_final_commit = &for_set<&SnapshotProvider::post_final_commit>;
    ops.abort = &for_set<&SnapshotProvider::abort>;
    ops.remove = [](const vss_provider_host* host, const vss_member* snapshot) {
      return call(host, [&](const ProviderHost& face) { provider->remove(face, *snapshot); });
    };
    ops.query = [](const vss_provider_host* host, const vss_member* snapshot) {
      return guarded(host, [&](const ProviderHost& face) -> int {
        if (provider->query(face, *snapshot)) return VSS_PROVIDER_OK;
        host->report_error(host->context, "the snapshot does not exist");
        return VSS_PROVIDER_E_OBJECT_NOT_FOUND;
      });
    };
    ops.mount_info = [](const vss_provider_host* host, const vss_member* snapshot, int writable) {
      return call(host,
                  [&](const ProviderHost& face) { provider->mount_info(face, *snapshot, writable != 0); });
    };
    ops.check_health = [](const vss_provider_host* host, const vss_member* snapshot) {
      return call(host, [&](const ProviderHost& face) { provider->check_health(face, *snapshot); });
    };
    add_minor_2(ops);
    return ops;
  }

 private:
  static void add_minor_2(vss_provider_ops& ops) noexcept {
    ops.break_snapshot = [](const vss_provider_host* host, const vss_member* snapshot, int writable) {
      return call(
          host, [&](const ProviderHost& face) { provider->break_snapshot(face, *snapshot, writable != 0); });
    };
    ops.revert = [](const vss_provider_host* host, const vss_member* snapshot, int force) {
      return call(host, [&](const ProviderHost& face) { provider->revert(face, *snapshot, force != 0); });
    };
    ops.revert_status = [](const vss_provider_host* host, const vss_volume* volume) {
      return call(host, [&](const ProviderHost& face) { provider->revert_status(face, *volume); });
    };
    ops.storage = [](const vss_provider_host* host, const vss_volume* volume) {
      return call(host, [&](const ProviderHost& face) { provider->storage(face, *volume); });
    };
    ops.resize_storage = [](const vss_provider_host* host, const vss_member* target, std::uint64_t maximum) {
      return call(host, [&](const ProviderHost& face) { provider->resize_storage(face, *target, maximum); });
    };
  }

  // Never destroyed: a thread of the host may still be in it when the process exits.
  static inline Provider* provider = nullptr;

  template <typename Body>
  static int call(const vss_provider_host* host, Body body) noexcept {
    return guarded(host, [&](const ProviderHost& face) -> int {
      body(face);
      return VSS_PROVIDER_OK;
    });
  }

  template <auto Member>
  static int for_set(const vss_provider_host* host, const char* set_id) {
    return call(host, [&](const ProviderHost& face) { (provider->*Member)(face, set_id); });
  }

  static int load(const vss_provider_host* host, const char* runtime_dir) {
    return call(host, [&](const ProviderHost& face) {
      if (provider != nullptr) throw ProviderError(VSS_PROVIDER_E_BAD_STATE, "loaded already");
      provider = new Provider(face, std::string(runtime_dir));
    });
  }
};

}  // namespace provider_detail
}  // namespace vss

// The exported function of the module. flags: an expression, evaluated once, when the host asks for the first
// time.
#define VSS_PROVIDER_MODULE(Class, provider_name, provider_version, provider_flags, provider_priority) \
  extern "C" VSS_PROVIDER_EXPORT const vss_provider_descriptor* vss_provider_describe(void) {          \
    static const vss_provider_ops ops = ::vss::provider_detail::Table<Class>::make();                  \
    static const vss_provider_descriptor descriptor = {sizeof(vss_provider_descriptor),                \
                                                       VSS_PROVIDER_ABI_MAJOR,                         \
                                                       VSS_PROVIDER_ABI_MINOR,                         \
                                                       provider_name,                                  \
                                                       provider_version,                               \
                                                       provider_flags,                                 \
                                                       provider_priority,                              \
                                                       &ops};                                          \
    return &descriptor;                                                                                \
  }
