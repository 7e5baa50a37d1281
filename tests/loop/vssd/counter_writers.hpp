// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Writers outside the set that make the order of writes visible: each writes a counter to one volume after
// the other, the next one only when fsync of the last has returned. In a set of one instant no volume is then
// ahead of one that is written before it, and none is behind by more than one step.

#include <atomic>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace vss::test {

using Directories = std::vector<std::filesystem::path>;

// A thread that does one step again and again until it ends. What the step throws comes out of finish().
class Repeater {
 public:
  template <typename Step>
  explicit Repeater(Step step) : thread_([this, step] { run(step); }) {}
  ~Repeater() { stop(); }
  Repeater(const Repeater&) = delete;
  Repeater& operator=(const Repeater&) = delete;

  // Ends after the present step; throws what a step threw.
  void finish() {
    stop();
    if (error_) std::rethrow_exception(error_);
  }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }

 private:
  template <typename Step>
  void run(const Step& step) noexcept {
    try {
      while (!stop_) step(++steps_);
    } catch (...) {
      error_ = std::current_exception();
    }
  }
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

  std::atomic<bool> stop_ = false;
  std::atomic<std::uint64_t> steps_ = 0;
  std::exception_ptr error_;
  std::thread thread_;
};

// Rotation r writes to the volumes r, r+1, ..., N-1, 0, ..., r-1; each rotation has a file of its own on
// each. Makes the files; the counters go on where they were when a rotation is started again.
class CounterWriters {
 public:
  explicit CounterWriters(const Directories& volumes);
  ~CounterWriters();
  CounterWriters(const CounterWriters&) = delete;
  CounterWriters& operator=(const CounterWriters&) = delete;

  // Ends those that run and starts these.
  void run(const std::vector<std::size_t>& rotations);
  void stop();
  // Rounds of all rotations so far.
  [[nodiscard]] std::uint64_t rounds() const;

 private:
  struct Rotation {
    std::vector<int> files;  // in the order in which they are written
    std::uint64_t counter = 0;
    std::unique_ptr<Repeater> thread;
  };
  std::vector<Rotation> rotations_;
};

// Appends and fsyncs larger blocks to a ring of a few MiB on each volume in turn.
class LoadWriter {
 public:
  LoadWriter(const Directories& volumes, const std::string& name);
  ~LoadWriter();
  LoadWriter(const LoadWriter&) = delete;
  LoadWriter& operator=(const LoadWriter&) = delete;

 private:
  std::vector<int> files_;
  std::unique_ptr<Repeater> thread_;
};

// One text per rotation whose order is broken in these copies of the volumes (same order as the volumes).
[[nodiscard]] std::vector<std::string> order_violations(const Directories& copies);

}  // namespace vss::test
