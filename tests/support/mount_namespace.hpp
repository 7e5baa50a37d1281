// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace vss::test {

// Gives this process a mount namespace of its own from which nothing propagates. Call it before the first
// thread starts (main or SetUpTestSuite); later calls do nothing. Needs root; throws std::system_error.
void private_mount_namespace();

}  // namespace vss::test
