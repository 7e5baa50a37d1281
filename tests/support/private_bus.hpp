// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A message bus of our own for one test: dbus-daemon of type system with the distribution's default rules
// (method calls are denied) and our real policy file. It touches nothing global: whoever wants it as the
// system bus sets DBUS_SYSTEM_BUS_ADDRESS to address(). The daemon dies with the object and with the thread
// that started it. Thread rule: one thread. Failures throw std::runtime_error.

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace vss::test {

class PrivateBus {
 public:
  // Returns when the bus accepts connections.
  PrivateBus();
  ~PrivateBus();
  PrivateBus(const PrivateBus&) = delete;
  PrivateBus& operator=(const PrivateBus&) = delete;

  // Stays the same over stop() and start(), so that clients can come back.
  [[nodiscard]] const std::string& address() const { return address_; }
  // The bus's own temporary directory; removed with the object.
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

  // Kills the daemon (SIGKILL) and waits until it is gone; every client loses its connection.
  void stop();
  // Starts it again at the same address.
  void start();

 private:
  void write_configuration() const;

  std::filesystem::path directory_;
  std::string address_;
  pid_t pid_ = -1;
};

}  // namespace vss::test
