// SPDX-License-Identifier: LGPL-2.1-or-later
// Modules that break one rule each; ODD_NAME, ODD_MAJOR and ODD_SIZE say which. With ODD_MINOR=0: a
// sound one that was built before check_health existed; with ODD_MINOR=1 before break_snapshot.
#include <cstddef>
#include <cstdlib>

#include "vss/provider_abi.h"

namespace {
int nothing_for_volume(const vss_provider_host*, const vss_volume*) { return VSS_PROVIDER_OK; }
int nothing_for_member(const vss_provider_host*, const vss_member*) { return VSS_PROVIDER_OK; }
int nothing_for_set(const vss_provider_host*, const char*) { return VSS_PROVIDER_OK; }
#ifndef ODD_NO_COMMIT
int no_commit(const vss_provider_host*, const char*, const vss_member*, size_t) { return VSS_PROVIDER_OK; }
#endif
int no_mount(const vss_provider_host*, const vss_member*, int) { return VSS_PROVIDER_OK; }

vss_provider_ops make_ops() {
  vss_provider_ops ops{};
#if defined(ODD_MINOR) && ODD_MINOR == 0
  ops.struct_size = offsetof(vss_provider_ops, check_health);
  ops.check_health = [](const vss_provider_host*, const vss_member*) -> int { std::abort(); };
#elif defined(ODD_MINOR) && ODD_MINOR == 1
  ops.struct_size = offsetof(vss_provider_ops, break_snapshot);
  ops.break_snapshot = [](const vss_provider_host*, const vss_member*, int) -> int { std::abort(); };
#else
  ops.struct_size = sizeof ops;
#endif
  ops.is_volume_supported = nothing_for_volume;
  ops.begin_prepare = nothing_for_member;
#ifndef ODD_NO_COMMIT
  ops.commit = no_commit;
#endif
  ops.abort = nothing_for_set;
  ops.remove = nothing_for_member;
  ops.query = nothing_for_member;
  ops.mount_info = no_mount;
  return ops;
}
}  // namespace

#ifndef ODD_MAJOR
#define ODD_MAJOR VSS_PROVIDER_ABI_MAJOR
#endif
#ifndef ODD_MINOR
#define ODD_MINOR VSS_PROVIDER_ABI_MINOR
#endif
#ifndef ODD_SIZE
#define ODD_SIZE sizeof(vss_provider_descriptor)
#endif

#ifdef ODD_NO_SYMBOL
#define vss_provider_describe another_function
#endif
extern "C" VSS_PROVIDER_EXPORT const vss_provider_descriptor* vss_provider_describe(void) {
  static const vss_provider_ops ops = make_ops();
  static const vss_provider_descriptor descriptor = {ODD_SIZE, ODD_MAJOR, ODD_MINOR, ODD_NAME,
                                                     "1",      0,         0,         &ops};
  return &descriptor;
}
