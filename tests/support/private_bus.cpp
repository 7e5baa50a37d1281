// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/private_bus.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace vss::test {
namespace {

constexpr int kStartLimitMs = 10000;

// The policy of /usr/share/dbus-1/system.conf, without what belongs to the machine (user, pid file,
// services).
constexpr const char* kConfiguration = R"(<?xml version="1.0"?>
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <auth>EXTERNAL</auth>
  <listen>@ADDRESS@</listen>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Introspectable"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Properties"/>
    <deny send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"
          send_member="UpdateActivationEnvironment"/>
  </policy>
  <policy user="root">
    <!-- A test may stand in for systemd. -->
    <allow own="org.freedesktop.systemd1"/>
    <allow send_destination="org.freedesktop.systemd1"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Debug.Stats"/>
  </policy>
  <include>policy.conf</include>
</busconfig>
)";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// Where the tests run without privileges, their user stands in for root.
std::string with_our_user(const std::string& text) {
  return replaced(text, "user=\"root\"", "user=\"" + std::to_string(geteuid()) + "\"");
}

std::string our_policy() {
  std::ifstream file(VSS_SOURCE_DIR "/dbus/org.vssd.Vss1.conf");
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || text.str().empty()) throw std::runtime_error("cannot read dbus/org.vssd.Vss1.conf");
  return with_our_user(text.str());
}

// dbus-daemon prints its address when it is ready.
void wait_for_line(int fd) {
  pollfd poll_fd{fd, POLLIN, 0};
  std::array<char, 512> buffer{};
  if (::poll(&poll_fd, 1, kStartLimitMs) != 1 || ::read(fd, buffer.data(), buffer.size()) <= 0) {
    throw std::runtime_error("dbus-daemon did not start");
  }
}

[[noreturn]] void run_daemon(const char* configuration, const char* print_address) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  execlp("dbus-daemon", "dbus-daemon", "--nofork", "--nopidfile", "--config-file", configuration,
         print_address, nullptr);
  _exit(127);
}

}  // namespace

PrivateBus::PrivateBus() {
  std::string pattern = std::filesystem::temp_directory_path() / "vss-bus-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
  directory_ = pattern;
  address_ = "unix:path=" + (directory_ / "socket").string();
  // Clients of other users, which tests of access rights start, must reach the socket.
  std::filesystem::permissions(directory_, std::filesystem::perms(0755));
  write_configuration();
  start();
}

PrivateBus::~PrivateBus() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void PrivateBus::write_configuration() const {
  std::ofstream(directory_ / "policy.conf") << our_policy();
  std::ofstream(directory_ / "bus.conf") << with_our_user(replaced(kConfiguration, "@ADDRESS@", address_));
}

void PrivateBus::start() {
  std::error_code ignored;
  std::filesystem::remove(directory_ / "socket", ignored);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  const std::string configuration = directory_ / "bus.conf";
  const std::string print_address = "--print-address=" + std::to_string(ends[1]);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::fcntl(ends[1], F_SETFD, 0);
    run_daemon(configuration.c_str(), print_address.c_str());
  }
  ::close(ends[1]);
  if (pid_ < 0) {
    ::close(ends[0]);
    throw std::runtime_error("fork");
  }
  try {
    wait_for_line(ends[0]);
  } catch (...) {
    ::close(ends[0]);
    stop();
    throw;
  }
  ::close(ends[0]);
}

void PrivateBus::stop() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace vss::test
