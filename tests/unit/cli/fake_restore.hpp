// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The Restore object of the scripted vssd.

#include <memory>

#include "tests/unit/cli/fake_vssd.hpp"

namespace vss::test {

inline constexpr const char* kRestorePath = "/org/vssd/Vss1/restore/1";

// Writes down "Restore.<call> <arguments>" and answers as the script says.
class FakeRestoreObject {
 public:
  virtual ~FakeRestoreObject() = default;
};
[[nodiscard]] std::unique_ptr<FakeRestoreObject> make_fake_restore(sdbus::IConnection& connection,
                                                                   Script& script, CallLog& log);

}  // namespace vss::test
