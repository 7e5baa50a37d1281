// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Between the dictionaries of org.vssd.Vss1.Writer and the types of event.hpp.

#include <map>
#include <stdexcept>
#include <string>

#include "writer-sdk/src/event.hpp"
#include "writer-sdk/src/sdbus_compat.hpp"

namespace vss {

using Dictionary = std::map<std::string, sdbus::Variant>;

// What is wrong with the arguments of an event.
struct BadArgument : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Throws BadArgument for a malformed value, sdbus::Error for one of the wrong type; unknown keys are ignored.
[[nodiscard]] EventArgs to_event_args(const Dictionary& dictionary);
// The result of an event; for answers that are no Error.
[[nodiscard]] Dictionary to_dictionary(const Answer& answer);

}  // namespace vss
