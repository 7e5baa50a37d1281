// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes the order of writes visible.
//
//   counter write FILE PAUSE_MS DIR...
//     One process a rotation, until SIGTERM: writes a number to the first directory, fsyncs, then the next
//     one, and pauses after the last. FILE always says which number each directory has got. Prints "ready"
//     once every file exists.
//   counter check BEFORE AFTER DIR...
//     Of the same directories in a snapshot set, in the same order, and copies of FILE that were made before
//     and after the set: prints every rotation in which a directory is ahead of one written before it or
//     behind by more than one step, and every file whose content is not that of some time between the copies;
//     status 1 if there is any.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace {

using Directories = std::vector<std::filesystem::path>;
using Page = std::array<std::uint64_t, 512>;

constexpr std::uint64_t kPages = 8;  // number n is in page n % kPages, so the last kPages numbers are there

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

// Numbers whose fsync has returned: of the first rotation in its order, then of the next.
std::span<std::uint64_t> share_acknowledged(const std::filesystem::path& path, std::size_t size) {
  const int file = open_file(path, O_RDWR | O_CREAT | O_TRUNC);
  const std::size_t bytes = size * sizeof(std::uint64_t);
  if (ftruncate(file, static_cast<off_t>(bytes)) != 0) fail(path.string());
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) fail(path.string());
  close(file);
  return {static_cast<std::uint64_t*>(memory), size};
}

std::vector<std::uint64_t> read_acknowledged(const std::filesystem::path& path, std::size_t size) {
  std::vector<std::uint64_t> numbers(size);
  const int file = open_file(path, O_RDONLY);
  const ssize_t got = read(file, numbers.data(), size * sizeof(std::uint64_t));
  close(file);
  if (got != static_cast<ssize_t>(size * sizeof(std::uint64_t)))
    throw std::runtime_error(path.string() + " is too short");
  return numbers;
}

void write_everywhere(const std::vector<int>& files, std::span<std::uint64_t> acknowledged,
                      std::uint64_t number) {
  for (std::size_t i = 0; i < files.size(); ++i) {
    write_number(files[i], number);
    std::atomic_ref(acknowledged[i]).store(number);
  }
}

[[noreturn]] void write_until_killed(const std::vector<int>& files, std::span<std::uint64_t> acknowledged,
                                     std::chrono::milliseconds pause) {
  for (std::uint64_t number = kPages;; ++number) {
    write_everywhere(files, acknowledged, number);
    std::this_thread::sleep_for(pause);
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

int write_all(const std::filesystem::path& state, std::chrono::milliseconds pause,
              const Directories& directories) {
  block_end();
  const auto acknowledged = share_acknowledged(state, directories.size() * directories.size());
  std::vector<pid_t> writers;
  for (std::size_t rotation = 0; rotation < directories.size(); ++rotation) {
    const auto files = rotation_files(directories, rotation, O_RDWR | O_CREAT | O_TRUNC);
    const auto own = acknowledged.subspan(rotation * directories.size(), directories.size());
    for (std::uint64_t number = 0; number < kPages; ++number) write_everywhere(files, own, number);
    const pid_t writer = fork();
    if (writer < 0) fail("fork");
    if (writer == 0) write_until_killed(files, own, pause);
    writers.push_back(writer);
    for (const int file : files) close(file);
  }
  std::puts("ready");
  std::fflush(stdout);
  wait_for_end();
  for (const pid_t writer : writers) kill(writer, SIGKILL);
  bool have_all_written = true;
  for (const pid_t writer : writers) {
    int status = 0;
    waitpid(writer, &status, 0);
    have_all_written = have_all_written && WIFSIGNALED(status);
  }
  return have_all_written ? 0 : 1;
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

// What a snapshot shows was written: all that had been acknowledged before, and no more than one number that
// was being written afterwards.
bool check_content(const std::filesystem::path& path, const Content& content, std::uint64_t before,
                   std::uint64_t after) {
  if (!content.as_written) {
    std::printf("content: %s\n", path.c_str());
    return false;
  }
  if (before <= content.number && content.number <= after + 1) return true;
  std::printf("content: %s has %ju, and %ju was written before and %ju after\n", path.c_str(),
              static_cast<std::uintmax_t>(content.number), static_cast<std::uintmax_t>(before),
              static_cast<std::uintmax_t>(after));
  return false;
}

bool check_order(std::size_t rotation, const std::vector<std::uint64_t>& numbers) {
  bool ordered = numbers.front() <= numbers.back() + 1;
  for (std::size_t i = 1; i < numbers.size(); ++i) ordered = ordered && numbers[i] <= numbers[i - 1];
  if (ordered) return true;
  std::printf("order: rotation %zu:", rotation);
  for (const auto number : numbers) std::printf(" %ju", static_cast<std::uintmax_t>(number));
  std::printf("\n");
  return false;
}

int check(const std::filesystem::path& before, const std::filesystem::path& after,
          const Directories& directories) {
  const std::size_t count = directories.size();
  const auto from = read_acknowledged(before, count * count);
  const auto to = read_acknowledged(after, count * count);
  bool good = true;
  for (std::size_t rotation = 0; rotation < count; ++rotation) {
    std::vector<std::uint64_t> numbers;
    for (std::size_t i = 0; i < count; ++i) {
      const auto path = file_in(directories[(rotation + i) % count], rotation);
      const Content content = read_content(path);
      const std::size_t place = rotation * count + i;
      good = check_content(path, content, from[place], to[place]) && good;
      numbers.push_back(content.number);
    }
    good = check_order(rotation, numbers) && good;
  }
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 4) return 2;
  const Directories directories(words.begin() + 3, words.end());
  try {
    if (words[0] == "write")
      return write_all(words[1], std::chrono::milliseconds{std::stoi(words[2])}, directories);
    if (words[0] == "check") return check(words[1], words[2], directories);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "counter: %s\n", error.what());
  }
  return 2;
}
