// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/integration/sdk/fake_coordinator.hpp"

#include <stdexcept>

#include "tests/support/wait_until.hpp"

namespace vss::test {
namespace {
constexpr const char* kManager = "org.vssd.Vss1.Manager";
constexpr const char* kWriter = "org.vssd.Vss1.Writer";
constexpr auto kLimit = std::chrono::seconds(20);
}  // namespace

FakeCoordinator::FakeCoordinator(bool own_name)
    : connection_(sdbus::createSystemBusConnection()),
      manager_(sdbus::createObject(*connection_, "/org/vssd/Vss1")) {
  manager_->registerMethod("RegisterWriter")
      .onInterface(kManager)
      .implementedAs([this](const sdbus::ObjectPath& path, const Dictionary& properties) {
        return take(path, properties);
      });
  manager_->registerMethod("UnregisterWriter")
      .onInterface(kManager)
      .implementedAs([this](const std::string& instance) {
        const std::lock_guard lock(mutex_);
        std::erase_if(registrations_,
                      [&](const Registration& writer) { return writer.instance == instance; });
      });
  manager_->finishRegistration();
  if (own_name) connection_->requestName("org.vssd.Vss1");
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
    throw sdbus::Error(refusal_, "not here");
  }
  const std::string sender = manager_->getCurrentlyProcessedMessage()->getSender();
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
  Dictionary result;
  auto proxy = sdbus::createProxy(*connection_, writer.sender, writer.path);
  proxy->callMethod(event)
      .onInterface(kWriter)
      .withTimeout(kLimit)
      .withArguments(session, set, args)
      .storeResultsTo(result);
  return result;
}

std::string FakeCoordinator::identify(const Registration& writer) {
  std::string document;
  auto proxy = sdbus::createProxy(*connection_, writer.sender, writer.path);
  proxy->callMethod("Identify").onInterface(kWriter).withTimeout(kLimit).storeResultsTo(document);
  return document;
}

}  // namespace vss::test
