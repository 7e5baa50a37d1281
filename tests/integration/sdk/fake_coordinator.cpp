// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/integration/sdk/fake_coordinator.hpp"

#include <stdexcept>

#include "tests/support/sdbus_compat.hpp"
#include "tests/support/wait_until.hpp"

namespace vss::test {
namespace {
constexpr const char* kManager = "org.vssd.Vss1.Manager";
constexpr const char* kWriter = "org.vssd.Vss1.Writer";
constexpr auto kLimit = std::chrono::seconds(20);
}  // namespace

FakeCoordinator::FakeCoordinator(bool own_name)
    : connection_(sdbus::createSystemBusConnection()),
      manager_(sdbus::createObject(*connection_, sdbus::ObjectPath("/org/vssd/Vss1"))) {
  register_method(
      *manager_, kManager, "RegisterWriter",
      [this](const sdbus::ObjectPath& path, const Dictionary& properties) { return take(path, properties); });
  register_method(*manager_, kManager, "UnregisterWriter", [this](const std::string& instance) {
    const std::lock_guard lock(mutex_);
    std::erase_if(registrations_, [&](const Registration& writer) { return writer.instance == instance; });
  });
  finish_registration(*manager_);
  if (own_name) connection_->requestName(ServiceName("org.vssd.Vss1"));
  loop_ = std::thread([this] {
    try {
      connection_->enterEventLoop();
    } catch (const sdbus::Error&) {
      // The test has killed the bus.
    }
  });
}

FakeCoordinator::~FakeCoordinator() {
  connection_->leaveEventLoop();
  loop_.join();
}

std::string FakeCoordinator::take(const std::string& path, const Dictionary& properties) {
  const std::lock_guard lock(mutex_);
  if (!refusal_.empty()) {
    ++refusals_;
    throw sdbus::Error(ErrorName(refusal_), "not here");
  }
  const std::string sender = sender_of(*manager_);
  registrations_.push_back(
      {sender, path, properties, "instance-" + std::to_string(registrations_.size() + 1)});
  return registrations_.back().instance;
}

void FakeCoordinator::refuse_with(const std::string& error_name) {
  const std::lock_guard lock(mutex_);
  refusal_ = error_name;
}

std::vector<FakeCoordinator::Registration> FakeCoordinator::registrations() const {
  const std::lock_guard lock(mutex_);
  return registrations_;
}

int FakeCoordinator::refusals() const {
  const std::lock_guard lock(mutex_);
  return refusals_;
}

FakeCoordinator::Registration FakeCoordinator::registration(std::size_t number) const {
  if (!wait_until([&] { return registrations().size() >= number; }, kLimit)) {
    throw std::runtime_error("no writer has registered");
  }
  return registrations()[number - 1];
}

Dictionary FakeCoordinator::send(const Registration& writer, const std::string& event,
                                 const std::string& session, const std::string& set, const Dictionary& args) {
  const auto proxy = make_proxy(*connection_, writer.sender, writer.path);
  return call<Dictionary>(*proxy, kWriter, event, kLimit, session, set, args);
}

std::string FakeCoordinator::identify(const Registration& writer) {
  const auto proxy = make_proxy(*connection_, writer.sender, writer.path);
  return call<std::string>(*proxy, kWriter, "Identify", kLimit);
}

}  // namespace vss::test
