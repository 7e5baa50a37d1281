// SPDX-License-Identifier: LGPL-2.1-or-later
// The functions of writer.h that take a vss_writer.
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <system_error>

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

const char* level_name(vss_level level) {
  switch (level) {
    case VSS_LEVEL_FRONT_END:
      return "front-end";
    case VSS_LEVEL_BACK_END:
      return "back-end";
    case VSS_LEVEL_SYSTEM:
      return "system";
  }
  return nullptr;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::optional<WriterConfig> checked_config(const vss_writer_config& given) {
  const auto text = [](const char* value) { return std::string(value == nullptr ? "" : value); };
  const char* level = level_name(given.level);
  WriterConfig config{
      text(given.name),    lower(text(given.class_id)),   text(given.instance_name),
      text(given.version), level == nullptr ? "" : level, std::chrono::milliseconds(given.freeze_timeout_ms),
      given.flags};
  if (config.freeze_timeout.count() == 0)
    config.freeze_timeout = std::chrono::milliseconds(VSS_FREEZE_TIMEOUT_MS);
  const bool texts_are_good = !config.name.empty() && is_guid(config.class_id) && is_utf8(config.name) &&
                              is_utf8(config.instance_name) && is_utf8(config.version);
  if (!texts_are_good || level == nullptr || given.freeze_timeout_ms > VSS_FREEZE_TIMEOUT_MS ||
      (given.flags & ~(VSS_WRITER_HOST_LOOP | VSS_WRITER_ACTIVATE)) != 0) {
    return std::nullopt;
  }
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
