// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/bus/manager_object.hpp"

#include <algorithm>

#include "daemon/bus/dictionaries.hpp"
#include "daemon/bus/options.hpp"

namespace vss::bus {
namespace {
using core::Guid;
constexpr std::size_t kMaxWritersPerCaller = 64;
constexpr int kMostReading = 8;
}  // namespace

ManagerObject::ManagerObject(std::shared_ptr<BusConnection> bus, std::shared_ptr<Callers> callers,
                             core::Coordinator& coordinator, Publish publish,
                             std::function<bool()> is_holding, ReadDocument read_document)
    : AdaptorInterfaces(bus->sdbus(), sdbus::ObjectPath(kManagerPath)),
      bus_(std::move(bus)),
      callers_(std::move(callers)),
      coordinator_(coordinator),
      publish_(std::move(publish)),
      is_holding_(std::move(is_holding)),
      read_document_(std::move(read_document)) {
  registerAdaptor();
}

ManagerObject::~ManagerObject() { unregisterAdaptor(); }

template <typename... T>
void ManagerObject::reply_with(sdbus::Result<T...>&& result, asio::awaitable<Answer<T...>> work) {
  const auto reply = std::make_shared<Reply<T...>>(bus_, std::move(result));
  core::spawn(bus_->loop().get_executor(), answer<T...>(reply, std::move(work), shared_from_this()));
}

namespace {
template <typename T>
asio::awaitable<Answer<T>> at_once(T value) {
  co_return std::tuple(std::move(value));
}
}  // namespace

asio::awaitable<core::Result<Caller>> ManagerObject::allow(std::string sender, Action action) {
  core::Result<Caller> caller = co_await callers_->identify(std::move(sender));
  if (!caller) co_return caller;
  core::Status allowed = co_await callers_->authorize(*caller, action);
  if (!allowed) co_return core::fail(std::move(allowed.error()));
  if (bus_->is_lost()) co_return core::fail(ErrorCode::AccessDenied, "the bus is lost");
  co_return caller;
}

void ManagerObject::CreateBackup(sdbus::Result<sdbus::ObjectPath>&& result, Dictionary options) {
  reply_with(std::move(result), create_backup(sender(), std::move(options)));
}

asio::awaitable<Answer<sdbus::ObjectPath>> ManagerObject::create_backup(std::string sender,
                                                                        Dictionary options) {
  core::Result<CreateOptions> read = read_create_options(options);
  if (!read) co_return core::fail(std::move(read.error()));
  core::Result<Caller> caller = co_await allow(std::move(sender), Action::RequestBackup);
  if (!caller) co_return core::fail(std::move(caller.error()));
  core::Requester requester{caller->bus_name, read->client, caller->uid, caller->pid, caller->unit};
  auto session = coordinator_.create_backup(std::move(requester), read->backup);
  if (!session) co_return core::fail(std::move(session.error()));
  co_return std::tuple(sdbus::ObjectPath(publish_.backup(*session)));
}

void ManagerObject::CreateRestore(sdbus::Result<sdbus::ObjectPath>&& result, std::string document,
                                  Dictionary options) {
  reply_with(std::move(result), create_restore(sender(), std::move(document), std::move(options)));
}

asio::awaitable<Answer<sdbus::ObjectPath>> ManagerObject::create_restore(std::string sender,
                                                                         std::string document,
                                                                         Dictionary options) {
  core::Result<std::string> client = read_restore_options(options);
  if (!client) co_return core::fail(std::move(client.error()));
  core::Result<Caller> caller = co_await allow(std::move(sender), Action::RequestBackup);
  if (!caller) co_return core::fail(std::move(caller.error()));
  if (reading_ >= kMostReading)
    co_return core::fail(ErrorCode::OutOfMemory, "other documents are being read; try again");
  ++reading_;
  core::Result<core::RestoreDocument> parsed = co_await read_document_(std::move(document));
  --reading_;
  if (!parsed) co_return core::fail(std::move(parsed.error()));
  if (!callers_->is_alive(caller->bus_name))
    co_return core::fail(ErrorCode::AccessDenied, "the caller left the bus");
  core::Requester requester{caller->bus_name, *client, caller->uid, caller->pid, caller->unit};
  auto session = coordinator_.create_restore(std::move(requester), std::move(*parsed));
  if (!session) co_return core::fail(std::move(session.error()));
  co_return std::tuple(sdbus::ObjectPath(publish_.restore(*session)));
}

void ManagerObject::RegisterWriter(sdbus::Result<std::string>&& result, sdbus::ObjectPath writer,
                                   Dictionary properties) {
  reply_with(std::move(result), register_writer(sender(), std::string(writer), std::move(properties)));
}

asio::awaitable<Answer<std::string>> ManagerObject::register_writer(std::string sender, std::string path,
                                                                    Dictionary properties) {
  core::Result<Caller> caller = co_await allow(std::move(sender), Action::RegisterWriter);
  if (!caller) co_return core::fail(std::move(caller.error()));
  core::Result<core::WriterInfo> info = read_writer_properties(properties, *caller);
  if (!info) co_return core::fail(std::move(info.error()));
  std::size_t of_caller = 0;
  for (const auto& [id, writer] : writers_) {
    if (writer->info().bus_name != caller->bus_name) continue;
    if (writer->path() == path) {
      co_return core::fail(ErrorCode::WriterAlreadySubscribed, path + " is registered already");
    }
    ++of_caller;
  }
  if (of_caller >= kMaxWritersPerCaller) {
    co_return core::fail(ErrorCode::OutOfMemory, "a caller may have 64 writers");
  }
  info->instance_id = Guid::random();
  const Guid instance = info->instance_id;
  const auto writer = std::make_shared<RemoteWriter>(bus_, std::move(*info), std::move(path));
  writers_[instance] = writer;
  coordinator_.writers().add(writer);
  co_return std::tuple(instance.str());
}

void ManagerObject::forget_writers(const std::function<bool(const RemoteWriter&)>& which) {
  for (auto at = writers_.begin(); at != writers_.end();) {
    if (!which(*at->second)) {
      ++at;
      continue;
    }
    at->second->mark_gone();
    coordinator_.writers().remove(at->first);
    at = writers_.erase(at);
  }
}

void ManagerObject::peer_gone(const std::string& bus_name) {
  forget_writers([&](const RemoteWriter& writer) { return writer.info().bus_name == bus_name; });
}

void ManagerObject::all_gone() {
  forget_writers([](const RemoteWriter&) { return true; });
}

void ManagerObject::UnregisterWriter(sdbus::Result<>&& result, std::string instance) {
  const std::string caller = sender();
  const auto id = Guid::parse(instance);
  const auto at = id ? writers_.find(*id) : writers_.end();
  core::Status status;
  if (!id) {
    status = core::fail(ErrorCode::InvalidArgument, "\"" + instance.substr(0, 64) + "\" is no GUID");
  } else if (at == writers_.end() || at->second->info().bus_name != caller) {
    status = core::fail(ErrorCode::ObjectNotFound, "no writer " + instance + " of yours");
  } else {
    forget_writers([&](const RemoteWriter& writer) { return writer.info().instance_id == *id; });
  }
  reply_with(std::move(result), at_once(std::move(status)));
}

void ManagerObject::ListWriters(sdbus::Result<Dictionaries>&& result) {
  Dictionaries writers;
  const core::WriterRegistry& registry = coordinator_.writers();
  for (const auto& writer : registry.writers()) {
    const core::WriterInfo& info = writer->info();
    writers.push_back(writer_dictionary(info, registry.history().last_of(info)));
  }
  reply_with(std::move(result), at_once(std::move(writers)));
}

void ManagerObject::ListWriterFailures(sdbus::Result<Dictionaries>&& result, std::string instance) {
  const core::WriterRegistry& registry = coordinator_.writers();
  core::Result<std::vector<core::PastFailure>> failures;
  if (instance.empty()) {
    const auto& all = registry.history().all();
    failures->assign(all.begin(), all.end());
  } else {
    failures = parse_id(instance).and_then([&](const Guid& id) { return registry.failures_of(id); });
  }
  if (!failures) {
    Reply<Dictionaries>(bus_, std::move(result)).error(failures.error());
    return;
  }
  Dictionaries dictionaries;
  for (const core::PastFailure& failure : *failures) dictionaries.push_back(failure_dictionary(failure));
  reply_with(std::move(result), at_once(std::move(dictionaries)));
}

void ManagerObject::ResetWriter(sdbus::Result<>&& result, std::string instance) {
  reply_with(std::move(result), reset_writer(sender(), std::move(instance)));
}

asio::awaitable<Answer<>> ManagerObject::reset_writer(std::string sender, std::string instance) {
  core::Result<Guid> id = parse_id(instance);
  if (!id) co_return core::fail(std::move(id.error()));
  core::Result<Caller> caller = co_await allow(std::move(sender), Action::ManageSnapshots);
  if (!caller) co_return core::fail(std::move(caller.error()));
  co_return no_values(coordinator_.writers().reset(*id));
}

void ManagerObject::ListProviders(sdbus::Result<Dictionaries>&& result) {
  Dictionaries providers;
  for (const core::Provider* provider : coordinator_.services().providers.all()) {
    const core::ProviderInfo& info = provider->info();
    providers.push_back({{"name", sdbus::Variant(info.name)},
                         {"version", sdbus::Variant(info.version)},
                         {"type", sdbus::Variant(std::string("software"))},
                         {"priority", sdbus::Variant(static_cast<std::int32_t>(info.priority))},
                         {"busy", sdbus::Variant(provider->overdue())}});
  }
  reply_with(std::move(result), at_once(std::move(providers)));
}

void ManagerObject::ListVolumes(sdbus::Result<Dictionaries>&& result) {
  reply_with(std::move(result), list_volumes());
}

asio::awaitable<Answer<Dictionaries>> ManagerObject::list_volumes() {
  const core::Services& services = coordinator_.services();
  core::Result<std::vector<core::Volume>> volumes = co_await services.volumes.list();
  if (!volumes) co_return core::fail(std::move(volumes.error()));
  Dictionaries supported;
  for (const core::Volume& volume : *volumes) {
    core::Volume copy = volume;
    core::Result<core::ProviderChoice> choice =
        co_await services.providers.choose(std::move(copy), std::string());
    if (choice) supported.push_back(volume_dictionary(volume, choice->provider->info().name));
  }
  co_return std::tuple(std::move(supported));
}

void ManagerObject::IsVolumeSupported(sdbus::Result<bool, Dictionary>&& result, std::string path,
                                      std::string provider) {
  reply_with(std::move(result), is_volume_supported(sender(), std::move(path), std::move(provider)));
}

asio::awaitable<Answer<bool, Dictionary>> ManagerObject::is_volume_supported(std::string sender,
                                                                             std::string path,
                                                                             std::string provider) {
  // Before anything else: the answer tells which paths exist.
  core::Result<Caller> caller = co_await allow(std::move(sender), Action::RequestBackup);
  if (!caller) co_return core::fail(std::move(caller.error()));
  const core::Services& services = coordinator_.services();
  core::Result<core::Volume> volume = co_await services.volumes.resolve(std::move(path));
  if (!volume && volume.error().code == ErrorCode::VolumeNotSupported) {
    co_return std::tuple(false, Dictionary{{"reason", sdbus::Variant(to_utf8(volume.error().message))}});
  }
  if (!volume) co_return core::fail(std::move(volume.error()));
  core::Volume copy = *volume;
  core::Result<core::ProviderChoice> choice =
      co_await services.providers.choose(std::move(copy), std::move(provider));
  if (choice) co_return std::tuple(true, volume_dictionary(*volume, choice->provider->info().name));
  const ErrorCode code = choice.error().code;
  if (code != ErrorCode::VolumeNotSupported && code != ErrorCode::VolumeNotSupportedByProvider) {
    co_return core::fail(std::move(choice.error()));
  }
  Dictionary dictionary = volume_dictionary(*volume, "");
  dictionary["reason"] = sdbus::Variant(to_utf8(choice.error().message));
  co_return std::tuple(false, std::move(dictionary));
}

void ManagerObject::ListSnapshots(sdbus::Result<Dictionaries>&& result, Dictionary filter) {
  const core::Result<core::SnapshotFilter> read = read_snapshot_filter(filter);
  if (!read) {
    Reply<Dictionaries>(bus_, std::move(result)).error(read.error());
    return;
  }
  Dictionaries snapshots;
  for (const core::SetRecord& set : coordinator_.store().list(*read)) {
    for (const core::SnapshotRecord& snapshot : set.snapshots)
      snapshots.push_back(snapshot_dictionary(set, snapshot));
  }
  reply_with(std::move(result), at_once(std::move(snapshots)));
}

void ManagerObject::DeleteSnapshots(sdbus::Result<std::uint32_t, std::string>&& result, std::string kind,
                                    std::string id, bool force) {
  reply_with(std::move(result), delete_snapshots(sender(), std::move(kind), std::move(id), force));
}

asio::awaitable<Answer<std::uint32_t, std::string>> ManagerObject::delete_snapshots(std::string sender,
                                                                                    std::string kind,
                                                                                    std::string id,
                                                                                    bool force) {
  core::Result<Guid> guid = parse_id(id);
  const bool by_id = kind == "set" || kind == "snapshot";
  if (by_id && !guid) co_return core::fail(std::move(guid.error()));
  if (!by_id && kind != "oldest" && kind != "all") {
    co_return core::fail(ErrorCode::InvalidArgument, "kind is \"set\", \"snapshot\", \"oldest\" or \"all\"");
  }
  if (kind == "all" && !id.empty()) co_return core::fail(ErrorCode::InvalidArgument, "\"all\" takes no id");
  core::Result<Caller> caller = co_await allow(std::move(sender), Action::ManageSnapshots);
  if (!caller) co_return core::fail(std::move(caller.error()));
  core::SnapshotStore& store = coordinator_.store();
  core::Result<core::Deletion> deletion;
  if (kind == "set") {
    deletion = co_await store.remove_set(*guid, force);
  } else if (kind == "snapshot") {
    deletion = co_await store.remove_snapshot(*guid, force);
  } else if (kind == "oldest") {
    deletion = co_await store.remove_oldest(std::move(id), force);
  } else {
    deletion = co_await store.remove_all(force);
  }
  if (!deletion) co_return core::fail(std::move(deletion.error()));
  co_return std::tuple(deletion->deleted, deletion->failed ? deletion->failed->str() : std::string());
}

void ManagerObject::ExposeSnapshot(sdbus::Result<std::string>&& result, std::string snapshot,
                                   std::string path) {
  reply_with(std::move(result), expose_snapshot(sender(), std::move(snapshot), std::move(path)));
}

asio::awaitable<Answer<std::string>> ManagerObject::expose_snapshot(std::string sender, std::string snapshot,
                                                                    std::string path) {
  core::Result<Guid> id = parse_id(snapshot);
  if (!id) co_return core::fail(std::move(id.error()));
  if (core::Status fit = core::check_exposure_path(path); !fit) co_return core::fail(std::move(fit.error()));
  core::Result<Caller> caller = co_await allow(std::move(sender), Action::ManageSnapshots);
  if (!caller) co_return core::fail(std::move(caller.error()));
  core::Result<std::string> exposed = co_await coordinator_.exposures().expose(*id, std::move(path));
  if (!exposed) co_return core::fail(std::move(exposed.error()));
  co_return std::tuple(std::move(*exposed));
}

void ManagerObject::UnexposeSnapshot(sdbus::Result<>&& result, std::string snapshot) {
  reply_with(std::move(result), unexpose_snapshot(sender(), std::move(snapshot)));
}

asio::awaitable<Answer<>> ManagerObject::unexpose_snapshot(std::string sender, std::string snapshot) {
  core::Result<Guid> id = parse_id(snapshot);
  if (!id) co_return core::fail(std::move(id.error()));
  core::Result<Caller> caller = co_await allow(std::move(sender), Action::ManageSnapshots);
  if (!caller) co_return core::fail(std::move(caller.error()));
  co_return no_values(co_await coordinator_.exposures().unexpose(*id));
}

void ManagerObject::CollectGarbage(sdbus::Result<std::uint32_t>&& result) {
  reply_with(std::move(result), collect_garbage(sender()));
}

asio::awaitable<Answer<std::uint32_t>> ManagerObject::collect_garbage(std::string sender) {
  core::Result<Caller> caller = co_await allow(std::move(sender), Action::ManageSnapshots);
  if (!caller) co_return core::fail(std::move(caller.error()));
  core::Result<core::Deletion> deletion = co_await coordinator_.store().collect_garbage();
  if (!deletion) co_return core::fail(std::move(deletion.error()));
  co_return std::tuple(deletion->deleted);
}

void ManagerObject::GetStatus(sdbus::Result<Dictionary>&& result) {
  reply_with(std::move(result), at_once(status_dictionary(coordinator_, is_holding_())));
}

std::string ManagerObject::Version() { return VSSD_VERSION; }

}  // namespace vss::bus
