// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The backup components document: what was backed up, from where, and how consistent it is. JSON,
// "version": 1.

#include <string>

namespace vss::core {

class BackupSession;

[[nodiscard]] std::string backup_document(const BackupSession& session, const std::string& machine);

}  // namespace vss::core
