// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The dictionaries that callers of Manager send, read and checked; keys as in org.vssd.Vss1.Manager.xml.

#include "daemon/bus/callers.hpp"
#include "daemon/bus/dictionary.hpp"
#include "daemon/core/backup_session.hpp"
#include "daemon/core/snapshot_store.hpp"

namespace vss::bus {

// InvalidArgument if `text` is no GUID.
[[nodiscard]] core::Result<core::Guid> parse_id(const std::string& text);

struct CreateOptions {
  std::string client;
  core::BackupOptions backup;
};
[[nodiscard]] core::Result<CreateOptions> read_create_options(const Dictionary& options);
// The client.
[[nodiscard]] core::Result<std::string> read_restore_options(const Dictionary& options);
[[nodiscard]] core::Result<core::SnapshotFilter> read_snapshot_filter(const Dictionary& filter);
// All of a writer but its instance id.
[[nodiscard]] core::Result<core::WriterInfo> read_writer_properties(const Dictionary& properties,
                                                                    const Caller& caller);

}  // namespace vss::bus
