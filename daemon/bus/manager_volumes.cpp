// SPDX-License-Identifier: LGPL-2.1-or-later
// The calls of Manager that make snapshots into volumes or volumes into snapshots, and those about their
// storage.
#include "daemon/bus/manager_object.hpp"
#include "daemon/bus/options.hpp"

namespace vss::bus {
namespace {

using core::Guid;

sdbus::Variant text_variant(const std::string& text) { return sdbus::Variant(to_utf8(text)); }

Dictionary broken_dictionary(const core::BrokenVolume& broken) {
  return {{"snapshot_id", text_variant(broken.snapshot_id.str())},
          {"volume", text_variant(broken.volume)},
          {"provider", text_variant(broken.provider)},
          {"location", text_variant(broken.where.location)},
          {"device", text_variant(broken.where.device)}};
}

Dictionary revert_dictionary(const core::RevertReport& report) {
  return {{"volume", text_variant(report.volume)},
          {"provider", text_variant(report.provider)},
          {"state", text_variant(std::string(to_string(report.status.state)))},
          {"percent", sdbus::Variant(static_cast<std::int32_t>(report.status.percent))},
          {"message", text_variant(report.status.message)}};
}

Dictionary storage_dictionary(const core::VolumeStorage& storage) {
  Dictionary dictionary{{"volume", text_variant(storage.volume)},
                        {"provider", text_variant(storage.provider)},
                        {"error", text_variant(storage.error)}};
  if (!storage.error.empty()) return dictionary;
  dictionary["location"] = text_variant(storage.place.location);
  dictionary["maximum"] = sdbus::Variant(storage.place.maximum);
  if (storage.place.used) dictionary["used"] = sdbus::Variant(*storage.place.used);
  if (storage.place.allocated) dictionary["allocated"] = sdbus::Variant(*storage.place.allocated);
  return dictionary;
}

}  // namespace

void ManagerObject::BreakSnapshotSet(sdbus::Result<Dictionaries>&& result, std::string set,
                                     Dictionary options) {
  answer_with(bus_, std::move(result), break_snapshot_set(sender(), std::move(set), std::move(options)),
              shared_from_this());
}

asio::awaitable<Answer<Dictionaries>> ManagerObject::break_snapshot_set(std::string sender, std::string set,
                                                                        Dictionary options) {
  const core::Result<Guid> id = parse_id(set);
  if (!id) co_return core::fail(id.error());
  bool writable = false;
  DictionaryReader reader(options);
  reader.read("writable", writable);
  if (core::Status read = reader.finish(); !read) co_return core::fail(std::move(read.error()));
  core::Result<Caller> caller = co_await allow(std::move(sender), Action::ManageSnapshots);
  if (!caller) co_return core::fail(std::move(caller.error()));
  core::Result<std::vector<core::BrokenVolume>> broken =
      co_await coordinator_.breaker().break_set(*id, writable);
  if (!broken) co_return core::fail(std::move(broken.error()));
  Dictionaries volumes;
  for (const core::BrokenVolume& volume : *broken) volumes.push_back(broken_dictionary(volume));
  co_return std::tuple(std::move(volumes));
}

void ManagerObject::RevertToSnapshot(sdbus::Result<Dictionary>&& result, std::string snapshot, bool force) {
  answer_with(bus_, std::move(result), revert_to_snapshot(sender(), std::move(snapshot), force),
              shared_from_this());
}

asio::awaitable<Answer<Dictionary>> ManagerObject::revert_to_snapshot(std::string sender,
                                                                      std::string snapshot, bool force) {
  const core::Result<Guid> id = parse_id(snapshot);
  if (!id) co_return core::fail(id.error());
  core::Result<Caller> caller = co_await allow(std::move(sender), Action::ManageSnapshots);
  if (!caller) co_return core::fail(std::move(caller.error()));
  core::Result<core::RevertReport> report = co_await coordinator_.reverter().revert(*id, force);
  if (!report) co_return core::fail(std::move(report.error()));
  co_return std::tuple(revert_dictionary(*report));
}

void ManagerObject::QueryRevertStatus(sdbus::Result<Dictionary>&& result, std::string volume) {
  answer_with(bus_, std::move(result), query_revert_status(sender(), std::move(volume)), shared_from_this());
}

asio::awaitable<Answer<Dictionary>> ManagerObject::query_revert_status(std::string sender,
                                                                       std::string volume) {
  // Before anything else: the answer tells which paths exist.
  core::Result<Caller> caller = co_await allow(std::move(sender), Action::RequestBackup);
  if (!caller) co_return core::fail(std::move(caller.error()));
  core::Result<core::RevertReport> report = co_await coordinator_.reverter().status(std::move(volume));
  if (!report) co_return core::fail(std::move(report.error()));
  co_return std::tuple(revert_dictionary(*report));
}

void ManagerObject::ListStorage(sdbus::Result<Dictionaries>&& result) {
  answer_with(bus_, std::move(result), list_storage(), shared_from_this());
}

asio::awaitable<Answer<Dictionaries>> ManagerObject::list_storage() {
  core::Result<std::vector<core::VolumeStorage>> storage = co_await coordinator_.storage().list();
  if (!storage) co_return core::fail(std::move(storage.error()));
  Dictionaries places;
  for (const core::VolumeStorage& one : *storage) places.push_back(storage_dictionary(one));
  co_return std::tuple(std::move(places));
}

void ManagerObject::ResizeStorage(sdbus::Result<>&& result, std::string target, std::uint64_t maximum) {
  answer_with(bus_, std::move(result), resize_storage(sender(), std::move(target), maximum),
              shared_from_this());
}

asio::awaitable<Answer<>> ManagerObject::resize_storage(std::string sender, std::string target,
                                                        std::uint64_t maximum) {
  core::Result<Caller> caller = co_await allow(std::move(sender), Action::ManageSnapshots);
  if (!caller) co_return core::fail(std::move(caller.error()));
  core::Status resized = co_await coordinator_.storage().resize(std::move(target), maximum);
  co_return no_values(std::move(resized));
}

}  // namespace vss::bus
