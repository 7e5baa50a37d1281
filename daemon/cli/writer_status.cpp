// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/writer_status.hpp"

#include <fmt/format.h>

namespace vss::cli {
namespace {

bool failed(const Json& writer) {
  return !text(writer, "failure").empty() || text(writer, "state").starts_with("failed");
}

Failure writer_failure(const Json& writer) {
  const std::string short_name = text(writer, "failure");
  const ErrorCode code = error_from_name(short_name).value_or(ErrorCode::UnexpectedWriterError);
  std::string message = text(writer, "message");
  if (message.empty()) message = description(code);
  return {code, fmt::format("writer \"{}\"", text(writer, "name")),
          fmt::format("{} [{}]", message, text(writer, "state"))};
}

}  // namespace

Json with_keys(const Json& json, std::initializer_list<std::pair<const char*, Json>> keys) {
  Json ordered = Json::object();
  for (const auto& [key, fallback] : keys) ordered[key] = json.value(key, fallback);
  ordered.update(json);
  return ordered;
}

Json selected_writers(const Json& statuses, bool lenient, const std::function<void(std::string)>& warn) {
  Json selected = Json::array();
  for (const Json& writer : statuses) {
    if (!writer.value("selected", true)) continue;
    if (failed(writer)) {
      const Failure failure = writer_failure(writer);
      if (!lenient) throw failure;
      warn(failure.line());
    }
    selected.push_back(
        with_keys(writer, {{"name", ""}, {"instance_id", ""}, {"state", ""}, {"failure", ""}}));
  }
  return selected;
}

}  // namespace vss::cli
