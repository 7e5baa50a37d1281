// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Between the provider and vssd-lvm, over a SOCK_SEQPACKET pair: one packet with a command line goes there,
// with it (SCM_RIGHTS) perhaps a descriptor that is kept open until the command has ended; packets with one
// line each come back, the first byte says what it is, the last one of a command is kDone with its status.
// Before the first command comes what lvm says while it starts, the directory of its locks, and kDone.

namespace vss::lvm {

inline constexpr int kCommandSocket = 3;  // the descriptor of vssd-lvm
inline constexpr unsigned kLongestPacket = 16 * 1024;

inline constexpr char kPrinted = 'P';  // output and warnings
inline constexpr char kFailure = 'E';  // an error message
inline constexpr char kLocks = 'L';    // global/locking_dir, as lvm is configured
inline constexpr char kDone = 'D';  // the status of lvm2_run in decimal; at the start the errno of mlockall

}  // namespace vss::lvm
