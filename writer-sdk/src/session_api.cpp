// SPDX-License-Identifier: LGPL-2.1-or-later
// The functions of writer.h that take a vss_session.
#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <iterator>
#include <new>
#include <set>
#include <string>
#include <vector>

#include "writer-sdk/include/vss/writer.h"
#include "writer-sdk/src/legality.hpp"
#include "writer-sdk/src/path_affected.hpp"
#include "writer-sdk/src/session.hpp"
#include "writer-sdk/src/text.hpp"

namespace vss {

std::optional<ErrorCode> to_error_code(int writer_error) {
  switch (writer_error) {
    case VSS_E_WRITER_INCONSISTENT_SNAPSHOT:
      return ErrorCode::WriterInconsistentSnapshot;
    case VSS_E_WRITER_OUT_OF_RESOURCES:
      return ErrorCode::WriterOutOfResources;
    case VSS_E_WRITER_TIMEOUT:
      return ErrorCode::WriterTimeout;
    case VSS_E_WRITER_RETRYABLE:
      return ErrorCode::WriterRetryable;
    case VSS_E_WRITER_NON_RETRYABLE:
      return ErrorCode::WriterNonRetryable;
    case VSS_E_WRITER_RECOVERY_FAILED:
      return ErrorCode::WriterRecoveryFailed;
    case VSS_E_WRITER_PARTIAL_FAILURE:
      return ErrorCode::WriterPartialFailure;
    default:
      return std::nullopt;
  }
}

namespace {

bool are_absolute(const char* const* paths, size_t count) {
  if (paths == nullptr) return count == 0;
  return std::all_of(paths, paths + count,
                     [](const char* path) { return path != nullptr && path[0] == '/'; });
}

// One volume is one instant whatever vssd says of others, and whether it says anything.
bool is_one_instant(const std::set<std::string>& volumes,
                    const std::optional<std::vector<std::vector<std::string>>>& instants) {
  if (volumes.size() <= 1) return true;
  return instants && std::ranges::any_of(*instants, [&](const std::vector<std::string>& together) {
           return std::ranges::all_of(volumes, [&](const std::string& volume) {
             return std::ranges::find(together, volume) != together.end();
           });
         });
}

}  // namespace
}  // namespace vss

using vss::Call;
using vss::Event;

extern "C" {

int vss_fail(vss_session* session, vss_writer_error code, int32_t application_code, const char* message) {
  const auto error = vss::to_error_code(code);
  if (session == nullptr || !error) return VSS_ERR_INVALID_ARGUMENT;
  if (session->thread != std::this_thread::get_id()) return VSS_ERR_BAD_STATE;
  try {
    session->failure =
        vss::ReportedFailure{*error, application_code, vss::to_message(message == nullptr ? "" : message)};
  } catch (const std::exception&) {
    return VSS_ERR_OUT_OF_MEMORY;
  }
  return VSS_OK;
}

const char* vss_session_id(const vss_session* session) {
  return session == nullptr ? "" : session->data.id.c_str();
}

int vss_session_set_id(const vss_session* session, const char** set_id) {
  if (session == nullptr || set_id == nullptr) return VSS_ERR_INVALID_ARGUMENT;
  if (!vss::is_legal(Call::SetId, session->event)) return VSS_ERR_BAD_STATE;
  *set_id = session->data.set.c_str();
  return VSS_OK;
}

int vss_shutdown_set_id(const vss_session* session, const char** set_id) {
  if (session == nullptr || set_id == nullptr) return VSS_ERR_INVALID_ARGUMENT;
  if (!vss::is_legal(Call::ShutdownSetId, session->event)) return VSS_ERR_BAD_STATE;
  *set_id = session->data.set.c_str();
  return VSS_OK;
}

size_t vss_session_volume_count(const vss_session* session) {
  return session == nullptr || !session->data.known.volumes ? 0 : session->data.known.volumes->size();
}

const char* vss_session_volume(const vss_session* session, size_t index) {
  return index < vss_session_volume_count(session) ? (*session->data.known.volumes)[index].c_str() : nullptr;
}

int vss_is_path_affected(const vss_session* session, const char* path) {
  if (session == nullptr || path == nullptr || path[0] != '/') return VSS_ERR_INVALID_ARGUMENT;
  if (!session->data.known.volumes) return 0;
  try {
    const std::ptrdiff_t volume = vss::volume_of(path, *session->data.known.volumes);
    if (volume < 0) return VSS_ERR_SYSTEM;
    return volume < std::ssize(*session->data.known.volumes) ? 1 : 0;
  } catch (const std::exception&) {
    return VSS_ERR_OUT_OF_MEMORY;
  }
}

int vss_affected_paths(const vss_session* session, const char* const* paths, size_t count, int* affected) {
  if (session == nullptr || !vss::are_absolute(paths, count) || (affected == nullptr && count > 0))
    return VSS_ERR_INVALID_ARGUMENT;
  try {
    const std::vector<std::string> volumes = session->data.known.volumes.value_or(std::vector<std::string>());
    std::vector<int> answers;
    for (size_t i = 0; i < count; ++i) {
      int unseen = 0;
      const std::ptrdiff_t volume = vss::seen_volume_of(paths[i], volumes, unseen);
      if (volume < 0) return VSS_ERR_SYSTEM;
      answers.push_back(volume < std::ssize(volumes) ? 1 : 0);
    }
    std::ranges::copy(answers, affected);
    return static_cast<int>(std::ranges::count(answers, 1));
  } catch (const std::exception&) {
    return VSS_ERR_OUT_OF_MEMORY;
  }
}

int vss_is_one_instant(const vss_session* session, const char* const* paths, size_t count) {
  if (session == nullptr || !vss::are_absolute(paths, count)) return VSS_ERR_INVALID_ARGUMENT;
  if (!vss::is_legal(Call::OneInstant, session->event)) return VSS_ERR_BAD_STATE;
  try {
    const std::vector<std::string> volumes = session->data.known.volumes.value_or(std::vector<std::string>());
    std::set<std::string> used;
    for (size_t i = 0; i < count; ++i) {
      const std::ptrdiff_t volume = vss::volume_of(paths[i], volumes);
      if (volume < 0) return VSS_ERR_SYSTEM;
      if (volume == std::ssize(volumes)) return VSS_ERR_NOT_FOUND;
      used.insert(volumes[static_cast<size_t>(volume)]);
    }
    return vss::is_one_instant(used, session->data.known.instants) ? 1 : 0;
  } catch (const std::exception&) {
    return VSS_ERR_OUT_OF_MEMORY;
  }
}

int vss_snapshot_path(const vss_session* session, const char* volume, const char** path) {
  if (session == nullptr || volume == nullptr || path == nullptr) return VSS_ERR_INVALID_ARGUMENT;
  if (!vss::is_legal(Call::SnapshotPath, session->event)) return VSS_ERR_BAD_STATE;
  for (const auto& [original, snapshot] : session->data.known.snapshots) {
    if (original == volume) {
      *path = snapshot.c_str();
      return VSS_OK;
    }
  }
  return VSS_ERR_NOT_FOUND;
}

int vss_components_selected(const vss_session* session) {
  return session != nullptr && session->data.known.select_components.value_or(false) ? 1 : 0;
}

const char* vss_backup_type(const vss_session* session) {
  return session == nullptr || !session->data.known.backup_type ? ""
                                                                : session->data.known.backup_type->c_str();
}

const char* vss_context(const vss_session* session) {
  return session == nullptr || !session->data.known.context ? "" : session->data.known.context->c_str();
}

const char* vss_abort_reason(const vss_session* session) {
  return session == nullptr || session->event != Event::Abort ? "" : session->data.known.reason.c_str();
}

int vss_bootable_system_state(const vss_session* session) {
  if (session == nullptr) return VSS_ERR_INVALID_ARGUMENT;
  if (!vss::is_legal(Call::BackupState, session->event)) return VSS_ERR_BAD_STATE;
  return session->data.known.bootable_system_state.value_or(false) ? 1 : 0;
}

int vss_partial_file_support(const vss_session* session) {
  if (session == nullptr) return VSS_ERR_INVALID_ARGUMENT;
  if (!vss::is_legal(Call::BackupState, session->event)) return VSS_ERR_BAD_STATE;
  return session->data.known.partial_file_support.value_or(false) ? 1 : 0;
}

int vss_current_level(const vss_session* session) {
  if (session == nullptr) return VSS_ERR_INVALID_ARGUMENT;
  if (!vss::is_legal(Call::CurrentLevel, session->event)) return VSS_ERR_BAD_STATE;
  return static_cast<int>(session->level);
}

int vss_get_restore_type(const vss_session* session) {
  if (session == nullptr) return VSS_ERR_INVALID_ARGUMENT;
  if (!vss::is_legal(Call::RestoreType, session->event)) return VSS_ERR_BAD_STATE;
  return static_cast<int>(session->data.known.restore_type.value_or(VSS_RESTORE_UNDEFINED));
}

int vss_is_writer_shutting_down(const vss_session* session) {
  return session != nullptr && session->stopping != nullptr && session->stopping->load() ? 1 : 0;
}

const char* vss_strerror(int code) {
  switch (code) {
    case VSS_OK:
      return "success";
    case VSS_ERR_INVALID_ARGUMENT:
      return "an argument is not valid";
    case VSS_ERR_BAD_STATE:
      return "not legal in the present state, event or thread";
    case VSS_ERR_NOT_FOUND:
      return "no such thing";
    case VSS_ERR_ALREADY_EXISTS:
      return "it exists already";
    case VSS_ERR_OUT_OF_MEMORY:
      return "out of memory";
    case VSS_ERR_SYSTEM:
      return "the operating system refused";
    default:
      break;
  }
  const auto error = vss::to_error_code(code);
  return error ? vss::description(*error).data() : "unknown code";
}

const char* vss_version(void) { return VSSD_VERSION; }

}  // extern "C"
