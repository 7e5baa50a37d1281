// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/bus/remote_writer.hpp"

#include <algorithm>
#include <utility>

#include "daemon/bus/dictionary.hpp"
#include "daemon/core/component_edits.hpp"

namespace vss::bus {
namespace {
using core::EventArgs;
using core::WriterAnswer;
using core::WriterEvent;
using core::WriterFailure;

constexpr const char* kWriterInterface = "org.vssd.Vss1.Writer";
constexpr std::size_t kMaxMessage = 16 * 1024;

std::vector<std::map<std::string, std::string>> components_of(const EventArgs& args) {
  std::vector<std::map<std::string, std::string>> components;
  for (const core::SelectedComponent& component : args.components) {
    std::map<std::string, std::string> entry{{"logical_path", component.id.logical_path},
                                             {"name", component.id.name}};
    if (const auto succeeded = component.succeeded()) entry["succeeded"] = *succeeded ? "true" : "false";
    components.push_back(std::move(entry));
  }
  return components;
}

// What each event carries: org.vssd.Vss1.Writer.xml.
Dictionary arguments_of(WriterEvent event, const EventArgs& args) {
  switch (event) {
    case WriterEvent::PrepareForBackup:
      return {{"components", sdbus::Variant(components_of(args))},
              {"document", sdbus::Variant(core::components_text(args.components))},
              {"select_components", sdbus::Variant(args.select_components)},
              {"bootable_system_state", sdbus::Variant(args.bootable_system_state)},
              {"partial_file_support", sdbus::Variant(args.partial_file_support)},
              {"backup_type", sdbus::Variant(args.backup_type)},
              {"context", sdbus::Variant(args.context)},
              {"volumes", sdbus::Variant(args.volumes)}};
    case WriterEvent::PrepareForSnapshot:
      return {{"volumes", sdbus::Variant(args.volumes)}, {"instants", sdbus::Variant(args.instants)}};
    case WriterEvent::Freeze:
      return {{"volumes", sdbus::Variant(args.volumes)},
              {"window", sdbus::Variant(static_cast<std::uint32_t>(args.window.count()))}};
    case WriterEvent::PostSnapshot:
      return {{"components", sdbus::Variant(components_of(args))},
              {"document", sdbus::Variant(core::components_text(args.components))},
              {"snapshots", sdbus::Variant(args.snapshots)},
              {"instants", sdbus::Variant(args.instants)}};
    case WriterEvent::Abort:
      return {{"reason", sdbus::Variant(args.reason)}};
    case WriterEvent::BackupComplete:
      return {{"components", sdbus::Variant(components_of(args))},
              {"document", sdbus::Variant(core::components_text(args.components))}};
    case WriterEvent::PreRestore:
    case WriterEvent::PostRestore:
      return {{"document", sdbus::Variant(core::components_text(args.components))},
              {"restore_type", sdbus::Variant(args.restore_type)},
              {"backup_type", sdbus::Variant(args.backup_type)},
              {"context", sdbus::Variant(args.context)}};
    case WriterEvent::Identify:
    case WriterEvent::Thaw:
    case WriterEvent::BackupShutdown:
    case WriterEvent::RestoreShutdown:
      return {};
  }
  return {};
}

bool is_writer_error(ErrorCode code) { return to_string(code).starts_with("Writer"); }

// What the writer answered: {} is success; its edits may come with success and with a failure.
WriterAnswer answer_in(const Dictionary& result) {
  DictionaryReader reader(result);
  std::string code;
  WriterAnswer answer;
  WriterFailure failure;
  failure.veto = false;
  reader.read("document", answer.document);
  reader.read("failure", code);
  reader.read("application_code", failure.application_code);
  reader.read("message", failure.message);
  reader.read("veto", failure.veto);
  if (const core::Status read = reader.finish(); !read) {
    const std::string text = "malformed answer: " + read.error().message;
    return {WriterFailure{ErrorCode::UnexpectedWriterError, 0, text, true}, {}};
  }
  const bool success =
      std::ranges::all_of(result, [](const auto& entry) { return entry.first == "document"; });
  if (success) return answer;
  const auto known = error_from_name(code);
  failure.code = known && is_writer_error(*known) ? *known : ErrorCode::UnexpectedWriterError;
  if (failure.message.size() > kMaxMessage) failure.message.resize(kMaxMessage);
  if (failure.message.empty()) failure.message = description(failure.code);
  answer.failure = std::move(failure);
  return answer;
}
}  // namespace

RemoteWriter::RemoteWriter(std::shared_ptr<BusConnection> bus, core::WriterInfo info, std::string path)
    : bus_(std::move(bus)),
      info_(std::move(info)),
      path_(std::move(path)),
      proxy_(make_proxy(bus_->sdbus(), info_.bus_name, path_)) {}

asio::awaitable<core::Result<std::string>> RemoteWriter::identify(std::chrono::milliseconds limit) {
  if (!is_alive()) co_return core::fail(ErrorCode::WriterNotResponding, "the writer is gone");
  auto reply = co_await async_call<std::string>(bus_, proxy_, kWriterInterface, "Identify", limit);
  if (!reply) co_return core::fail(ErrorCode::WriterNotResponding, reply.error().message);
  co_return std::move(std::get<0>(*reply));
}

asio::awaitable<WriterAnswer> RemoteWriter::deliver(WriterEvent event, EventArgs args,
                                                    std::chrono::milliseconds limit) {
  WriterFailure silent{ErrorCode::WriterNotResponding, 0, "the writer is gone", true};
  if (!is_alive()) co_return WriterAnswer{silent, {}};
  const auto start = std::chrono::steady_clock::now();
  const std::string name(to_string(event));
  const Dictionary arguments = arguments_of(event, args);
  auto reply = co_await async_call<Dictionary>(bus_, proxy_, kWriterInterface, name.c_str(), limit,
                                               args.session.str(), args.set.str(), arguments);
  if (reply) co_return answer_in(std::get<0>(*reply));
  // Dead and slow writers give the same D-Bus error; the clock tells them apart.
  const bool overran = std::chrono::steady_clock::now() - start >= limit;
  const bool timed = event == WriterEvent::Freeze || event == WriterEvent::Thaw;
  if (overran && timed) silent.code = ErrorCode::WriterTimeout;
  silent.message = "no answer to " + name + ": " + reply.error().message;
  co_return WriterAnswer{silent, {}};
}

}  // namespace vss::bus
