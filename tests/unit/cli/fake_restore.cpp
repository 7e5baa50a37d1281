// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/cli/fake_restore.hpp"

#include <utility>

#include <vss_dbus/restore_adaptor.hpp>

namespace vss::test {
namespace {

class FakeRestore final : public FakeRestoreObject,
                          public sdbus::AdaptorInterfaces<org::vssd::Vss1::Restore_adaptor> {
 public:
  FakeRestore(sdbus::IConnection& connection, Script& script, CallLog& log)
      : AdaptorInterfaces(connection, sdbus::ObjectPath(kRestorePath)), script_(script), log_(log) {
    registerAdaptor();
  }
  ~FakeRestore() override { unregisterAdaptor(); }

 private:
  using Plain = sdbus::Result<>;
  using Text = const std::string&;

  template <typename... Results>
  void answer(const std::string& method, const std::string& words, sdbus::Result<Results...>&& result,
              const Results&... values) {
    log_.add("Restore." + method + words);
    const auto error = script_.errors.find(method);
    if (error == script_.errors.end()) return result.returnResults(values...);
    result.returnError(sdbus::Error(ErrorName("org.vssd.Vss1.Error." + error->second), "scripted"));
  }
  // A call on a component: "class instance_name path/name".
  void on_component(const std::string& method, Plain&& result, Text class_id, Text instance, Text path,
                    Text name, const std::string& more) {
    answer(method, " " + class_id + "|" + instance + "|" + path + "/" + name + " " + more, std::move(result));
  }
  static std::string yes(bool value) { return value ? "yes" : "no"; }

  void SetRestoreState(Plain&& result, std::string type) override {
    answer("SetRestoreState", " " + type, std::move(result));
  }
  void GatherWriterMetadata(sdbus::Result<std::vector<Dict>>&& result) override {
    answer("GatherWriterMetadata", "", std::move(result), script_.writers);
  }
  void SetSelectedForRestore(Plain&& result, std::string class_id, std::string instance, std::string path,
                             std::string name, bool selected, std::string into) override {
    on_component("SetSelectedForRestore", std::move(result), class_id, instance, path, name,
                 yes(selected) + into);
  }
  void AddRestoreSubcomponent(Plain&& result, std::string class_id, std::string instance, std::string path,
                              std::string name, std::string sub_path, std::string sub_name) override {
    on_component("AddRestoreSubcomponent", std::move(result), class_id, instance, path, name,
                 sub_path + "/" + sub_name);
  }
  void SetRestoreOptions(Plain&& result, std::string class_id, std::string instance, std::string path,
                         std::string name, std::string options) override {
    on_component("SetRestoreOptions", std::move(result), class_id, instance, path, name, options);
  }
  void SetAdditionalRestores(Plain&& result, std::string class_id, std::string instance, std::string path,
                             std::string name, bool additional) override {
    on_component("SetAdditionalRestores", std::move(result), class_id, instance, path, name, yes(additional));
  }
  void SetRestoreName(Plain&& result, std::string class_id, std::string instance, std::string path,
                      std::string name, std::string restore_name) override {
    on_component("SetRestoreName", std::move(result), class_id, instance, path, name, restore_name);
  }
  void SetAuthoritativeRestore(Plain&& result, std::string class_id, std::string instance, std::string path,
                               std::string name, bool authoritative) override {
    on_component("SetAuthoritativeRestore", std::move(result), class_id, instance, path, name,
                 yes(authoritative));
  }
  void SetRollForward(Plain&& result, std::string class_id, std::string instance, std::string path,
                      std::string name, std::string type, std::string point) override {
    on_component("SetRollForward", std::move(result), class_id, instance, path, name, type + " " + point);
  }
  void AddNewTarget(Plain&& result, std::string class_id, std::string instance, std::string path,
                    std::string name, std::string from, std::string spec, bool recursive,
                    std::string destination) override {
    on_component("AddNewTarget", std::move(result), class_id, instance, path, name,
                 from + " " + spec + " " + yes(recursive) + " " + destination);
  }
  void PreRestore(Plain&& result) override {
    if (!script_.hang.contains("PreRestore")) return answer("PreRestore", "", std::move(result));
    waiting_ = std::make_unique<Plain>(std::move(result));
    log_.add("Restore.PreRestore");
  }
  void AddAlternativeLocationMapping(Plain&& result, std::string class_id, std::string instance,
                                     std::string path, std::string name, std::string from, std::string spec,
                                     bool recursive, std::string destination) override {
    on_component("AddAlternativeLocationMapping", std::move(result), class_id, instance, path, name,
                 from + " " + spec + " " + yes(recursive) + " " + destination);
  }
  void SetFileRestoreStatus(Plain&& result, std::string class_id, std::string instance, std::string path,
                            std::string name, std::string status) override {
    on_component("SetFileRestoreStatus", std::move(result), class_id, instance, path, name, status);
  }
  void SetRangesFilePath(Plain&& result, std::string class_id, std::string instance, std::string path,
                         std::string name, std::uint32_t file, std::string ranges) override {
    on_component("SetRangesFilePath", std::move(result), class_id, instance, path, name,
                 std::to_string(file) + " " + ranges);
  }
  void PostRestore(Plain&& result) override { answer("PostRestore", "", std::move(result)); }
  void GatherWriterStatus(sdbus::Result<std::vector<Dict>>&& result) override {
    answer("GatherWriterStatus", "", std::move(result), script_.status);
  }
  void GetWriterComponents(sdbus::Result<std::string>&& result, std::string class_id,
                           std::string instance) override {
    answer("GetWriterComponents", " " + class_id + "|" + instance, std::move(result),
           std::string(R"({"components":[]})"));
  }
  void SaveDocument(sdbus::Result<std::string>&& result) override {
    answer("SaveDocument", "", std::move(result), script_.document);
  }
  void Cancel(Plain&& result) override {
    if (std::exchange(cancelled_, true)) return result.returnResults();
    if (waiting_)
      waiting_->returnError(sdbus::Error(ErrorName("org.vssd.Vss1.Error.Cancelled"), "cancelled"));
    waiting_.reset();
    answer("Cancel", "", std::move(result));
  }
  void Release(Plain&& result) override { answer("Release", "", std::move(result)); }
  std::string State() override { return "pre-restored"; }
  std::string SessionId() override { return kSetId; }

  Script& script_;
  CallLog& log_;
  std::unique_ptr<Plain> waiting_;
  bool cancelled_ = false;
};

}  // namespace

std::unique_ptr<FakeRestoreObject> make_fake_restore(sdbus::IConnection& connection, Script& script,
                                                     CallLog& log) {
  return std::make_unique<FakeRestore>(connection, script, log);
}

}  // namespace vss::test
