// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/file_catalogue.hpp"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>

#include <spdlog/spdlog.h>

#include "daemon/core/unique_fd.hpp"
#include "daemon/system/directories.hpp"
#include "daemon/system/directory_stream.hpp"
#include "daemon/system/read_file.hpp"
#include "daemon/system/record_json.hpp"

namespace vss::system {
namespace {
constexpr std::string_view kSuffix = ".json";
constexpr std::string_view kTemporary = ".tmp";
constexpr std::string_view kBad = ".bad";

std::string file_name(const core::Guid& set) { return set.str().append(kSuffix); }

core::Result<core::UniqueFd> open_sets(const std::string& state_dir) {
  if (auto made = make_directory(state_dir, 0700); !made) return core::fail(std::move(made.error()));
  return make_directory(state_dir + "/sets", 0700);
}

core::Status sync_directory(int directory) {
  if (::fsync(directory) != 0) return core::fail(core::errno_error(errno, "fsync the directory of the sets"));
  return {};
}

core::Status write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return core::fail(core::errno_error(errno, "write"));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(fd) != 0) return core::fail(core::errno_error(errno, "fsync"));
  return {};
}

core::Status replace_file(int directory, const std::string& name, std::string_view text) {
  const std::string temporary = name + std::string(kTemporary);
  const auto fd = core::open_at(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
  if (!fd) return core::fail(fd.error());
  core::Status written = write_all(fd->get(), text);
  if (written && ::renameat(directory, temporary.c_str(), directory, name.c_str()) != 0) {
    written = core::fail(core::errno_error(errno, "rename"));
  }
  if (written) return sync_directory(directory);
  core::Error error = std::move(written.error());
  if (::unlinkat(directory, temporary.c_str(), 0) != 0) {
    error = std::move(error).followed_by(core::errno_error(errno, "unlink " + temporary));
  }
  return core::fail(std::move(error));
}

core::Status store_record(const std::string& state_dir, const core::SetRecord& record) {
  const std::string what = "store the record of set " + record.set_id.str();
  const auto text = to_json(record);
  if (!text) return core::fail(text.error());
  const auto directory = open_sets(state_dir);
  if (!directory) return core::fail(core::Error(directory.error()).with_context(what));
  auto stored = replace_file(directory->get(), file_name(record.set_id), *text);
  if (!stored) return core::fail(std::move(stored.error()).with_context(what));
  return {};
}

core::Status erase_record(const std::string& state_dir, const core::Guid& set) {
  const auto directory = open_sets(state_dir);
  if (!directory) return core::fail(directory.error());
  if (::unlinkat(directory->get(), file_name(set).c_str(), 0) != 0 && errno != ENOENT) {
    return core::fail(core::errno_error(errno, "remove the record of set " + set.str()));
  }
  return sync_directory(directory->get());
}

core::Result<std::vector<std::string>> entries_of(int directory) {
  const int copy = ::fcntl(directory, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return core::fail(core::errno_error(errno, "duplicate a descriptor"));
  const DirectoryStream stream(::fdopendir(copy));
  if (!stream) {
    ::close(copy);
    return core::fail(core::errno_error(errno, "read the directory of the sets"));
  }
  std::vector<std::string> names;
  for (errno = 0; const dirent* entry = ::readdir(stream.get()); errno = 0) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  if (errno != 0) return core::fail(core::errno_error(errno, "read the directory of the sets"));
  return names;
}

core::Result<core::SetRecord> read_record(int directory, const std::string& name) {
  const auto fd = core::open_at(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd) return core::fail(fd.error());
  struct stat status {};
  if (::fstat(fd->get(), &status) != 0) return core::fail(core::errno_error(errno, "stat"));
  if (!S_ISREG(status.st_mode)) return core::fail(ErrorCode::InvalidDocument, "not a regular file");
  const auto text = read_to_end(fd->get(), kMaxRecordSize);
  if (!text) return core::fail(text.error());
  auto record = set_record_from_json(*text);
  if (record && file_name(record->set_id) != name) {
    return core::fail(ErrorCode::InvalidDocument, "it is the record of set " + record->set_id.str());
  }
  return record;
}

void set_aside(int directory, const std::string& name, const core::Error& why) {
  constexpr int kMostOfOneName = 100;
  for (int i = 0; i < kMostOfOneName; ++i) {
    const std::string target = name + (i == 0 ? "" : "." + std::to_string(i)) + std::string(kBad);
    if (::renameat2(directory, name.c_str(), directory, target.c_str(), RENAME_NOREPLACE) == 0) {
      spdlog::error("catalogue: {} is set aside as {}: {}", name, target, why.message);
      return;
    }
    if (errno != EEXIST) break;
  }
  spdlog::error("catalogue: {} is ignored, and cannot be renamed: {}", name,
                core::Error(why).followed_by(core::errno_error(errno, "rename")).message);
}

core::Result<std::vector<core::SetRecord>> load_records(const std::string& state_dir) {
  const auto directory = open_sets(state_dir);
  if (!directory) return core::fail(directory.error());
  const auto names = entries_of(directory->get());
  if (!names) return core::fail(names.error());
  std::vector<core::SetRecord> records;
  for (const std::string& name : *names) {
    if (name.ends_with(kBad)) continue;
    if (name.ends_with(kTemporary)) {
      if (::unlinkat(directory->get(), name.c_str(), 0) != 0) {
        spdlog::warn("catalogue: {}", core::errno_error(errno, "remove " + name).message);
      }
      continue;
    }
    auto record = read_record(directory->get(), name);
    if (record) {
      records.push_back(std::move(*record));
    } else {
      set_aside(directory->get(), name, record.error());
    }
  }
  return records;
}
}  // namespace

FileCatalogue::FileCatalogue(std::string state_dir)
    : state_dir_(std::move(state_dir)), worker_("vssd-catalogue") {}

asio::awaitable<core::Status> FileCatalogue::store(core::SetRecord record) {
  auto work = [state_dir = state_dir_, record = std::move(record)] {
    return store_record(state_dir, record);
  };
  co_return co_await worker_.run(std::move(work));
}

asio::awaitable<core::Status> FileCatalogue::erase(core::Guid set) {
  auto work = [state_dir = state_dir_, set] { return erase_record(state_dir, set); };
  co_return co_await worker_.run(std::move(work));
}

asio::awaitable<core::Result<std::vector<core::SetRecord>>> FileCatalogue::load() {
  auto work = [state_dir = state_dir_] { return load_records(state_dir); };
  co_return co_await worker_.run(std::move(work));
}

}  // namespace vss::system
