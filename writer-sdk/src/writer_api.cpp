// SPDX-License-Identifier: LGPL-2.1-or-later
// The functions of writer.h that take a vss_writer.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <system_error>

#include "writer-sdk/src/names.hpp"
#include "writer-sdk/src/text.hpp"
#include "writer-sdk/src/writer.hpp"

namespace vss {
namespace {

// The caller may know fewer members than we do, or more; what it does not know is zero.
template <typename Struct>
Struct copy_known(const Struct& from) {
  Struct to{};
  std::memcpy(&to, &from, std::min(from.struct_size, sizeof(Struct)));
  return to;
}

std::optional<WriterConfig> checked_config(const vss_writer_config& given) {
  const auto text = [](const char* value) { return std::string(value == nullptr ? "" : value); };
  WriterConfig config{.name = text(given.name),
                      .class_id = to_lower(text(given.class_id)),
                      .instance_name = text(given.instance_name),
                      .version = text(given.version),
                      .level = given.level,
                      .flags = given.flags,
                      .subscribe = given.subscribe == 0 ? VSS_SUBSCRIBE_ALL : given.subscribe,
                      .usage = given.usage,
                      .source = given.source};
  if (given.freeze_timeout_ms != 0)
    config.freeze_timeout = std::chrono::milliseconds(given.freeze_timeout_ms);
  const bool texts_are_good = !config.name.empty() && is_guid(config.class_id) && is_utf8(config.name) &&
                              is_utf8(config.instance_name) && is_utf8(config.version);
  const bool numbers_are_good =
      !name_of(kLevels, given.level).empty() && !name_of(kUsages, given.usage).empty() &&
      !name_of(kSources, given.source).empty() && given.freeze_timeout_ms <= VSS_FREEZE_TIMEOUT_MS;
  const bool bits_are_good = (given.flags & ~(VSS_WRITER_HOST_LOOP | VSS_WRITER_ACTIVATE)) == 0 &&
                             (given.subscribe & ~VSS_SUBSCRIBE_ALL) == 0;
  if (!texts_are_good || !numbers_are_good || !bits_are_good) return std::nullopt;
  return config;
}

// The wall that no exception passes.
template <typename Body>
int guarded(Body body) {
  try {
    return body();
  } catch (const std::system_error& error) {
    errno = error.code().value();
    return VSS_ERR_SYSTEM;
  } catch (...) {
    return VSS_ERR_OUT_OF_MEMORY;
  }
}

}  // namespace
}  // namespace vss

extern "C" {

int vss_writer_create(const vss_writer_config* config, const vss_writer_callbacks* callbacks, void* user,
                      vss_writer** writer) {
  if (config == nullptr || callbacks == nullptr || writer == nullptr) return VSS_ERR_INVALID_ARGUMENT;
  if (config->struct_size < sizeof config->struct_size ||
      callbacks->struct_size < sizeof callbacks->struct_size) {
    return VSS_ERR_INVALID_ARGUMENT;
  }
  return vss::guarded([&]() -> int {
    auto checked = vss::checked_config(vss::copy_known(*config));
    if (!checked) return VSS_ERR_INVALID_ARGUMENT;
    *writer = std::make_unique<vss_writer>(std::move(*checked), vss::copy_known(*callbacks), user).release();
    return VSS_OK;
  });
}

int vss_writer_start(vss_writer* writer) {
  if (writer == nullptr) return VSS_ERR_INVALID_ARGUMENT;
  return vss::guarded([&] { return writer->start(); });
}

int vss_writer_stop(vss_writer* writer) {
  if (writer == nullptr) return VSS_ERR_INVALID_ARGUMENT;
  return vss::guarded([&] { return writer->stop(); });
}

void vss_writer_free(vss_writer* writer) {
  if (writer == nullptr || writer->in_handler()) return;
  delete writer;
}

int vss_writer_get_fd(const vss_writer* writer) {
  return writer == nullptr ? static_cast<int>(VSS_ERR_INVALID_ARGUMENT) : writer->fd();
}

int vss_writer_dispatch(vss_writer* writer) {
  if (writer == nullptr) return VSS_ERR_INVALID_ARGUMENT;
  return vss::guarded([&] { return writer->dispatch(); });
}

}  // extern "C"
