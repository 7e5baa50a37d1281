// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/postgresql/running_server.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "writer-sdk/writers/common/listener.hpp"
#include "writer-sdk/writers/common/places.hpp"

namespace vss::postgresql {
namespace {

namespace fs = std::filesystem;

// The first line of postmaster.pid; negative for a server of one user. A process of that number which works
// elsewhere, or is another account's, is not the server, whose file was left by a crash: a server takes it
// for the same.
std::optional<pid_t> server_with_pid_file(const fs::path& data_directory) {
  const fs::path file = data_directory / "postmaster.pid";
  if (!fs::exists(file)) return std::nullopt;
  pid_t pid = 0;
  std::ifstream(file) >> pid;
  if (pid == 0) throw std::runtime_error(file.string() + " cannot be read: is a server running?");
  pid = std::abs(pid);
  if (::kill(pid, 0) != 0 && (errno == ESRCH || errno == EPERM)) return std::nullopt;
  std::error_code unknown;
  const bool works_here = fs::equivalent("/proc/" + std::to_string(pid) + "/cwd", data_directory, unknown);
  if (!unknown && !works_here) return std::nullopt;
  return pid;
}

std::string works(const std::string& pid, const fs::path& data_directory) {
  return "a server (pid " + pid + ") works in " + data_directory.string();
}

// The lock beside a socket says who has it and where that works. A session would not do: none can begin when
// the files are gone.
std::optional<std::string> server_with_socket(const fs::path& data_directory, const ServerSettings& server) {
  const fs::path socket = fs::path(server.socket_directory) / (".s.PGSQL." + std::to_string(server.port));
  if (!writers::is_listened_to(socket)) return std::nullopt;
  std::ifstream lock(socket.string() + ".lock");
  std::string pid;
  std::string directory;
  if (!std::getline(lock, pid) || !std::getline(lock, directory))
    return "the server of " + socket.string() + " may work in " + data_directory.string() +
           ", which cannot be told (" + socket.string() + ".lock cannot be read)";
  if (!writers::is_same_place(directory, data_directory)) return std::nullopt;
  return works(pid, data_directory) + ", though what it has there was deleted";
}

}  // namespace

std::optional<std::string> server_in(const fs::path& data_directory, const ServerSettings& server) {
  if (const auto pid = server_with_pid_file(data_directory))
    return works(std::to_string(*pid), data_directory);
  return server_with_socket(data_directory, server);
}

}  // namespace vss::postgresql
