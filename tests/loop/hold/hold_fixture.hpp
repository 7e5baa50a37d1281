// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Real filesystems, the real vssd-hold, and the client as the coordinator uses it.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include "daemon/hold/helper_holder.hpp"
#include "daemon/hold/process_watch.hpp"
#include "daemon/hold/record.hpp"
#include "tests/support/freeze_guard.hpp"
#include "tests/support/loop_device.hpp"
#include "tests/support/mount_namespace.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

namespace vss::hold {

using namespace std::chrono_literals;
using WindowPtr = std::unique_ptr<core::HoldWindow>;

template <typename T>
asio::awaitable<void> store(asio::awaitable<T> operation, std::optional<T>* result) {
  result->emplace(co_await std::move(operation));
}

// What the coordinator is to the hold: a thread with an io_context.
class Coordinator {
 public:
  explicit Coordinator(const std::filesystem::path& runtime_dir,
                       const std::string& helper = VSSD_HOLD_PROGRAM)
      : holder_(io_.get_executor(), helper, runtime_dir) {}

  template <typename T>
  T await(asio::awaitable<T> operation, std::chrono::milliseconds limit = 20s) {
    std::optional<T> result;
    asio::co_spawn(io_, store(std::move(operation), &result), asio::detached);
    if (!run_until([&] { return result.has_value(); }, limit))
      throw std::runtime_error("no answer within the limit");
    return std::move(*result);
  }
  // Starts it and does not wait.
  template <typename T>
  void start(asio::awaitable<T> operation, std::optional<T>& result) {
    asio::co_spawn(io_, store(std::move(operation), &result), asio::detached);
  }
  bool run_until(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= end) return false;
      io_.restart();
      io_.run_one_for(5ms);
    }
    return true;
  }
  core::Result<WindowPtr> arm(std::vector<core::HoldTarget> targets, std::chrono::milliseconds limit) {
    return await(holder_.arm(core::Guid::random(), std::move(targets), limit));
  }

 private:
  asio::io_context io_;
  HelperHolder holder_;
};

class HoldTest : public testing::Test {
 protected:
  HoldTest() {
    test::private_mount_namespace();
    std::filesystem::create_directory(runtime_dir());
  }
  ~HoldTest() override {
    guard_.reset();
    while (!volumes_.empty()) volumes_.pop_back();  // inner before outer
  }

  // Makes the filesystems "a", "b", ... and the guard.
  void make(const std::vector<std::string>& types) {
    for (const std::string& type : types) add(dir_.path(), type);
    guard();
  }
  test::LoopFilesystem& add(const std::filesystem::path& directory, const std::string& type) {
    const std::string name(1, static_cast<char>('a' + volumes_.size()));
    volumes_.push_back(
        std::make_unique<test::LoopFilesystem>(test::LoopFilesystem::create(directory, name, type, 64)));
    return *volumes_.back();
  }
  void guard() {
    std::vector<core::UniqueFd> roots;
    std::vector<int> fds;
    for (const auto& volume : volumes_) {
      roots.emplace_back(volume->open_root());
      fds.push_back(roots.back().get());
    }
    guard_ = std::make_unique<test::FreezeGuard>(fds);
  }

  std::filesystem::path runtime_dir() const { return dir_.path() / "run"; }
  static core::HoldTarget target(const test::LoopFilesystem& volume) {
    core::HoldTarget target;
    target.mount_point = volume.mount_point().string();
    return target;
  }
  std::vector<core::HoldTarget> targets() const {
    std::vector<core::HoldTarget> all;
    for (const auto& volume : volumes_) all.push_back(target(*volume));
    return all;
  }
  std::size_t frozen() const {
    std::size_t count = 0;
    for (const auto& volume : volumes_) count += volume->is_frozen() ? 1U : 0U;
    return count;
  }

  std::vector<std::filesystem::path> record_paths() const {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(runtime_dir()))
      paths.push_back(entry.path());
    return paths;
  }
  // The one record there is, mapped beside those who use it.
  std::shared_ptr<Record> record() const {
    const auto paths = record_paths();
    if (paths.size() != 1) throw std::runtime_error(std::to_string(paths.size()) + " records");
    auto mapped = Record::map(core::UniqueFd(open(paths[0].c_str(), O_RDWR | O_CLOEXEC)));
    if (!mapped) throw std::runtime_error(mapped.error().message);
    return std::make_shared<Record>(std::move(*mapped));
  }
  static TargetState state(const Record& record, std::size_t index) {
    return record.targets()[index].now().state();
  }

  test::TempDir dir_;
  std::vector<std::unique_ptr<test::LoopFilesystem>> volumes_;
  std::unique_ptr<test::FreezeGuard> guard_;
};

}  // namespace vss::hold
