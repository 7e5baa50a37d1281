// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/cli/fake_vssd.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

#include <nlohmann/json.hpp>
#include <vss_dbus/backup_adaptor.hpp>
#include <vss_dbus/manager_adaptor.hpp>

#include "tests/unit/cli/fake_restore.hpp"

namespace vss::test {
namespace {

using Dicts = std::vector<Dict>;
constexpr const char* kManagerPath = "/org/vssd/Vss1";
constexpr const char* kBackupPath = "/org/vssd/Vss1/backup/1";

sdbus::Variant string(const std::string& value) { return sdbus::Variant{value}; }

sdbus::Error error(const std::string& name) {
  return sdbus::Error(ErrorName("org.vssd.Vss1.Error." + name), "scripted " + name);
}

// Answers `result`: with the scripted error of `method`, if there is one, else with these values.
template <typename... Results>
void answer(const Script& script, const std::string& method, sdbus::Result<Results...>&& result,
            const Results&... values) {
  if (const auto at = script.errors.find(method); at != script.errors.end()) {
    result.returnError(error(at->second));
  } else {
    result.returnResults(values...);
  }
}

class FakeBackup final : public sdbus::AdaptorInterfaces<org::vssd::Vss1::Backup_adaptor> {
 public:
  FakeBackup(sdbus::IConnection& connection, Script& script, CallLog& log)
      : AdaptorInterfaces(connection, sdbus::ObjectPath(kBackupPath)), script_(script), log_(log) {
    registerAdaptor();
  }
  ~FakeBackup() { unregisterAdaptor(); }

 private:
  using Plain = sdbus::Result<>;

  // A call without results; it waits for Cancel if the script says so.
  void plain(const std::string& method, Plain&& result, const std::string& arguments = "") {
    log_.add(method + arguments);
    answer(script_, method, std::move(result));
  }

  void SetContext(Plain&& result, std::string context) override {
    plain("SetContext", std::move(result), " " + context);
  }
  void SetBackupState(Plain&& result, bool select, bool bootable, std::string type, bool partial) override {
    plain("SetBackupState", std::move(result),
          std::string(select ? "" : " all") + (bootable ? " bootable" : "") +
              (type == "full" ? "" : " " + type) + (partial ? " partial" : ""));
  }
  void EnableWriterClasses(Plain&& result, std::vector<std::string> ids) override {
    plain("EnableWriterClasses", std::move(result), " " + std::to_string(ids.size()) + " " + ids.front());
  }
  void DisableWriterClasses(Plain&& result, std::vector<std::string> ids) override {
    plain("DisableWriterClasses", std::move(result), " " + std::to_string(ids.size()) + " " + ids.front());
  }
  void DisableWriterInstances(Plain&& result, std::vector<std::string> ids) override {
    plain("DisableWriterInstances", std::move(result), " " + std::to_string(ids.size()) + " " + ids.front());
  }
  void GatherWriterMetadata(sdbus::Result<Dicts>&& result) override {
    log_.add("GatherWriterMetadata");
    answer(script_, "GatherWriterMetadata", std::move(result), script_.writers);
  }
  void AddComponent(Plain&& result, std::string instance, std::string, std::string name) override {
    plain("AddComponent", std::move(result), " " + instance + " " + name);
  }
  void GetWriterComponents(sdbus::Result<std::string>&& result, std::string instance) override {
    log_.add("GetWriterComponents " + instance);
    answer(script_, "GetWriterComponents", std::move(result), std::string(R"({"components":[]})"));
  }
  void SetBackupOptions(Plain&& result, std::string instance, std::string, std::string name,
                        std::string options) override {
    plain("SetBackupOptions", std::move(result), " " + instance + " " + name + " " + options);
  }
  void SetPreviousBackupStamp(Plain&& result, std::string instance, std::string, std::string name,
                              std::string stamp) override {
    plain("SetPreviousBackupStamp", std::move(result), " " + instance + " " + name + " " + stamp);
  }
  void StartSnapshotSet(sdbus::Result<std::string>&& result) override {
    log_.add("StartSnapshotSet");
    answer(script_, "StartSnapshotSet", std::move(result), std::string(kSetId));
  }
  void AddToSnapshotSet(sdbus::Result<std::string>&& result, std::string volume,
                        std::string provider) override {
    log_.add("AddToSnapshotSet " + volume + (provider.empty() ? "" : " " + provider));
    answer(script_, "AddToSnapshotSet", std::move(result), std::string(kSetId));
  }
  void PrepareForBackup(Plain&& result) override { plain("PrepareForBackup", std::move(result)); }
  void DoSnapshotSet(sdbus::Result<Dict>&& result) override {
    emitProgress("freeze", 1, 2, {"PostgreSQL"});
    log_.add("DoSnapshotSet");
    if (script_.hang.contains("DoSnapshotSet")) {
      waiting_ = std::make_unique<sdbus::Result<Dict>>(std::move(result));
      return;
    }
    answer(script_, "DoSnapshotSet", std::move(result),
           Dict{{"set_id", string(kSetId)},
                {"context", string("backup")},
                {"consistency", string("cut")},
                {"consistency_reason", string("")},
                {"hold_ms", sdbus::Variant{2.5}},
                {"snapshots", sdbus::Variant{script_.snapshots}},
                {"warnings", sdbus::Variant{script_.warnings}}});
  }
  void GatherWriterStatus(sdbus::Result<Dicts>&& result) override {
    log_.add("GatherWriterStatus");
    answer(script_, "GatherWriterStatus", std::move(result), script_.status);
  }
  void GetSnapshotProperties(sdbus::Result<Dict>&& result, std::string) override {
    log_.add("GetSnapshotProperties");
    answer(script_, "GetSnapshotProperties", std::move(result), Dict{});
  }
  void SetBackupSucceeded(Plain&& result, std::string, std::string, std::string, bool succeeded) override {
    plain("SetBackupSucceeded", std::move(result), succeeded ? " true" : " false");
  }
  void BackupComplete(Plain&& result) override {
    if (!script_.status_after_complete.empty()) script_.status = script_.status_after_complete;
    plain("BackupComplete", std::move(result));
  }
  void AbortBackup(Plain&& result) override { plain("AbortBackup", std::move(result)); }
  void DeleteSnapshots(sdbus::Result<std::uint32_t, std::string>&& result, std::string kind, std::string id,
                       bool force) override {
    log_.add("Backup.DeleteSnapshots " + kind + " " + id + (force ? " force" : ""));
    answer(script_, "DeleteSnapshots", std::move(result), std::uint32_t{0}, std::string());
  }
  void SaveDocument(sdbus::Result<std::string>&& result) override {
    log_.add("SaveDocument");
    answer(script_, "SaveDocument", std::move(result), script_.document);
  }
  void Cancel(Plain&& result) override {
    // vssctl repeats it until the call that it stops is back: how often, is a matter of chance.
    if (std::exchange(cancelled_, true)) return result.returnResults();
    if (waiting_) waiting_->returnError(error("Cancelled"));
    waiting_.reset();
    plain("Cancel", std::move(result));
  }
  void Release(Plain&& result) override { plain("Release", std::move(result)); }

  std::string State() override { return "initialized"; }
  std::string SessionId() override { return kSetId; }
  std::string SnapshotSetId() override { return kSetId; }
  std::string Context() override { return "backup"; }

  Script& script_;
  CallLog& log_;
  std::unique_ptr<sdbus::Result<Dict>> waiting_;
  bool cancelled_ = false;
};

}  // namespace

class FakeManager final : public sdbus::AdaptorInterfaces<org::vssd::Vss1::Manager_adaptor> {
 public:
  FakeManager(sdbus::IConnection& connection, Script script, CallLog& log)
      : AdaptorInterfaces(connection, sdbus::ObjectPath(kManagerPath)),
        connection_(connection),
        script_(std::move(script)),
        log_(log) {
    registerAdaptor();
  }
  ~FakeManager() { unregisterAdaptor(); }

 private:
  void CreateRestore(sdbus::Result<sdbus::ObjectPath>&& result, std::string document, Dict) override {
    log_.add("CreateRestore " + std::to_string(document.size()));
    restore_.reset();
    restore_ = make_fake_restore(connection_, script_, log_);
    answer(script_, "CreateRestore", std::move(result), sdbus::ObjectPath(kRestorePath));
  }
  void CreateBackup(sdbus::Result<sdbus::ObjectPath>&& result, Dict options) override {
    std::string call = "CreateBackup";
    if (options.contains("policy")) call += " policy=" + options.at("policy").get<std::string>();
    if (options.contains("lock_timeout"))
      call += " lock_timeout=" + std::to_string(options.at("lock_timeout").get<std::uint32_t>());
    if (options.contains("require")) call += " require=" + options.at("require").get<std::string>();
    if (options.contains("auto_recovery"))
      call += " auto_recovery=" + std::to_string(int{options.at("auto_recovery").get<bool>()});
    log_.add(call);
    backup_.reset();  // its path is used again
    backup_ = std::make_unique<FakeBackup>(connection_, script_, log_);
    answer(script_, "CreateBackup", std::move(result), sdbus::ObjectPath(kBackupPath));
  }
  void RegisterWriter(sdbus::Result<std::string>&& result, sdbus::ObjectPath, Dict) override {
    result.returnError(error("NotSupported"));
  }
  void UnregisterWriter(sdbus::Result<>&& result, std::string) override {
    result.returnError(error("NotSupported"));
  }
  void ListWriters(sdbus::Result<Dicts>&& result) override {
    answer(script_, "ListWriters", std::move(result), script_.status);
  }
  void ListProviders(sdbus::Result<Dicts>&& result) override {
    answer(script_, "ListProviders", std::move(result),
           Dicts{{{"name", string("btrfs")}, {"priority", sdbus::Variant{std::int32_t{10}}}}});
  }
  void ListVolumes(sdbus::Result<Dicts>&& result) override {
    answer(script_, "ListVolumes", std::move(result), Dicts{{{"path", string("/srv")}}});
  }
  void IsVolumeSupported(sdbus::Result<bool, Dict>&& result, std::string path, std::string) override {
    log_.add("IsVolumeSupported " + path);
    if (script_.missing.contains(path)) return result.returnError(error("ObjectNotFound"));
    const auto at = script_.volumes.find(path);
    const bool supported = at != script_.volumes.end();
    answer(script_, "IsVolumeSupported", std::move(result), supported,
           supported ? Dict{{"path", string(at->second)}} : Dict{{"reason", string("no provider wants it")}});
  }
  void ListSnapshots(sdbus::Result<Dicts>&& result, Dict filter) override {
    Dicts found;
    for (const Dict& snapshot : script_.snapshots) {
      const bool wanted = std::all_of(filter.begin(), filter.end(), [&](const auto& condition) {
        const std::string key = condition.first == "set" ? "set_id" : "snapshot_id";
        return snapshot.at(key).template get<std::string>() == condition.second.template get<std::string>();
      });
      if (wanted) found.push_back(snapshot);
    }
    answer(script_, "ListSnapshots", std::move(result), found);
  }
  void DeleteSnapshots(sdbus::Result<std::uint32_t, std::string>&& result, std::string kind, std::string id,
                       bool force) override {
    log_.add("DeleteSnapshots " + kind + " " + id + (force ? " force" : ""));
    answer(script_, "DeleteSnapshots", std::move(result), std::uint32_t{2}, std::string());
  }
  void ExposeSnapshot(sdbus::Result<std::string>&& result, std::string id, std::string path) override {
    log_.add("ExposeSnapshot " + id + " " + path);
    answer(script_, "ExposeSnapshot", std::move(result), "/resolved" + path);
  }
  void UnexposeSnapshot(sdbus::Result<>&& result, std::string id) override {
    log_.add("UnexposeSnapshot " + id);
    answer(script_, "UnexposeSnapshot", std::move(result));
  }
  void ListWriterFailures(sdbus::Result<Dicts>&& result, std::string instance) override {
    log_.add("ListWriterFailures " + instance);
    answer(script_, "ListWriterFailures", std::move(result), script_.failures);
  }
  void ResetWriter(sdbus::Result<>&& result, std::string id) override {
    log_.add("ResetWriter " + id);
    answer(script_, "ResetWriter", std::move(result));
  }
  void CollectGarbage(sdbus::Result<std::uint32_t>&& result) override {
    answer(script_, "CollectGarbage", std::move(result), std::uint32_t{3});
  }
  void BreakSnapshotSet(sdbus::Result<Dicts>&& result, std::string set, Dict options) override {
    log_.add("BreakSnapshotSet " + set + (options.at("writable").get<bool>() ? " writable" : ""));
    answer(
        script_, "BreakSnapshotSet", std::move(result),
        Dicts{{{"snapshot_id", string("s")}, {"volume", string("/srv")}, {"location", string("/.vssd/x")}}});
  }
  void RevertToSnapshot(sdbus::Result<Dict>&& result, std::string snapshot, bool force) override {
    log_.add("RevertToSnapshot " + snapshot + (force ? " force" : ""));
    answer(script_, "RevertToSnapshot", std::move(result), revert_status("done", 100));
  }
  void QueryRevertStatus(sdbus::Result<Dict>&& result, std::string volume) override {
    log_.add("QueryRevertStatus " + volume);
    answer(script_, "QueryRevertStatus", std::move(result), revert_status("running", 40));
  }
  void ListStorage(sdbus::Result<Dicts>&& result) override {
    answer(script_, "ListStorage", std::move(result),
           Dicts{{{"volume", string("/srv")},
                  {"provider", string("lvm")},
                  {"location", string("data/store")},
                  {"used", sdbus::Variant{std::uint64_t{1} << 20}},
                  {"maximum", sdbus::Variant{std::uint64_t{0}}},
                  {"error", string("")}},
                 {{"volume", string("/gone")}, {"provider", string("lvm")}, {"error", string("no group")}}});
  }
  void ResizeStorage(sdbus::Result<>&& result, std::string target, std::uint64_t maximum) override {
    log_.add("ResizeStorage " + target + " " + std::to_string(maximum));
    answer(script_, "ResizeStorage", std::move(result));
  }
  static Dict revert_status(const std::string& state, std::int32_t percent) {
    return {{"volume", string("/srv")},
            {"provider", string("btrfs")},
            {"state", string(state)},
            {"percent", sdbus::Variant{percent}},
            {"message", string("the former content is kept")}};
  }
  void GetStatus(sdbus::Result<Dict>&& result) override {
    answer(script_, "GetStatus", std::move(result),
           Dict{{"version", string("9.9")}, {"sessions", sdbus::Variant{Dicts{}}}});
  }
  std::string Version() override {
    log_.add("Version");
    return "9.9";
  }

  sdbus::IConnection& connection_;
  Script script_;
  CallLog& log_;
  std::unique_ptr<FakeBackup> backup_;
  std::unique_ptr<FakeRestoreObject> restore_;
};

void CallLog::add(std::string call) {
  const std::lock_guard lock(mutex_);
  calls_.push_back(std::move(call));
  changed_.notify_all();
}

std::vector<std::string> CallLog::all() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

void CallLog::clear() {
  const std::lock_guard lock(mutex_);
  calls_.clear();
}

bool CallLog::wait_for(const std::string& call) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(10),
                           [&] { return std::find(calls_.begin(), calls_.end(), call) != calls_.end(); });
}

FakeVssd::FakeVssd(Script script, CallLog& log) : connection_(sdbus::createSystemBusConnection()) {
  manager_ = std::make_unique<FakeManager>(*connection_, std::move(script), log);
  connection_->requestName(ServiceName("org.vssd.Vss1"));
  connection_->enterEventLoopAsync();
}

FakeVssd::~FakeVssd() { connection_->leaveEventLoop(); }

void FakeVssd::emit_event(const std::string& writer, const std::string& event) {
  manager_->emitEvent(kSetId, kSetId, writer, kSetId, event, "ok", 1.5);
}

Dict writer_with_files(const std::string& name, const std::vector<std::string>& paths) {
  nlohmann::json files = nlohmann::json::array();
  for (const std::string& path : paths) files.push_back({{"path", path}, {"spec", "*"}, {"recursive", true}});
  const nlohmann::json component{{"logical_path", ""}, {"name", "data"}, {"files", files}};
  const nlohmann::json document{{"version", 1}, {"components", nlohmann::json::array({component})}};
  return {{"instance_id", string(name + "-instance")},
          {"class_id", string(name + "-class")},
          {"name", string(name)},
          {"instance_name", string("")},
          {"document", string(document.dump())}};
}

Dict writer_status(const std::string& name, const std::string& state, const std::string& failure,
                   const std::string& message) {
  return {{"name", string(name)},       {"instance_id", string(name + "-instance")},
          {"state", string(state)},     {"failure", string(failure)},
          {"message", string(message)}, {"selected", sdbus::Variant{true}}};
}

Dict failure_of(const std::string& name, const std::string& event, const std::string& message) {
  return {{"name", string(name)},
          {"event", string(event)},
          {"message", string(message)},
          {"failure", string("WriterRetryable")},
          {"unit", string(name + ".service")},
          {"pid", sdbus::Variant{std::uint32_t{4711}}},
          {"time", sdbus::Variant{std::uint64_t{1700000000}}}};
}

Dict snapshot_of(const std::string& volume, const std::string& path) {
  return {{"snapshot_id", string("99999999-2222-4333-8444-555555555555")},
          {"set_id", string(kSetId)},
          {"volume", string(volume)},
          {"provider", string("btrfs")},
          {"path", string(path)},
          {"device", string("")},
          {"hold_ms", sdbus::Variant{2.5}}};
}

}  // namespace vss::test
