// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/snapshot_file_remover.hpp"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "daemon/core/unique_fd.hpp"
#include "daemon/system/directory_stream.hpp"

namespace vss::system {
namespace {
constexpr int kMaxNesting = 128;

tl::unexpected<core::Error> cannot(const std::string& what, const std::string& where) {
  return core::fail(core::errno_error(errno, what + " " + where));
}

core::UniqueFd open_below(int at, const char* path) {
  return open_resolved(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
                       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

class FileSetRemoval {
 public:
  explicit FileSetRemoval(const core::FileSet& files) : files_(files) {}

  core::Status run(core::UniqueFd directory, const std::string& path, int depth) {
    if (depth > kMaxNesting)
      return core::fail(ErrorCode::Unexpected, path + ": nested deeper than 128 levels");
    const DirectoryStream entries(::fdopendir(directory.get()));
    if (!entries) return cannot("read", path);
    const int at = directory.release();
    for (errno = 0; const dirent* entry = ::readdir(entries.get()); errno = 0) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (core::Status done = visit(at, name, path + "/" + name, depth); !done) return done;
    }
    if (errno != 0) return cannot("read", path);
    return {};
  }
  [[nodiscard]] std::size_t removed() const { return removed_; }

 private:
  core::Status visit(int at, const std::string& name, const std::string& path, int depth) {
    struct stat facts {};
    if (::fstatat(at, name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) return cannot("look at", path);
    if (S_ISDIR(facts.st_mode)) {
      if (!files_.recursive) return {};
      core::UniqueFd below = open_below(at, name.c_str());
      if (!below && errno == EXDEV) return {};  // something else is mounted there
      if (!below) return cannot("open", path);
      return run(std::move(below), path, depth + 1);
    }
    const bool ours = S_ISREG(facts.st_mode) || S_ISLNK(facts.st_mode);
    if (!ours || ::fnmatch(files_.spec.c_str(), name.c_str(), 0) != 0) return {};
    if (::unlinkat(at, name.c_str(), 0) != 0) return cannot("delete", path);
    ++removed_;
    return {};
  }

  const core::FileSet& files_;
  std::size_t removed_ = 0;
};
}  // namespace

core::Result<std::size_t> remove_files(const std::string& root, const core::FileSet& files) {
  const core::UniqueFd top(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!top) return cannot("open", root);
  const std::string inside =
      files.path.substr(std::min(files.path.size(), files.path.find_first_not_of('/')));
  core::UniqueFd start = open_below(top.get(), inside.empty() ? "." : inside.c_str());
  if (!start && errno == ENOENT) return 0;
  if (!start) return cannot("open", root + "/" + inside);
  FileSetRemoval removal(files);
  if (core::Status done = removal.run(std::move(start), root + "/" + inside, 0); !done)
    return core::fail(std::move(done.error()));
  return removal.removed();
}

asio::awaitable<core::Result<std::size_t>> SnapshotFileRemover::remove(std::string root,
                                                                       core::FileSet files) {
  return worker_.run(
      [root = std::move(root), files = std::move(files)] { return remove_files(root, files); });
}

}  // namespace vss::system
