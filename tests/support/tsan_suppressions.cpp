// SPDX-License-Identifier: LGPL-2.1-or-later
// What ThreadSanitizer cannot see, because the libraries are not built with it. Nothing of ours is listed.

extern "C" __attribute__((visibility("default"))) const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() {
  return
      // libsystemd: the key of its hash tables, once per process, under its own guard.
      "race:getrandom\n"
      // sdbus-c++: a static object behind a guard; the reference count of a call that is done.
      "race:sdbus::internal::createPseudoConnection\n"
      "race:sdbus::internal::SdBus::sd_bus_message_new\n"
      "race:sdbus::PendingAsyncCall::~PendingAsyncCall\n"
      // libstdc++ opens directories unseen, so that the number of a closed descriptor seems to be used still.
      "race:closedir\n";
}
