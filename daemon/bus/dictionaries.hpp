// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Values of the core as dictionaries of the bus; keys as org.vssd.Vss1.*.xml lists them.

#include "daemon/bus/dictionary.hpp"
#include "daemon/core/backup_session.hpp"
#include "daemon/core/coordinator.hpp"

namespace vss::bus {

[[nodiscard]] Dictionary volume_dictionary(const core::Volume& volume, const std::string& provider);
[[nodiscard]] Dictionary snapshot_dictionary(const core::SetRecord& set,
                                             const core::SnapshotRecord& snapshot);
[[nodiscard]] Dictionary participant_dictionary(const core::Participant& participant);
[[nodiscard]] Dictionaries participants_dictionaries(const core::SessionWriters& writers);
// What GatherWriterMetadata answers.
[[nodiscard]] Dictionaries metadata_dictionaries(const core::SessionWriters& writers);
[[nodiscard]] Dictionary result_dictionary(const core::BackupSession& session);
// `failure`: the last one, nullptr if there is none.
[[nodiscard]] Dictionary writer_dictionary(const core::WriterInfo& info, const core::PastFailure* failure);
[[nodiscard]] Dictionary failure_dictionary(const core::PastFailure& past);
[[nodiscard]] Dictionary status_dictionary(const core::Coordinator& coordinator, bool holding);

}  // namespace vss::bus
