// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/cli/vssctl_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/support/wait_until.hpp"

namespace vss::test {
namespace {

std::string contents(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

VssctlProcess::VssctlProcess(const std::vector<std::string>& arguments) {
  std::string name = std::filesystem::temp_directory_path() / "vssctl-test-XXXXXX";
  int pipe[2];
  if (::mkdtemp(name.data()) == nullptr || ::pipe2(pipe, O_CLOEXEC) != 0) {
    throw std::runtime_error("cannot prepare a run of vssctl");
  }
  directory_ = name;
  input_ = pipe[1];
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, pipe[0], STDIN_FILENO);
  const std::string out = directory_ / "out";
  const std::string err = directory_ / "err";
  constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND;
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), kFlags, 0600);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), kFlags, 0600);
  std::vector<std::string> strings{VSSCTL_PATH};
  strings.insert(strings.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& string : strings) argv.push_back(string.data());
  argv.push_back(nullptr);
  const int error = ::posix_spawn(&pid_, VSSCTL_PATH, &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[0]);
  if (error != 0) throw std::runtime_error("cannot start vssctl");
}

VssctlProcess::~VssctlProcess() {
  close_input();
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::filesystem::remove_all(directory_);
}

void VssctlProcess::close_input() {
  if (input_ >= 0) ::close(input_);
  input_ = -1;
}

void VssctlProcess::signal(int number) const { ::kill(pid_, number); }

int VssctlProcess::wait() {
  int status = 0;
  const bool ended =
      wait_until([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, std::chrono::seconds(10));
  if (!ended) return -1;
  pid_ = -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::string VssctlProcess::output() const { return contents(directory_ / "out"); }
std::string VssctlProcess::errors() const { return contents(directory_ / "err"); }

}  // namespace vss::test
