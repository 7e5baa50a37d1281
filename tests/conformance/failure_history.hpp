// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The history of failures tells what no status of a session can: that of an event which nobody waits for.

#include <algorithm>
#include <string>

#include "tests/support/requester.hpp"
#include "tests/support/wait_until.hpp"

namespace vss::test {

// Waits until it has that this writer did not answer to the event, or with "" to any, in this session.
[[nodiscard]] inline bool wait_for_silence(const std::string& writer, const std::string& event,
                                           const std::string& session) {
  Requester requester;
  const auto is_it = [&](const Dict& failure) {
    return get<std::string>(failure, "name") == writer &&
           (event.empty() || get<std::string>(failure, "event") == event) &&
           get<std::string>(failure, "session_id") == session &&
           get<std::string>(failure, "failure") == "WriterNotResponding";
  };
  return wait_until(
      [&] {
        const auto failures = requester.manager<Dicts>("ListWriterFailures", std::string());
        return failures && std::ranges::any_of(*failures, is_it);
      },
      std::chrono::seconds(20));
}

}  // namespace vss::test
