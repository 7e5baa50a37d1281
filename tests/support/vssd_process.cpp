// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/vssd_process.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include <gtest/gtest.h>

namespace vss::test {
namespace {

constexpr auto kReadyLimit = std::chrono::seconds(20);

class NotifySocket {
 public:
  explicit NotifySocket(const std::filesystem::path& path)
      : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (fd_ < 0 || ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      throw std::system_error(errno, std::generic_category(), path.string());
    }
  }
  ~NotifySocket() { ::close(fd_); }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

std::string contents(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

VssdProcess::VssdProcess(const PrivateBus& bus, Options options)
    : address_(bus.address()), environment_(std::move(options.environment)) {
  if (options.directory.empty()) own_directory_.emplace();
  directory_ = own_directory_ ? own_directory_->path() : options.directory;
  configure(options.config);
  environment_["DBUS_SYSTEM_BUS_ADDRESS"] = address_;
  environment_["NOTIFY_SOCKET"] = (directory_ / "notify").string();
  start();
}

VssdProcess::~VssdProcess() {
  process_.reset();
  if (::testing::Test::HasFailure()) std::fprintf(stderr, "--- log of vssd\n%s---\n", log().c_str());
}

void VssdProcess::configure(const std::string& text) const {
  std::ofstream(directory_ / "vssd.conf") << text;
}

bool VssdProcess::is_running() {
  return process_ && !process_->wait(std::chrono::milliseconds(0)) && pid() > 0;
}

void VssdProcess::restart() {
  process_.reset();
  start();
}

void VssdProcess::start() {
  const NotifySocket notify(directory_ / "notify");
  const auto begin = std::chrono::steady_clock::now();
  process_.emplace(
      std::vector<std::string>{VSS_VSSD, "--foreground", "--config", (directory_ / "vssd.conf").string(),
                               "--state-dir", state_dir().string(), "--runtime-dir", runtime_dir().string(),
                               "--provider-dir", VSS_PROVIDERS, "--helper", VSS_VSSD_HOLD},
      environment_, directory_ / "log");
  wait_until_ready(notify.fd());
  start_time_ = std::chrono::steady_clock::now() - begin;
}

void VssdProcess::wait_until_ready(int socket) {
  const auto end = std::chrono::steady_clock::now() + kReadyLimit;
  while (std::chrono::steady_clock::now() < end && is_running()) {
    pollfd readable{socket, POLLIN, 0};
    if (::poll(&readable, 1, 20) != 1) continue;
    std::array<char, 512> buffer{};
    const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (size > 0 && std::string(buffer.data(), static_cast<std::size_t>(size)).find("READY=1") == 0) return;
  }
  throw std::runtime_error("vssd did not get ready:\n" + log());
}

std::string VssdProcess::log() const { return contents(directory_ / "log"); }

std::size_t VssdProcess::resident_kib() const {
  std::istringstream lines(contents("/proc/" + std::to_string(pid()) + "/status"));
  for (std::string word; lines >> word;) {
    std::size_t kib = 0;
    if (word == "VmRSS:" && lines >> kib) return kib;
  }
  throw std::runtime_error("vssd does not run");
}

}  // namespace vss::test
