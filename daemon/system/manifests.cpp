// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/manifests.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include <spdlog/spdlog.h>

#include "daemon/core/unique_fd.hpp"
#include "daemon/system/read_file.hpp"

namespace vss::system {
namespace {
constexpr std::chrono::seconds kReadLimit{30};
// As that of the document which a writer with a program answers.
constexpr std::size_t kMostOfManifest = std::size_t{1} << 20;

core::Result<std::string> read_manifest(const std::string& path) {
  // A fifo would block for ever.
  const auto fd = core::open_path(path, O_RDONLY | O_NONBLOCK);
  if (!fd) return core::fail(fd.error());
  struct stat status {};
  if (::fstat(fd->get(), &status) != 0) return core::fail(core::errno_error(errno, "stat " + path));
  if (!S_ISREG(status.st_mode)) return core::fail(ErrorCode::InvalidArgument, path + " is no regular file");
  if ((status.st_uid != 0 && status.st_uid != ::geteuid()) || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return core::fail(ErrorCode::AccessDenied,
                      path + " could have been written by others than root, or is not root's");
  }
  return read_to_end(fd->get(), kMostOfManifest);
}

core::Result<std::map<std::string, std::string>> files_by_name(const std::vector<std::string>& directories) {
  std::map<std::string, std::string> files;
  for (const std::string& directory : directories) {
    std::error_code error;
    for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
         at.increment(error)) {
      if (at->path().extension() == ".json") files[at->path().filename().string()] = at->path().string();
    }
    if (error && error != std::errc::no_such_file_or_directory)
      return core::fail(core::errno_error(error.value(), "read " + directory));
  }
  return files;
}
}  // namespace

core::Result<std::vector<core::Manifest>> read_manifests(const std::vector<std::string>& directories) {
  const auto files = files_by_name(directories);
  if (!files) return core::fail(files.error());
  std::vector<core::Manifest> manifests;
  for (const auto& [name, path] : *files) {
    core::Result<std::string> text = read_manifest(path);
    if (!text) {
      spdlog::error("writer manifest {}: {}", name, text.error().message);
      manifests.push_back({name, std::nullopt});
    } else if (!text->empty()) {
      manifests.push_back({name, std::move(*text)});
    }
  }
  return manifests;
}

asio::awaitable<core::Result<std::vector<core::Manifest>>> Manifests::read() {
  // A name of its own: g++ 12 destroys a temporary with captures twice here.
  auto work = [directories = directories_] { return read_manifests(directories); };
  co_return co_await worker_.run(std::move(work), kReadLimit);
}

}  // namespace vss::system
