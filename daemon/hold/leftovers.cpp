// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/hold/leftovers.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <iterator>
#include <system_error>

#include "daemon/hold/find_filesystem.hpp"
#include "daemon/hold/process_watch.hpp"
#include "daemon/hold/record.hpp"
#include "daemon/hold/release.hpp"

namespace vss::hold {

using core::errno_error;
using core::fail;

namespace {
namespace fs = std::filesystem;
using Log = std::function<void(std::string_view)>;

core::Result<std::vector<fs::path>> find_records(const fs::path& runtime_dir) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(runtime_dir, error), end; !error && entry != end; entry.increment(error))
    if (entry->path().filename().string().starts_with(kRecordPrefix)) found.push_back(entry->path());
  if (error && error != std::errc::no_such_file_or_directory)
    return fail(errno_error(error.value(), runtime_dir.string()));
  std::ranges::sort(found);
  return found;
}

bool something_is_held(const Record& record) {
  return std::ranges::any_of(
      record.targets(), [](const RecordTarget& target) { return target.now().state() == TargetState::Held; });
}

// A vssd that lives looks after its own windows, also one that holds nothing yet. Our own pid: vssd itself,
// at its start.
bool belongs_to_another(const ProcessWatch& daemon) { return daemon.pid() != getpid() && !daemon.ended(); }

// A vssd-hold that lives releases by itself: it sees the end of vssd. One that is only waiting for a stuck
// FIFREEZE must not be killed: it is the one that will release it at once.
void let_helper_work(const Record& record, const ProcessWatch& helper, const LeftoverLimits& limits,
                     const Log& log) {
  if (helper.gone()) return;
  helper.send(SIGCONT);
  if (helper.gone(limits.helper) || !something_is_held(record)) return;
  log("vssd-hold (process " + std::to_string(helper.pid()) + ") does not release: killed");
  helper.send(SIGKILL);
}

ReleaseReport release_record(const std::shared_ptr<Record>& record,
                             const std::shared_ptr<ProcessWatch>& daemon, const LeftoverLimits& limits,
                             const Log& log) {
  const auto helper = std::make_shared<ProcessWatch>(record->header().helper);
  let_helper_work(*record, *helper, limits, log);
  const auto job = std::make_shared<ReleaseJob>();
  job->record = record;
  job->action = [record](std::size_t index) { return find_target(record->targets()[index]); };
  job->is_gone = [helper, daemon](pid_t by) {
    if (by == helper->pid()) return helper->gone();
    // Any other is an earlier recovery: it had the lock that we have now.
    return by != daemon->pid() || daemon->gone();
  };
  return release_in_place(job, *helper, limits.stuck);
}

void take(std::vector<std::string>& all, std::vector<std::string>& more, std::string_view what,
          const Log& log) {
  for (const std::string& name : more) log(std::string(what) + name);
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

void remove_record(const fs::path& path, const Log& log) {
  std::error_code error;
  if (!fs::remove(path, error) && error) log("cannot remove " + path.string() + ": " + error.message());
}

core::Status release_file(const fs::path& path, const LeftoverLimits& limits, const Log& log,
                          ReleasedSummary& summary) {
  core::UniqueFd file(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno == ENOENT) return {};  // another recovery was quicker
  if (!file) return fail(errno_error(errno, path.string()));
  // Two recoveries at once would each take the other for dead.
  if (flock(file.get(), LOCK_EX) != 0) return fail(errno_error(errno, "locking " + path.string()));
  ++summary.records;
  auto mapped = Record::map(std::move(file));
  if (!mapped && mapped.error().code == ErrorCode::InvalidDocument) {
    log(path.string() + " is removed, it is not a record that was in use: " + mapped.error().message);
    remove_record(path, log);
    return {};
  }
  if (!mapped) return fail(std::move(mapped).error().with_context(path.string()));
  const auto record = std::make_shared<Record>(std::move(*mapped));
  if (!record->of_this_boot()) {
    log(path.string() + " is of an earlier boot: removed");
    remove_record(path, log);
    return {};
  }
  const auto daemon = std::make_shared<ProcessWatch>(record->header().daemon);
  if (belongs_to_another(*daemon)) {
    ++summary.in_use;
    log(path.string() + " is in use by vssd (process " + std::to_string(daemon->pid()) + "): left to it");
    return {};
  }
  ReleaseReport report = release_record(record, daemon, limits, log);
  take(summary.released, report.released, "released ", log);
  take(summary.not_held, report.not_held, "was not held: ", log);
  const bool settled = report.remaining.empty();
  take(summary.remaining, report.remaining, "not released: ", log);
  if (settled) remove_record(path, log);
  return {};
}
}  // namespace

core::Result<ReleasedSummary> release_leftovers(const std::filesystem::path& runtime_dir,
                                                const std::function<void(std::string_view)>& log,
                                                LeftoverLimits limits) {
  auto records = find_records(runtime_dir);
  if (!records) return fail(std::move(records).error());
  ReleasedSummary summary;
  core::Status status;
  for (const fs::path& path : *records) {
    core::Status one = release_file(path, limits, log, summary);
    if (one) continue;
    log(one.error().message);
    status = status ? std::move(one) : fail(std::move(status).error().followed_by(one.error()));
  }
  if (!status) return fail(std::move(status).error());
  return summary;
}

}  // namespace vss::hold
