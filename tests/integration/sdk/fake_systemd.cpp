// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/integration/sdk/fake_systemd.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/support/sdbus_compat.hpp"

namespace vss::test {
namespace {

constexpr const char* kManagerFace = "org.freedesktop.systemd1.Manager";
constexpr const char* kUnitFace = "org.freedesktop.systemd1.Unit";
constexpr const char* kServiceFace = "org.freedesktop.systemd1.Service";

}  // namespace

FakeSystemd::FakeSystemd(std::filesystem::path cgroups) : cgroups_(std::move(cgroups)) {}

FakeSystemd::~FakeSystemd() {
  if (!loop_.joinable()) return;
  end_delay();
  connection_->leaveEventLoop();
  loop_.join();
}

std::string FakeSystemd::path_of(std::size_t index) {
  return "/org/freedesktop/systemd1/unit/" + std::to_string(index);
}

std::filesystem::path FakeSystemd::group_of(const std::string& unit) const {
  return cgroups_ / "system.slice" / unit;
}

void FakeSystemd::add_unit(const std::string& name, const std::string& active_state,
                           const std::string& load_state) {
  units_.push_back(std::make_unique<Unit>());
  units_.back()->name = name;
  units_.back()->active_state = active_state;
  units_.back()->load_state = load_state;
  std::filesystem::create_directories(group_of(name));
  set_frozen(name, false);
}

void FakeSystemd::show(Unit& unit, const std::string& path) {
  unit.object = sdbus::createObject(*connection_, sdbus::ObjectPath(path));
  register_property(*unit.object, kUnitFace, "Id", [&unit] { return unit.name; });
  register_property(*unit.object, kUnitFace, "LoadState", [&unit] { return unit.load_state; });
  register_property(*unit.object, kUnitFace, "ActiveState", [this, &unit] {
    const std::lock_guard lock(mutex_);
    return unit.active_state;
  });
  register_property(*unit.object, kUnitFace, "InactiveExitTimestampMonotonic", [this, &unit] {
    const std::lock_guard lock(mutex_);
    return unit.started;
  });
  register_property(*unit.object, kServiceFace, "ControlGroup", [this, &unit] {
    const std::lock_guard lock(mutex_);
    return unit.active_state == "active" ? "/system.slice/" + unit.name : std::string();
  });
  finish_registration(*unit.object);
}

void FakeSystemd::start() {
  connection_ = sdbus::createSystemBusConnection();
  manager_ = sdbus::createObject(*connection_, sdbus::ObjectPath("/org/freedesktop/systemd1"));
  register_method(*manager_, kManagerFace, "LoadUnit",
                  [this](const std::string& name) { return load(name); });
  register_method(
      *manager_, kManagerFace, "FreezeUnit",
      [this](sdbus::Result<>&& result, const std::string& name) { freeze(std::move(result), name); });
  register_method(*manager_, kManagerFace, "ThawUnit", [this](const std::string& name) { thaw(name); });
  finish_registration(*manager_);
  for (std::size_t i = 0; i < units_.size(); ++i) show(*units_[i], path_of(i));
  connection_->requestName(ServiceName("org.freedesktop.systemd1"));
  loop_ = std::thread([this] {
    try {
      connection_->enterEventLoop();
    } catch (const sdbus::Error&) {
      // The test has killed the bus.
    }
  });
}

sdbus::ObjectPath FakeSystemd::load(const std::string& name) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < units_.size(); ++i) {
    if (units_[i]->name == name) return sdbus::ObjectPath(path_of(i));
  }
  throw sdbus::Error(ErrorName("org.freedesktop.systemd1.NoSuchUnit"), "no such unit " + name);
}

void FakeSystemd::freeze(sdbus::Result<>&& result, const std::string& name) {
  Answer answer = Answer::No;
  {
    std::unique_lock lock(mutex_);
    calls_.push_back("FreezeUnit " + name);
    for (const auto& unit : units_) {
      if (unit->name == name) answer = unit->answer;
    }
    if (answer == Answer::Late) {
      delay_.wait(lock, [this] { return is_delay_over_; });
      tell(name, true);
      result.returnResults();
      return;
    }
    // It is told to freeze, and does not come to it.
    if (answer == Answer::Never) {
      tell(name, true);
      unanswered_.push_back(std::move(result));
      return;
    }
  }
  if (answer == Answer::No) {
    result.returnError(sdbus::Error(ErrorName("org.freedesktop.systemd1.UnitBusy"), "the unit has a job"));
    return;
  }
  set_frozen(name, true);
  result.returnResults();
}

void FakeSystemd::thaw(const std::string& name) {
  const std::lock_guard lock(mutex_);
  calls_.push_back("ThawUnit " + name);
  // Releases before 256 do nothing if the processes do not stand still yet, whatever was told to them.
  if (stands_still(name)) set_frozen(name, false);
}

void FakeSystemd::end_delay() {
  const std::lock_guard lock(mutex_);
  is_delay_over_ = true;
  delay_.notify_all();
}

void FakeSystemd::start_unit(const std::string& name) {
  const std::lock_guard lock(mutex_);
  for (const auto& unit : units_) {
    if (unit->name != name) continue;
    unit->active_state = "active";
    ++unit->started;
  }
}

void FakeSystemd::answer(const std::string& unit, Answer answer) {
  const std::lock_guard lock(mutex_);
  for (const auto& known : units_) {
    if (known->name == unit) known->answer = answer;
  }
}

void FakeSystemd::tell(const std::string& unit, bool frozen) const {
  std::ofstream(group_of(unit) / "cgroup.freeze") << frozen << "\n";
}

bool FakeSystemd::stands_still(const std::string& unit) const {
  std::stringstream events;
  events << std::ifstream(group_of(unit) / "cgroup.events").rdbuf();
  return events.str().find("frozen 1") != std::string::npos;
}

void FakeSystemd::set_frozen(const std::string& unit, bool frozen) const {
  tell(unit, frozen);
  std::ofstream(group_of(unit) / "cgroup.events") << "populated 1\nfrozen " << frozen << "\n";
}

std::vector<std::string> FakeSystemd::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

}  // namespace vss::test
