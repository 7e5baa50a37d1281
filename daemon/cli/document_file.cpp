// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/document_file.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "daemon/cli/failure.hpp"
#include "daemon/cli/file_io.hpp"

namespace vss::cli {
namespace {

constexpr std::size_t kMaxDocument = std::size_t{64} << 20;  // what CreateRestore takes

std::string directory_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent;
}

void sync_directory(const std::string& path, const std::string& what) {
  const Descriptor directory(::open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) throw_errno(what, errno);
}

void refuse_larger(std::size_t size, const std::string& what) {
  if (size > kMaxDocument)
    throw Failure(ErrorCode::InvalidDocument, what, "larger than 64 MiB: no document of vssd");
}

}  // namespace

std::string read_document(const std::string& path) {
  const std::string what = "read " + path;
  // Not waiting for a pipe that nobody writes to.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) throw_errno(what, errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) throw_errno(what, errno);
  if (!S_ISREG(info.st_mode)) throw Failure(ErrorCode::InvalidDocument, what, "no regular file");
  refuse_larger(static_cast<std::size_t>(info.st_size), what);
  std::string text;
  std::string buffer(65536, '\0');
  while (true) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno(what, errno);
    if (got == 0) return text;
    text.append(buffer, 0, static_cast<std::size_t>(got));
    refuse_larger(text.size(), what);
  }
}

DocumentFile::DocumentFile(std::string path)
    : path_(std::move(path)),
      temporary_(directory_of(path_) + "/." + std::filesystem::path(path_).filename().string() + ".XXXXXX") {
  if (std::filesystem::path(path_).filename().empty() || std::filesystem::is_directory(path_))
    throw Failure(ErrorCode::InvalidArgument, "document " + path_, "that is a directory, not a file");
  fd_ = ::mkostemp(temporary_.data(), O_CLOEXEC);  // 0600
  if (fd_ < 0) throw_errno("document " + path_, errno);
}

DocumentFile::~DocumentFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

void DocumentFile::commit(const std::string& text) {
  const std::string what = "write " + path_;
  write_all(fd_, text, what);
  if (::fsync(fd_) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) throw_errno(what, errno);
  ::close(std::exchange(fd_, -1));
  sync_directory(path_, what);
}

}  // namespace vss::cli
