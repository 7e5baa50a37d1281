// SPDX-License-Identifier: LGPL-2.1-or-later
// A provider without a filesystem, for tests: it does what a script says (fake_script.hpp).
//
// VSSD_FAKE_PROVIDER_SCRIPT names the script. VSSD_FAKE_PROVIDER=auto makes it eligible for any volume;
// otherwise it is used only when asked for by name. Its snapshots are empty files <set>.<snapshot> in
// <script>.snapshots (without a script, in its runtime directory), so that a test can count what is left
// over. One that is broken away is called broken.<snapshot>. A reverted volume is only noted in the log.
//
// Settings: "greeting" and "times" are known, and noted in the log of the script; nothing else is.

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "providers/fake/fake_script.hpp"
#include "vss/provider_module.hpp"

namespace vss::fake {

namespace {
std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

class FakeProvider final : public SnapshotProvider {
 public:
  FakeProvider(const ProviderHost& host, const std::string& runtime_dir)
      : script_(environment("VSSD_FAKE_PROVIDER_SCRIPT")), snapshots_(snapshot_directory(runtime_dir)) {
    script_.play("load", {"greeting=" + host.setting("greeting", ""), "times=" + host.setting("times", "1")});
    std::filesystem::create_directories(snapshots_);
  }

  void is_volume_supported(const ProviderHost& host, const vss_volume& volume) override {
    script_.play("is_volume_supported", {volume.path});
    // Neither kind makes vssd hold anything. Two of the second kind have no instant in common.
    if (refused_) return host.supported(VSS_HOLD_IMPOSSIBLE, "");
    host.supported(VSS_HOLD_NOT_NEEDED, "fake");
  }
  void begin_prepare(const ProviderHost& host, const vss_member& member) override {
    script_.play("begin_prepare", {member.set_id, member.snapshot_id});
    host.set_data(member.snapshot_id, "fake");
  }
  void end_prepare(const ProviderHost&, const std::string& set) override {
    script_.play("end_prepare", {set});
  }
  void pre_commit(const ProviderHost&, const std::string& set) override { script_.play("pre_commit", {set}); }
  void commit(const ProviderHost&, const std::string& set, std::span<const vss_member> members) override {
    std::vector<std::string> ids{set};
    for (const vss_member& member : members) ids.emplace_back(member.snapshot_id);
    refuse(script_.play("commit", ids, {"refuse-hold", "refuse-hold-once"}), set);
    for (const vss_member& member : members) std::ofstream(file_of(member)).flush();
  }
  void post_commit(const ProviderHost&, const std::string& set) override {
    script_.play("post_commit", {set});
  }
  void pre_final_commit(const ProviderHost&, const std::string& set) override {
    script_.play("pre_final_commit", {set});
  }
  void post_final_commit(const ProviderHost&, const std::string& set) override {
    script_.play("post_final_commit", {set});
  }
  void abort(const ProviderHost&, const std::string& set) override {
    script_.play("abort", {set});
    std::vector<std::filesystem::path> of_set;
    for (const auto& entry : std::filesystem::directory_iterator(snapshots_)) {
      if (entry.path().filename().string().starts_with(set)) of_set.push_back(entry.path());
    }
    for (const auto& path : of_set) std::filesystem::remove(path);
  }
  void remove(const ProviderHost&, const vss_member& snapshot) override {
    script_.play("remove", {snapshot.set_id, snapshot.snapshot_id});
    std::filesystem::remove(file_of(snapshot));
  }
  bool query(const ProviderHost&, const vss_member& snapshot) override {
    script_.play("query", {snapshot.set_id, snapshot.snapshot_id});
    return std::filesystem::exists(file_of(snapshot));
  }
  void mount_info(const ProviderHost& host, const vss_member& snapshot, bool writable) override {
    script_.play("mount_info", {snapshot.set_id, snapshot.snapshot_id, writable ? "rw" : "ro"});
    // Something to mount, but no window on the volume: nobody can harm it through a snapshot that is none.
    host.set_mount(snapshots_.string(), "none", "bind", "");
  }

  void check_health(const ProviderHost& host, const vss_member& snapshot) override {
    const auto action =
        script_.play("check_health", {snapshot.set_id, snapshot.snapshot_id}, {"at-risk", "lost"});
    if (action.verb == "lost") return host.set_health(VSS_HEALTH_LOST, 0, action.argument);
    if (action.verb != "at-risk") return host.set_health(VSS_HEALTH_GOOD, -1, "");
    const auto space = action.argument.find(' ');
    host.set_health(VSS_HEALTH_AT_RISK, std::stoll(action.argument.substr(0, space)),
                    space == std::string::npos ? "" : action.argument.substr(space + 1));
  }

  void break_snapshot(const ProviderHost& host, const vss_member& snapshot, bool writable) override {
    const auto action = script_.play(
        "break_snapshot", {snapshot.set_id, snapshot.snapshot_id, writable ? "rw" : "ro"}, {"stop-after"});
    const std::filesystem::path broken = snapshots_ / ("broken." + std::string(snapshot.snapshot_id));
    if (!std::filesystem::exists(broken)) {
      if (!std::filesystem::exists(file_of(snapshot)))
        throw ProviderError(VSS_PROVIDER_E_OBJECT_NOT_FOUND, "the snapshot does not exist");
      std::filesystem::rename(file_of(snapshot), broken);
    }
    if (action.verb == "stop-after") script_.wait_while("break_snapshot", "stop-after");
    host.set_location(broken.string(), "/dev/" + broken.filename().string());
  }

  void revert(const ProviderHost& host, const vss_member& snapshot, bool force) override {
    auto action =
        script_.play("revert", {snapshot.set_id, snapshot.snapshot_id, force ? "force" : "no-force"},
                     {"consume", "none", "pending-reboot", "running", "done"});
    if (action.verb == "consume") {
      std::filesystem::remove(file_of(snapshot));
      const auto space = action.argument.find(' ');
      action = {action.argument.substr(0, space), action.argument.substr(space + 1)};
    }
    answer_revert(host, action, VSS_REVERT_DONE);
  }

  void revert_status(const ProviderHost& host, const vss_volume& volume) override {
    answer_revert(host,
                  script_.play("revert_status", {volume.path}, {"none", "pending-reboot", "running", "done"}),
                  VSS_REVERT_NONE);
  }

  void storage(const ProviderHost& host, const vss_volume& volume) override {
    std::istringstream words(script_.play("storage", {volume.path}, {"is"}).argument);
    std::string used = "0";
    std::string allocated = "0";
    std::uint64_t maximum = 0;
    words >> used >> allocated >> maximum;
    const auto bytes = [](const std::string& text) {
      return text == "-" ? VSS_STORAGE_UNKNOWN : std::stoull(text);
    };
    host.add_storage(volume.path, snapshots_.string(), bytes(used), bytes(allocated), maximum);
  }

  void resize_storage(const ProviderHost&, const vss_member& target, std::uint64_t maximum) override {
    script_.play("resize_storage", {target.snapshot_id, target.volume.path, std::to_string(maximum)});
  }

 private:
  static void answer_revert(const ProviderHost& host, const FakeScript::Action& action, int otherwise) {
    static const std::map<std::string, int> kStates = {{"none", VSS_REVERT_NONE},
                                                       {"pending-reboot", VSS_REVERT_PENDING_REBOOT},
                                                       {"running", VSS_REVERT_RUNNING},
                                                       {"done", VSS_REVERT_DONE}};
    const auto state = kStates.find(action.verb);
    std::istringstream words(action.argument);
    int percent = -1;
    std::string message;
    if (!(words >> percent)) percent = -1;
    std::getline(words >> std::ws, message);
    host.set_revert(state == kStates.end() ? otherwise : state->second, percent, message);
  }

  void refuse(const FakeScript::Action& action, const std::string& set) {
    if (action.verb == "ok") return;
    if (action.verb == "refuse-hold-once" && refused_set_ == set) return;
    refused_set_ = set;
    refused_ = true;
    throw ProviderError(VSS_PROVIDER_E_HOLD_REFUSED, action.argument);
  }
  static std::filesystem::path snapshot_directory(const std::string& runtime_dir) {
    const std::string script = environment("VSSD_FAKE_PROVIDER_SCRIPT");
    return script.empty() ? runtime_dir + "/snapshots" : script + ".snapshots";
  }
  [[nodiscard]] std::filesystem::path file_of(const vss_member& member) const {
    return snapshots_ / (std::string(member.set_id) + "." + member.snapshot_id);
  }

  FakeScript script_;
  std::filesystem::path snapshots_;
  std::atomic<bool> refused_ = false;  // is_volume_supported may come from another thread
  std::string refused_set_;
};

std::uint32_t flags() { return environment("VSSD_FAKE_PROVIDER") == "auto" ? 0 : VSS_PROVIDER_ONLY_BY_NAME; }
}  // namespace

}  // namespace vss::fake

VSS_PROVIDER_MODULE(vss::fake::FakeProvider, "fake", VSSD_VERSION, vss::fake::flags(), -1000)
