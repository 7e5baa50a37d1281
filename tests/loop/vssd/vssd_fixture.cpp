// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/loop/vssd/vssd_fixture.hpp"

#include <sys/mount.h>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "tests/support/requester.hpp"
#include "tests/support/run_program.hpp"

namespace vss::test {
namespace {

std::string comm_of(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

// What a killed vssd has left mounted, the inner ones first.
void unmount_below(const std::filesystem::path& directory) {
  std::vector<std::string> mounts;
  std::ifstream table("/proc/self/mounts");
  for (std::string device, path, rest; table >> device >> path && std::getline(table, rest);) {
    if (path.starts_with(directory.string() + "/")) mounts.push_back(path);
  }
  for (auto mount = mounts.rbegin(); mount != mounts.rend(); ++mount) umount2(mount->c_str(), MNT_DETACH);
}

Snapshot snapshot_from(const Dict& facts) {
  return {get<std::string>(facts, "snapshot_id"), get<std::string>(facts, "volume"),
          get<std::string>(facts, "path"),        get<std::string>(facts, "device"),
          get<double>(facts, "hold_ms"),          get<std::vector<std::string>>(facts, "not_included")};
}

void read_result(const Dict& result, Made& made) {
  made.set_id = get<std::string>(result, "set_id");
  made.consistency = get<std::string>(result, "consistency");
  made.reason = get<std::string>(result, "consistency_reason");
  made.hold_ms = get<double>(result, "hold_ms");
  made.warnings = get<std::vector<std::string>>(result, "warnings");
  for (const Dict& snapshot : get<Dicts>(result, "snapshots"))
    made.snapshots.push_back(snapshot_from(snapshot));
}

}  // namespace

Made::Made() : requester(std::make_unique<Requester>()) {}
Made::~Made() = default;
Made::Made(Made&&) noexcept = default;
Made& Made::operator=(Made&&) noexcept = default;

const Snapshot& Made::of(const std::filesystem::path& volume) const {
  for (const Snapshot& snapshot : snapshots) {
    if (snapshot.volume == volume.string()) return snapshot;
  }
  throw std::runtime_error(volume.string() + " is not in the set; " + error + " " + message);
}

std::string Made::release() const { return name_of(requester->backup("Release")); }

NotingWriter::NotingWriter(const std::string& name, const std::filesystem::path& files)
    : Writer({.name = name, .class_id = "6c1f7f54-6d0b-4a53-9c60-9f3c3f2f5a10"}), files_(files) {}

void NotingWriter::note(const std::string& event, Session& session) {
  {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
  }
  if (const auto hook = hooks.find(event); hook != hooks.end()) hook->second(session);
}

std::vector<std::string> NotingWriter::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

std::size_t NotingWriter::count(const std::string& event) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count(events_.begin(), events_.end(), event));
}

void NotingWriter::clear() {
  const std::lock_guard lock(mutex_);
  events_.clear();
}

std::string NotingWriter::unbalanced() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  int frozen = 0;
  bool wrong = false;
  for (const std::string& event : events_) {
    text += event + " ";
    if (event == "freeze") wrong = wrong || ++frozen != 1;
    if ((event == "thaw" || event == "abort") && frozen > 0) --frozen;
  }
  return wrong || frozen != 0 ? text : std::string();
}

bool NotingWriter::registered() const {
  const std::lock_guard lock(mutex_);
  return registered_;
}

void NotingWriter::on_identify(Metadata& metadata) {
  metadata.add_component(VSS_COMPONENT_DATABASE, "", "data");
  metadata.add_files("", "data", files_.string());
}

void NotingWriter::on_state_changed(vss_writer_state state, const std::string&) {
  const std::lock_guard lock(mutex_);
  registered_ = state == VSS_WRITER_REGISTERED;
}

VssdTest::VssdTest() { setenv("DBUS_SYSTEM_BUS_ADDRESS", bus_.address().c_str(), 1); }

VssdTest::~VssdTest() {
  writers_.clear();
  if (vssd_ && vssd_->is_running()) {
    vssd_->signal(SIGCONT);
    stop_vssd();
  }
  vssd_.reset();
  unmount_below(runtime_dir());
}

void VssdTest::start_vssd(const std::string& configuration) {
  vssd_ = std::make_unique<VssdProcess>(
      bus_,
      VssdProcess::Options{.config = configuration, .environment = {}, .directory = volumes_.directory()});
}

void VssdTest::stop_vssd() {
  vssd_->signal(SIGTERM);
  EXPECT_EQ(vssd_->wait(), 0);
}

Made VssdTest::make_set(const Paths& volumes, const Wish& wish) {
  Requester::Plan plan;
  plan.provider.clear();
  plan.context = wish.context;
  plan.components = wish.components;
  plan.select_components = !wish.components.empty();
  plan.options["require"] = sdbus::Variant(wish.require);
  for (const auto& volume : volumes) plan.volumes.push_back(volume.string());
  Made made;
  Reply<> prepared = made.requester->run_until(plan, "DoSnapshotSet");
  if (prepared && wish.late) wish.late();
  Reply<Dict> done =
      prepared ? made.requester->backup<Dict>("DoSnapshotSet") : tl::unexpected(prepared.error());
  if (done) {
    read_result(*done, made);
  } else {
    made.error = done.error().name;
    made.message = done.error().message;
  }
  return made;
}

pid_t VssdTest::hold_helper() const {
  std::error_code gone;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(vssd_->pid()) + "/task", gone)) {
    std::ifstream children(task.path() / "children");
    for (std::string child; children >> child;) {
      if (comm_of(child) == "vssd-hold") return static_cast<pid_t>(std::stoi(child));
    }
  }
  return 0;
}

NotingWriter& VssdTest::add_writer(const std::string& name, const std::filesystem::path& files,
                                   std::map<std::string, NotingWriter::Hook> hooks) {
  writers_.push_back(std::make_unique<NotingWriter>(name, files));
  NotingWriter& writer = *writers_.back();
  writer.hooks = std::move(hooks);
  writer.start();
  EXPECT_TRUE(wait_until([&] { return writer.registered(); }, 20s)) << name << " did not register";
  return writer;
}

std::size_t VssdTest::writer_count() {
  Requester requester;
  const Reply<Dicts> writers = requester.manager<Dicts>("ListWriters");
  return writers ? writers->size() : 0;
}

std::vector<std::string> VssdTest::leftovers() const {
  std::vector<std::string> found;
  const bool none = wait_until(
      [&] {
        found = volumes_.leftovers(runtime_dir());
        return found.empty();
      },
      5s);
  return none ? std::vector<std::string>() : found;
}

std::vector<std::string> VssdTest::blocked(const Paths& volumes, std::chrono::milliseconds limit) {
  std::vector<std::string> stuck;
  for (const auto& volume : volumes) {
    if (!write_succeeds(volume, limit)) stuck.push_back(volume.string());
  }
  return stuck;
}

std::string VssdTest::vssctl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), VSSCTL_PROGRAM);
  return run_program(arguments);
}

}  // namespace vss::test
