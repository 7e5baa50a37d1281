// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Has units stand still, all or none of them, and lets them go on.

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "writer-sdk/writers/unit/refusals.hpp"
#include "writer-sdk/writers/unit/thaw.hpp"

namespace vss::unit {

struct FreezeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class UnitFreezer {
 public:
  // `record` outlives this process; `cgroups` is where the control groups are.
  UnitFreezer(std::vector<std::string> units, Record record, std::filesystem::path cgroups, Log log)
      : units_(std::move(units)),
        record_(std::move(record)),
        cgroups_(std::move(cgroups)),
        log_(std::move(log)) {}

  // Whether freeze() would refuse one now. Throws FreezeError.
  void check(ServiceManager& manager) const;
  // In order, each when the one before stands still; one that is not active is left alone. If one cannot be
  // frozen, those before it, and it, are thawed. Throws FreezeError.
  void freeze(ServiceManager& manager, std::chrono::milliseconds limit);
  // Those that somebody else has let go on, or has ended, since they were frozen; "" if there are none.
  [[nodiscard]] std::string disturbed() const;
  // Those that freeze() left alone and that were started since; "" if there are none. Throws ManagerError.
  [[nodiscard]] std::string started_since(ServiceManager& manager) const;
  // All that are frozen, the last one first. What failed, "" if nothing; then the record stays.
  [[nodiscard]] std::string thaw(ServiceManager& manager);
  // The same after a failure: what the guard has thawed meanwhile is somebody else's since. Throws
  // std::system_error.
  [[nodiscard]] std::string thaw_again(ServiceManager& manager);
  [[nodiscard]] bool is_any_frozen() const { return !frozen_.empty(); }

 private:
  struct Found {
    std::optional<FrozenUnit> unit;  // what is to be frozen: nothing if it has no process
    std::uint64_t started = 0;
  };
  struct LeftAlone {
    std::string name;
    std::uint64_t started = 0;
  };
  [[nodiscard]] Found find(const std::string& unit, ServiceManager& manager,
                           const std::vector<VitalProcess>& vital) const;
  void freeze_one(const FrozenUnit& unit, ServiceManager& manager, std::chrono::milliseconds limit);

  const std::vector<std::string> units_;
  const Record record_;
  const std::filesystem::path cgroups_;
  const Log log_;
  std::vector<FrozenUnit> frozen_;
  std::vector<LeftAlone> left_alone_;
};

}  // namespace vss::unit
