// SPDX-License-Identifier: LGPL-2.1-or-later
// vssd-lvm reads and writes metadata without asynchronous I/O, whose end, io_destroy(2), waits for a grace
// period of RCU: tens of milliseconds to two hundred in each command, also while volumes are held. To set
// `global/use_aio` by --config is too late, lvm looks at it when it starts; and lvm.conf is not ours. So lvm
// meets a kernel without asynchronous I/O (fs/aio.c), and goes on as it does there.
#include <cerrno>

extern "C" __attribute__((visibility("default"))) int io_setup(int max_events, void** context);

int io_setup(int /*max_events*/, void** /*context*/) { return -ENOSYS; }
