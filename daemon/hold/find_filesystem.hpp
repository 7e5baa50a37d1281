// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "daemon/hold/action.hpp"
#include "daemon/hold/record.hpp"

namespace vss::hold {

// Opens what a record names, by identity and not by path: any mount of the superblock will do. A
// mapped device keeps its name in the record; HoldAction checks that it still is the one of that number.
// Errors: ObjectNotFound (not mounted any more, or another filesystem by now). May block.
[[nodiscard]] core::Result<std::shared_ptr<HoldAction>> find_target(const RecordTarget& target);

// f_fsid as one number.
[[nodiscard]] core::Result<std::uint64_t> filesystem_id(int fd);

}  // namespace vss::hold
