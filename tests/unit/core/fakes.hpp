// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Fakes of all ports of the core, and a trace of what happened in which order. Unit ring only.

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <asio/io_context.hpp>

#include "daemon/core/coordinator.hpp"

namespace vss::core::fakes {

using Trace = std::vector<std::string>;

// What a fake does in an operation or event: by default it succeeds.
struct Behaviour {
  enum class Kind { Succeed, Fail, FailWithoutVeto, Hang } kind = Kind::Succeed;
  ErrorCode code = ErrorCode::WriterNonRetryable;
};
using Script = std::map<std::string, Behaviour>;  // by name of the operation or event

inline asio::awaitable<void> hang() { co_await wait_for(Signal{}, TimePoint::max()); }

class FakeWriter final : public Writer {
 public:
  FakeWriter(Trace& trace, std::string name, WriterLevel level) : trace_(trace) {
    info_.name = std::move(name);
    info_.instance_id = Guid::random();
    info_.class_id = Guid::random();
    info_.level = level;
  }
  [[nodiscard]] const WriterInfo& info() const override { return info_; }
  [[nodiscard]] bool is_alive() const override { return alive; }
  asio::awaitable<Result<std::string>> identify(std::chrono::milliseconds) override {
    if (script["Identify"].kind != Behaviour::Kind::Succeed)
      co_return fail(ErrorCode::WriterNotResponding, "no");
    co_return document;
  }
  asio::awaitable<WriterAnswer> deliver(WriterEvent event, EventArgs args,
                                        std::chrono::milliseconds limit) override {
    const std::string name(to_string(event));
    trace_.push_back(info_.name + " " + name);
    events.push_back(name);
    sets.push_back(args.set);
    told[name] = args;
    const Behaviour behaviour = script[name];
    switch (behaviour.kind) {
      case Behaviour::Kind::Succeed:
        co_return WriterAnswer{std::nullopt, answers.contains(name) ? answers.at(name) : ""};
      case Behaviour::Kind::Fail:
        co_return WriterAnswer{WriterFailure{behaviour.code, 7, "scripted", true}, {}};
      case Behaviour::Kind::FailWithoutVeto:
        co_return WriterAnswer{WriterFailure{behaviour.code, 7, "scripted", false}, {}};
      case Behaviour::Kind::Hang:
        break;
    }
    co_await wait_for(Signal{}, std::chrono::steady_clock::now() + limit);
    const bool timed = event == WriterEvent::Freeze || event == WriterEvent::Thaw;
    const ErrorCode code = timed ? ErrorCode::WriterTimeout : ErrorCode::WriterNotResponding;
    co_return WriterAnswer{WriterFailure{code, 0, "silent", true}, {}};
  }
  WriterInfo& mutable_info() { return info_; }

  Script script;
  bool alive = true;
  Trace events;
  std::vector<Guid> sets;
  std::string document = R"({"version":1,"components":[{"logical_path":"","name":"data"}]})";
  std::map<std::string, std::string> answers;  // event: what the writer writes into its components
  std::map<std::string, EventArgs> told;       // event: what the last one carried

 private:
  Trace& trace_;
  WriterInfo info_;
};

class FakeProvider final : public Provider {
 public:
  explicit FakeProvider(Trace& trace) : trace_(trace) { info_.name = "fake"; }
  [[nodiscard]] const ProviderInfo& info() const override { return info_; }
  [[nodiscard]] std::string overdue() const override { return {}; }
  [[nodiscard]] std::string stuck_in() const override { return {}; }
  asio::awaitable<Result<VolumeSupport>> is_volume_supported(Volume) override {
    if (refusals_seen > 0) trace_.push_back("provider is_volume_supported");
    co_return VolumeSupport{supported, refusals_seen > 0 ? hold_after_refusal : hold, {}, "scripted"};
  }
  asio::awaitable<Status> begin_prepare(Member member) override {
    members_[member.snapshot_id] = member;
    return run("begin_prepare");
  }
  asio::awaitable<Status> end_prepare(Guid) override { return run("end_prepare"); }
  asio::awaitable<Status> pre_commit(Guid) override { return run("pre_commit"); }
  asio::awaitable<Result<CaptureReport>> commit(Guid, std::vector<Guid> snapshots) override {
    if (commit_takes.count() > 0)
      co_await wait_for(Signal{}, std::chrono::steady_clock::now() + commit_takes);
    Status done = co_await run("commit");
    if (!done) co_return fail(std::move(done.error()));
    if (refusals > 0) {
      --refusals;
      ++refusals_seen;
      if (on_refusal) on_refusal();
      co_return CaptureReport{false, "busy (" + std::to_string(refusals_seen) + ")", true};
    }
    existing.insert(snapshots.begin(), snapshots.end());
    co_return report;
  }
  asio::awaitable<Status> post_commit(Guid) override { return run("post_commit"); }
  asio::awaitable<Status> pre_final_commit(Guid) override { return run("pre_final_commit"); }
  asio::awaitable<Status> post_final_commit(Guid) override { return run("post_final_commit"); }
  asio::awaitable<Status> abort(Guid set) override {
    for (const auto& [id, member] : members_) {
      if (member.set_id == set) existing.erase(id);
    }
    if (on_abort) co_await on_abort();
    co_return co_await run("abort");
  }
  [[nodiscard]] Result<Member> member(Guid snapshot) const override {
    const auto at = members_.find(snapshot);
    if (at == members_.end()) return fail(ErrorCode::ObjectNotFound, "no member");
    return at->second;
  }
  void forget(Guid set) override {
    std::erase_if(members_, [&](const auto& entry) { return entry.second.set_id == set; });
  }
  asio::awaitable<Status> remove(Member snapshot) override {
    if (on_remove) co_await on_remove();
    Status done = co_await run("remove");
    if (done) existing.erase(snapshot.snapshot_id);
    co_return done;
  }
  asio::awaitable<Result<bool>> exists(Member snapshot) override {
    co_return existing.contains(snapshot.snapshot_id);
  }
  asio::awaitable<Result<MountSpec>> mount_info(Member, bool) override {
    co_return MountSpec{"src", "fs", "", ""};
  }
  asio::awaitable<Result<HealthReport>> check_health(Member snapshot) override {
    checked.push_back(snapshot.snapshot_id);
    if (health_throws) throw std::runtime_error("scripted");
    if (Status done = co_await run("check_health"); !done) co_return fail(std::move(done.error()));
    const auto at = health.find(snapshot.snapshot_id);
    co_return at == health.end() ? HealthReport{} : at->second;
  }

  asio::awaitable<Result<BrokenLocation>> break_snapshot(Member snapshot, bool writable) override {
    Status done = co_await run(writable ? "break_snapshot rw" : "break_snapshot ro");
    if (!done) co_return fail(std::move(done.error()));
    const Guid id = snapshot.snapshot_id;
    if (broken.size() >= break_fails_after) co_return fail(ErrorCode::ProviderVeto, "scripted");
    if (!broken.contains(id) && existing.erase(id) == 0) co_return fail(ErrorCode::ObjectNotFound, "gone");
    broken.insert(id);
    co_return BrokenLocation{"/broken" + snapshot.volume.path, "/dev/broken"};
  }
  asio::awaitable<Result<RevertStatus>> revert(Member snapshot, bool force) override {
    Status done = co_await run(force ? "revert force" : "revert");
    if (!done) co_return fail(std::move(done.error()));
    if (revert_uses_up) existing.erase(snapshot.snapshot_id);
    co_return revert_answer;
  }
  asio::awaitable<Result<RevertStatus>> revert_status(Volume) override {
    if (Status done = co_await run("revert_status"); !done) co_return fail(std::move(done.error()));
    co_return revert_state;
  }
  asio::awaitable<Result<std::vector<StorageReport>>> storage(Volume volume) override {
    if (Status done = co_await run("storage"); !done) co_return fail(std::move(done.error()));
    co_return std::vector<StorageReport>{{volume.path, "store", 10, 20, 0}};
  }
  asio::awaitable<Status> resize_storage(Member target, std::uint64_t maximum) override {
    return run("resize_storage " + target.volume.path + " " + std::to_string(maximum));
  }

  std::size_t break_fails_after = SIZE_MAX;  // when so many are broken
  std::set<Guid> broken;
  bool revert_uses_up = false;
  RevertStatus revert_answer{RevertState::Done, 100, ""};
  RevertStatus revert_state;
  Script script;
  HoldAbility hold = HoldAbility::Freeze;
  CaptureReport report;
  Milliseconds commit_takes{0};
  int refusals = 0;  // how many commits refuse the hold
  int refusals_seen = 0;
  HoldAbility hold_after_refusal = HoldAbility::Freeze;
  bool supported = true;
  std::function<void()> on_refusal;
  std::function<asio::awaitable<void>()> on_abort;
  std::function<asio::awaitable<void>()> on_remove;
  std::map<Guid, HealthReport> health;
  bool health_throws = false;
  std::vector<Guid> checked;
  std::set<Guid> existing;

 private:
  asio::awaitable<Status> run(std::string operation) {
    // The watch goes by a clock of its own.
    if (operation != "check_health") trace_.push_back("provider " + operation);
    const Behaviour behaviour = script[operation];
    if (behaviour.kind == Behaviour::Kind::Hang) co_await hang();
    if (behaviour.kind == Behaviour::Kind::Fail) co_return fail(ErrorCode::ProviderVeto, "scripted");
    co_return Status();
  }
  Trace& trace_;
  ProviderInfo info_;
  std::map<Guid, Member> members_;
};

class FakeProviders final : public Providers {
 public:
  explicit FakeProviders(FakeProvider& provider) : provider_(provider) {}
  [[nodiscard]] std::vector<Provider*> all() const override { return {&provider_}; }
  [[nodiscard]] Provider* find(std::string_view name) const override {
    return name == "fake" ? &provider_ : nullptr;
  }
  asio::awaitable<Result<ProviderChoice>> choose(Volume volume, std::string name) override {
    if (!name.empty() && name != "fake") co_return fail(ErrorCode::ProviderNotRegistered, name);
    Result<VolumeSupport> support = co_await provider_.is_volume_supported(std::move(volume));
    co_return ProviderChoice{&provider_, *support};
  }

 private:
  FakeProvider& provider_;
};

class FakeVolumes final : public VolumeFacts {
 public:
  explicit FakeVolumes(Trace& trace) : trace_(trace) {}
  asio::awaitable<Result<Volume>> resolve(std::string path) override {
    if (!path.starts_with('/')) co_return fail(ErrorCode::InvalidArgument, "not absolute");
    if (missing.contains(path)) co_return fail(ErrorCode::ObjectNotFound, path);
    Volume volume;
    volume.path = volume.mount_point = root_of(path);
    // /bind/x is a bind mount of /x
    volume.superblock = path.starts_with("/bind") ? path.substr(5) : volume.path;
    co_return volume;
  }
  asio::awaitable<Result<std::vector<Volume>>> list() override { co_return mounted; }
  asio::awaitable<Status> flush(std::vector<Volume>, std::uint32_t) override {
    trace_.push_back("flush");
    co_return flush_result;
  }
  Status flush_result;
  std::set<std::string> missing;
  std::vector<Volume> mounted;  // beside one volume per first part of a path

 private:
  [[nodiscard]] std::string root_of(const std::string& path) const {
    for (const Volume& volume : mounted) {
      if (path.starts_with(volume.path)) return volume.path;
    }
    return path.starts_with("/bind") ? path : path.substr(0, path.find('/', 1));
  }

  Trace& trace_;
};

class FakeHolder final : public Holder {
 public:
  explicit FakeHolder(Trace& trace) : trace_(trace) {}
  struct Window final : HoldWindow {
    explicit Window(FakeHolder& owner) : holder(owner) {}
    asio::awaitable<Status> hold(std::size_t index) override {
      return holder.run("hold " + std::to_string(index), +1);
    }
    asio::awaitable<Result<HoldTimes>> release(std::size_t index) override {
      Status done = co_await holder.run("release " + std::to_string(index), -1);
      if (!done) co_return fail(std::move(done.error()));
      co_return HoldTimes{std::chrono::milliseconds(10), std::chrono::milliseconds(15)};
    }
    [[nodiscard]] bool was_let_go() const override { return holder.let_go; }
    asio::awaitable<Status> finish() override {
      holder.held = 0;
      holder.trace_.push_back("finish");
      co_return Status();
    }
    FakeHolder& holder;
  };
  asio::awaitable<Result<std::unique_ptr<HoldWindow>>> arm(Guid, std::vector<HoldTarget>,
                                                           std::chrono::milliseconds) override {
    Status done = co_await run("arm", 0);
    if (!done) co_return fail(std::move(done.error()));
    co_return std::make_unique<Window>(*this);
  }
  Script script;
  int held = 0;
  bool let_go = false;
  std::map<std::string, std::string> until;  // an operation takes until that other one is asked for

 private:
  asio::awaitable<Status> run(std::string operation, int change) {
    trace_.push_back(operation);
    asked_[operation].set();
    if (const auto other = until.find(operation); other != until.end())
      co_await wait_for(asked_[other->second], TimePoint::max());
    if (script[operation].kind == Behaviour::Kind::Fail)
      co_return fail(ErrorCode::HoldWritesTimeout, "scripted");
    held += change;
    co_return Status();
  }
  Trace& trace_;
  std::map<std::string, Signal> asked_;
};

class FakeCatalogue final : public Catalogue {
 public:
  asio::awaitable<Status> store(SetRecord record) override {
    if (full) co_return fail(ErrorCode::InsufficientStorage, "disk full");
    if (on_store) co_await on_store(record.state);
    records[record.set_id] = record;
    co_return Status();
  }
  asio::awaitable<Status> erase(Guid set) override {
    records.erase(set);
    co_return Status();
  }
  asio::awaitable<Result<std::vector<SetRecord>>> load() override {
    std::vector<SetRecord> all;
    for (const auto& [id, record] : records) all.push_back(record);
    co_return all;
  }
  std::map<Guid, SetRecord> records;
  std::function<asio::awaitable<void>(SetState)> on_store;
  bool full = false;
};

class FakeMounter final : public Mounter {
 public:
  explicit FakeMounter(Trace& trace) : trace_(trace) {}
  asio::awaitable<Result<std::string>> mount(Guid, Guid snapshot, MountSpec, bool writable) override {
    trace_.push_back(writable ? "mount rw" : "mount ro");
    mounted.insert(snapshot);
    if (on_mount) co_await on_mount(snapshot);
    co_return "/run/vssd/snapshots/x/" + snapshot.str();
  }
  asio::awaitable<Status> unmount(Guid, Guid snapshot) override {
    mounted.erase(snapshot);
    co_return Status();
  }
  // Finds "/real/x" at "/x".
  asio::awaitable<Result<std::string>> find_mount_point(std::string path) override {
    if (on_find) co_await on_find();
    if (places_refused.contains(path)) co_return fail(places_refused.at(path), "scripted");
    co_return "/real" + path;
  }
  asio::awaitable<Status> expose(Guid snapshot, std::string, std::string target) override {
    trace_.push_back("expose " + target);
    if (on_expose) co_await on_expose();
    if (!directories_missing.contains(target)) exposed[target] = snapshot;
    if (exposed.contains(target)) co_return Status();
    co_return fail(ErrorCode::ObjectNotFound, "no such directory");
  }
  asio::awaitable<Status> unexpose(Guid, std::string target, bool force) override {
    trace_.push_back(std::string(force ? "detach " : "unexpose ") + target);
    if (busy.contains(target) && !force) co_return fail(ErrorCode::VolumeInUse, "scripted");
    exposed.erase(target);
    co_return Status();
  }
  asio::awaitable<Result<std::string>> show_to_clients(std::string, ClientName name) override {
    const std::string path = name.volume + "/" + name.snapshot;
    if (clients_cannot_see) co_return fail(ErrorCode::Unexpected, "scripted");
    clients_see.insert(path);
    co_return path;
  }
  asio::awaitable<Status> hide_from_clients(ClientName name) override {
    clients_see.erase(name.volume + "/" + name.snapshot);
    co_return Status();
  }
  std::set<Guid> mounted;
  std::map<std::string, Guid> exposed;
  std::set<std::string> busy;
  std::map<std::string, ErrorCode> places_refused;
  std::set<std::string> directories_missing;
  std::function<asio::awaitable<void>()> on_find;
  std::function<asio::awaitable<void>()> on_expose;
  std::function<asio::awaitable<void>(Guid)> on_mount;
  std::set<std::string> clients_see;
  bool clients_cannot_see = false;

 private:
  Trace& trace_;
};

class FakeSnapshotFiles final : public SnapshotFiles {
 public:
  asio::awaitable<Result<std::size_t>> remove(std::string root, FileSet files) override {
    removed.push_back(root.substr(0, root.rfind('/')) + " " + files.path + " " + files.spec);
    if (fails) co_return fail(ErrorCode::Unexpected, "scripted");
    co_return 1;
  }
  bool fails = false;
  Trace removed;
};

class FakeObserver final : public Observer {
 public:
  void event_delivered(const DeliveredEvent&) override {}
  void progress(Guid, std::string_view phase, std::size_t, std::size_t, std::vector<std::string>) override {
    if (on_progress) on_progress(phase);
  }
  void session_changed(Guid) override {}
  void session_ended(Guid) override { ++ended; }
  void set_created(const SetRecord&) override {}
  void set_deleted(Guid) override {}
  void snapshot_invalidated(Guid, Guid snapshot, const HealthReport& report) override {
    invalidated.emplace_back(snapshot, report);
  }
  void writer_added(const WriterInfo&) override {}
  void writer_removed(const WriterInfo&) override {}
  std::function<void(std::string_view)> on_progress;
  int ended = 0;
  std::vector<std::pair<Guid, HealthReport>> invalidated;
};

class FakeLogGate final : public LogGate {
 public:
  void begin_hold() override { ++depth; }
  void end_hold() override { --depth; }
  int depth = 0;
};

// The whole daemon without its operating system.
struct World {
  World() : coordinator(make_services()) {}
  Services make_services() {
    Limits limits;
    limits.freeze = Milliseconds(200);
    limits.prepare_for_backup = limits.prepare_for_snapshot = limits.post_snapshot = Milliseconds(200);
    limits.watch = Milliseconds(1);
    limits.documents = std::size_t{64} << 10;
    limits.restore = limits.abort = limits.backup_complete = limits.backup_shutdown = limits.identify =
        Milliseconds(200);
    return {loop.get_executor(), limits,   volumes,  providers, holder, catalogue, mounter,
            snapshot_files,      observer, log_gate, "machine"};
  }
  std::shared_ptr<FakeWriter> add_writer(std::string name, WriterLevel level = WriterLevel::FrontEnd) {
    auto writer = std::make_shared<FakeWriter>(trace, std::move(name), level);
    coordinator.writers().add(writer);
    return writer;
  }
  std::shared_ptr<BackupSession> session(BackupOptions options = {}) {
    return *coordinator.create_backup({":1.5", "test", 0, 1, ""}, options);
  }
  // One with a set of this volume, as far as DoSnapshotSet.
  std::shared_ptr<BackupSession> prepared_set(const std::string& volume, BackupOptions options = {}) {
    auto next = session(options);
    EXPECT_TRUE(next->set_backup_state({}));
    EXPECT_TRUE(await(next->gather_writer_metadata()));
    EXPECT_TRUE(await(next->start_snapshot_set()));
    EXPECT_TRUE(await(next->add_to_snapshot_set(volume, "")));
    EXPECT_TRUE(await(next->prepare_for_backup()));
    return next;
  }
  // Runs the loop until the coroutine has ended and returns what it gave.
  template <typename T>
  T await(asio::awaitable<T> work) {
    std::optional<T> result;
    const auto into = [](asio::awaitable<T> inner, std::optional<T>& to) -> asio::awaitable<void> {
      to.emplace(co_await std::move(inner));
    };
    spawn(loop.get_executor(), into(std::move(work), result));
    loop.restart();
    while (!result && loop.run_one() > 0) {
    }
    return std::move(*result);
  }
  void await(asio::awaitable<void> work) {
    const auto into = [](asio::awaitable<void> inner) -> asio::awaitable<bool> {
      co_await std::move(inner);
      co_return true;
    };
    await(into(std::move(work)));
  }
  void settle() {
    loop.restart();
    loop.poll();
  }

  asio::io_context loop;
  Trace trace;
  FakeProvider provider{trace};
  FakeProviders providers{provider};
  FakeVolumes volumes{trace};
  FakeHolder holder{trace};
  FakeCatalogue catalogue;
  FakeMounter mounter{trace};
  FakeSnapshotFiles snapshot_files;
  FakeObserver observer;
  FakeLogGate log_gate;
  Coordinator coordinator;
};

}  // namespace vss::core::fakes
