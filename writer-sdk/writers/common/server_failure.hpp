// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <stdexcept>
#include <utility>
#include <vss/writer.hpp>

namespace vss::writers {

// What a server, or a library on the way to it, said: it can be another thing in a minute. What is not UTF-8,
// or not there, stays so.
class ServerFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws Veto for a ServerFailure.
template <typename Function>
auto asking_the_server(Function&& function) {
  try {
    return std::forward<Function>(function)();
  } catch (const ServerFailure& failure) {
    throw Veto(VSS_E_WRITER_RETRYABLE, failure.what());
  }
}

}  // namespace vss::writers
