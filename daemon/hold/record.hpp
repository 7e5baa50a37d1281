// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The record of a hold window: a file in the runtime directory (tmpfs), written by vssd before the first hold
// and mapped by vssd and vssd-hold. It says what is held, so that anybody who is left can release it, and it
// decides who does: each step is a compare-exchange, and only its winner makes the system call.
// The transitions are lock-free and may be called from any thread of any process.

#include <sys/types.h>
#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "daemon/core/error.hpp"
#include "daemon/core/guid.hpp"
#include "daemon/core/provider.hpp"
#include "daemon/core/unique_fd.hpp"
#include "daemon/hold/process_watch.hpp"

namespace vss::hold {

inline constexpr std::size_t kMostTargets = 64;
inline constexpr std::string_view kRecordPrefix = "hold.record";

enum class TargetState : std::uint8_t { Planned, Holding, Held, Releasing, Released };
[[nodiscard]] std::string_view to_string(TargetState state);

// A state and the process that set it, in one atomic word: the owner of Holding and Releasing must be known
// to be dead before anybody else may finish its step. (A pid has at most 22 bits.)
class Stamp {
 public:
  constexpr Stamp() = default;
  constexpr Stamp(TargetState state, pid_t by)
      : word_(static_cast<std::uint32_t>(by) << 8U | static_cast<std::uint32_t>(state)) {}
  constexpr explicit Stamp(std::uint32_t word) : word_(word) {}
  [[nodiscard]] constexpr TargetState state() const { return static_cast<TargetState>(word_ & 0xFFU); }
  [[nodiscard]] constexpr pid_t by() const { return static_cast<pid_t>(word_ >> 8U); }
  [[nodiscard]] constexpr std::uint32_t word() const { return word_; }

 private:
  std::uint32_t word_ = 0;
};

// One target as it stands in the file.
struct RecordTarget {
  std::atomic<std::uint32_t> stamp;
  std::atomic<std::uint32_t> sequence;  // place in the order of holding, from 1; 0 if never held
  std::uint32_t ability;                // core::HoldAbility
  std::uint32_t device_major;           // of st_dev
  std::uint32_t device_minor;
  std::uint32_t reserved;
  std::uint64_t filesystem_id;            // f_fsid
  std::atomic<std::int64_t> held_ns;      // CLOCK_MONOTONIC, when the hold began
  std::atomic<std::int64_t> released_ns;  // when the release began
  std::array<char, 4096> mount_point;     // NUL-terminated
  std::array<char, 128> device;           // device-mapper name, NUL-terminated

  [[nodiscard]] Stamp now() const { return Stamp(stamp.load()); }
  // Planned -> Holding. False: it was not Planned.
  bool begin_hold(pid_t by);
  // Holding -> Planned: the hold failed, nothing is held.
  void hold_failed(pid_t by);
  // Holding -> Held, as number `place` in the order.
  void hold_done(pid_t by, std::uint32_t place, std::int64_t since_ns);
  // Held -> Releasing. True for exactly one caller: the one that makes the release.
  bool claim(pid_t by);
  // Holding or Releasing of a dead owner -> Releasing. True for exactly one caller.
  bool take_over(Stamp from, pid_t by);
  // Releasing -> Released, or back to Held when the system call failed and it still holds.
  void release_done(pid_t by);
  void release_failed(pid_t by);
};

struct RecordHeader {
  std::atomic<std::uint64_t> magic;  // set last: a file without it was never complete
  std::uint32_t version;
  std::uint32_t target_count;
  std::array<char, 40> boot_id;  // NUL-terminated
  std::array<std::uint8_t, 16> set_id;
  ProcessIdentity daemon;
  ProcessIdentity helper;            // set by the helper before it answers that it is armed
  std::atomic<std::uint32_t> holds;  // last place given in the order of holding
  std::uint32_t reserved;
};

inline constexpr std::uint64_t kRecordMagic = 0x31444C4F48535356;  // "VSSHOLD1"
inline constexpr std::uint32_t kRecordVersion = 1;

// The layout is read by other processes, after an upgrade perhaps by another build.
static_assert(std::atomic<std::uint32_t>::is_always_lock_free &&
              std::atomic<std::int64_t>::is_always_lock_free);
static_assert(sizeof(ProcessIdentity) == 16);
static_assert(sizeof(RecordHeader) == 112);
static_assert(sizeof(RecordTarget) == 48 + 4096 + 128);

// What is to be held, as vssd found it.
struct TargetIdentity {
  core::HoldAbility ability = core::HoldAbility::Freeze;
  std::string mount_point;
  std::string device;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint64_t filesystem_id = 0;
};

// "/proc/sys/kernel/random/boot_id" without the line end.
[[nodiscard]] std::string current_boot_id();

// CLOCK_MONOTONIC in nanoseconds.
[[nodiscard]] std::int64_t monotonic_ns();

// A mapped record.
class Record {
 public:
  // Writes a new record for targets that are all Planned. Errors: ObjectAlreadyExists,
  // MaximumNumberOfVolumesReached, InvalidArgument (a name too long), or what the file system says.
  [[nodiscard]] static core::Result<Record> create(const std::filesystem::path& path, const core::Guid& set,
                                                   std::span<const TargetIdentity> targets);
  // Maps and checks an existing record; takes the descriptor. Errors: InvalidDocument (with the reason).
  [[nodiscard]] static core::Result<Record> map(core::UniqueFd file);

  Record(Record&& other) noexcept;
  Record& operator=(Record&&) = delete;
  ~Record();

  [[nodiscard]] RecordHeader& header() const { return *static_cast<RecordHeader*>(memory_); }
  [[nodiscard]] std::span<RecordTarget> targets() const;
  [[nodiscard]] core::Guid set() const;
  [[nodiscard]] bool of_this_boot() const;
  // Whether nothing is held: every target is Planned or Released.
  [[nodiscard]] bool settled() const;
  [[nodiscard]] int fd() const { return file_.get(); }

 private:
  Record(core::UniqueFd file, void* memory, std::size_t size);
  static core::Result<Record> fill(core::UniqueFd file, const core::Guid& set,
                                   std::span<const TargetIdentity> targets);

  core::UniqueFd file_;
  void* memory_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace vss::hold
