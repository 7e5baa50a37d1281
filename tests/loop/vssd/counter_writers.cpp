// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/loop/vssd/counter_writers.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <fstream>
#include <random>
#include <stdexcept>
#include <system_error>

namespace vss::test {
namespace {

constexpr std::size_t kLoadBlock = 96U * 1024U;
constexpr std::uint64_t kLoadBlocks = 24;

std::string counter_name(std::size_t rotation) { return "counter-" + std::to_string(rotation); }

void write_durably(int file, const void* data, std::size_t size, off_t at) {
  if (pwrite(file, data, size, at) != static_cast<ssize_t>(size) || fsync(file) != 0)
    throw std::system_error(errno, std::generic_category(), "write and fsync");
}

int create_file(const std::filesystem::path& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) throw std::system_error(errno, std::generic_category(), path.string());
  return file;
}

std::uint64_t read_counter(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::uint64_t value = 0;
  file.read(reinterpret_cast<char*>(&value), sizeof value);
  if (!file) throw std::runtime_error(path.string() + " cannot be read");
  return value;
}

}  // namespace

CounterWriters::CounterWriters(const Directories& volumes) : rotations_(volumes.size()) {
  for (std::size_t r = 0; r < rotations_.size(); ++r) {
    for (std::size_t i = 0; i < volumes.size(); ++i) {
      const auto& volume = volumes[(r + i) % volumes.size()];
      rotations_[r].files.push_back(create_file(volume / counter_name(r)));
      write_durably(rotations_[r].files.back(), &rotations_[r].counter, sizeof(std::uint64_t), 0);
    }
  }
}

CounterWriters::~CounterWriters() {
  for (Rotation& rotation : rotations_) {
    rotation.thread.reset();
    for (const int file : rotation.files) close(file);
  }
}

void CounterWriters::run(const std::vector<std::size_t>& rotations) {
  stop();
  for (const std::size_t r : rotations) {
    Rotation& rotation = rotations_.at(r);
    rotation.thread = std::make_unique<Repeater>([&rotation](std::uint64_t) {
      ++rotation.counter;
      for (const int file : rotation.files)
        write_durably(file, &rotation.counter, sizeof rotation.counter, 0);
    });
  }
}

void CounterWriters::stop() {
  for (Rotation& rotation : rotations_) {
    if (rotation.thread) rotation.thread->finish();
    rotation.thread.reset();
  }
}

std::uint64_t CounterWriters::rounds() const {
  std::uint64_t sum = 0;
  for (const Rotation& rotation : rotations_) sum += rotation.counter;
  return sum;
}

LoadWriter::LoadWriter(const Directories& volumes, const std::string& name) {
  for (const auto& volume : volumes) files_.push_back(create_file(volume / name));
  thread_ =
      std::make_unique<Repeater>([this, block = std::vector<char>(kLoadBlock, 'x')](std::uint64_t step) {
        const int file = files_[step % files_.size()];
        const auto slot = static_cast<off_t>((step / files_.size()) % kLoadBlocks);
        write_durably(file, block.data(), block.size(), slot * static_cast<off_t>(kLoadBlock));
      });
}

LoadWriter::~LoadWriter() {
  thread_.reset();
  for (const int file : files_) close(file);
}

std::vector<std::string> order_violations(const Directories& copies) {
  std::vector<std::string> violations;
  for (std::size_t r = 0; r < copies.size(); ++r) {
    std::vector<std::uint64_t> values;
    std::string text = "rotation " + std::to_string(r) + ":";
    for (std::size_t i = 0; i < copies.size(); ++i) {
      values.push_back(read_counter(copies[(r + i) % copies.size()] / counter_name(r)));
      text += " " + std::to_string(values.back());
    }
    bool ordered = values.front() <= values.back() + 1;
    for (std::size_t i = 1; i < values.size(); ++i) ordered = ordered && values[i] <= values[i - 1];
    if (!ordered) violations.push_back(text);
  }
  return violations;
}

}  // namespace vss::test
