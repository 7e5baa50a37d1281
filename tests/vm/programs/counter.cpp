// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes the order of writes visible.
//
//   counter write DIR...
//     One process a rotation, until SIGTERM: writes a number to the first directory, fsyncs, then the next
//     one. Prints "ready" once every file exists.
//   counter check DIR...
//     Of the same directories in a snapshot set, in the same order: prints every rotation in which a
//     directory is ahead of one written before it or behind by more than one step, and every file that is not
//     what has been written by then; status 1 if there is any.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace {

using Directories = std::vector<std::filesystem::path>;
using Page = std::array<std::uint64_t, 512>;

constexpr std::uint64_t kPages = 8;  // number n is in page n % kPages, so the last kPages numbers are there
// The processor of a guest is slow and must be left to vssd too; captures one after another take several times as long.
constexpr std::chrono::milliseconds kPause{200};

std::filesystem::path file_in(const std::filesystem::path& directory, std::size_t rotation) {
  return directory / ("counter-" + std::to_string(rotation));
}

off_t page_at(std::uint64_t number) { return static_cast<off_t>((number % kPages) * sizeof(Page)); }

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

int open_file(const std::filesystem::path& path, int flags) {
  const int file = open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (file < 0) fail(path.string());
  return file;
}

void write_number(int file, std::uint64_t number) {
  Page page;
  page.fill(number);
  if (pwrite(file, page.data(), sizeof page, page_at(number)) != static_cast<ssize_t>(sizeof page) ||
      fsync(file) != 0)
    fail("write and fsync");
}

std::vector<int> rotation_files(const Directories& directories, std::size_t rotation, int flags) {
  std::vector<int> files;
  for (std::size_t i = 0; i < directories.size(); ++i)
    files.push_back(open_file(file_in(directories[(rotation + i) % directories.size()], rotation), flags));
  return files;
}

[[noreturn]] void write_until_killed(const std::vector<int>& files) {
  for (std::uint64_t number = kPages;; ++number) {
    for (const int file : files) write_number(file, number);
    std::this_thread::sleep_for(kPause);
  }
}

void wait_for_end() {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  int number = 0;
  sigwait(&ends, &number);
}

void block_end() {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
}

int write_all(const Directories& directories) {
  block_end();
  std::vector<pid_t> writers;
  for (std::size_t rotation = 0; rotation < directories.size(); ++rotation) {
    const auto files = rotation_files(directories, rotation, O_RDWR | O_CREAT | O_TRUNC);
    for (std::uint64_t number = 0; number < kPages; ++number) {
      for (const int file : files) write_number(file, number);
    }
    const pid_t writer = fork();
    if (writer < 0) fail("fork");
    if (writer == 0) write_until_killed(files);
    writers.push_back(writer);
    for (const int file : files) close(file);
  }
  std::puts("ready");
  std::fflush(stdout);
  wait_for_end();
  for (const pid_t writer : writers) kill(writer, SIGKILL);
  for (const pid_t writer : writers) waitpid(writer, nullptr, 0);
  return 0;
}

struct Content {
  std::uint64_t number = 0;  // the last one
  bool as_written = true;
};

Content read_content(const std::filesystem::path& path) {
  const int file = open_file(path, O_RDONLY);
  std::array<Page, kPages> pages;
  const ssize_t got = pread(file, pages.data(), sizeof pages, 0);
  close(file);
  Content content;
  content.as_written = got == static_cast<ssize_t>(sizeof pages);
  if (!content.as_written) return content;
  for (const Page& page : pages) content.number = std::max(content.number, page[0]);
  for (std::uint64_t back = 0; back < kPages; ++back) {
    const std::uint64_t expected = content.number - back;
    for (const std::uint64_t word : pages[expected % kPages])
      content.as_written = content.as_written && word == expected;
  }
  return content;
}

int check(const Directories& directories) {
  bool good = true;
  for (std::size_t rotation = 0; rotation < directories.size(); ++rotation) {
    std::vector<std::uint64_t> numbers;
    std::string text;
    for (std::size_t i = 0; i < directories.size(); ++i) {
      const auto path = file_in(directories[(rotation + i) % directories.size()], rotation);
      const Content content = read_content(path);
      if (!content.as_written) {
        good = false;
        std::printf("content: %s\n", path.c_str());
      }
      numbers.push_back(content.number);
      text += " " + std::to_string(content.number);
    }
    bool ordered = numbers.front() <= numbers.back() + 1;
    for (std::size_t i = 1; i < numbers.size(); ++i) ordered = ordered && numbers[i] <= numbers[i - 1];
    if (ordered) continue;
    good = false;
    std::printf("order: rotation %zu:%s\n", rotation, text.c_str());
  }
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 2) return 2;
  const Directories directories(words.begin() + 1, words.end());
  try {
    if (words[0] == "write") return write_all(directories);
    if (words[0] == "check") return check(directories);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "counter: %s\n", error.what());
  }
  return 2;
}
