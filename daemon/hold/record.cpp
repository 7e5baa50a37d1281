// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/hold/record.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>

namespace vss::hold {

using core::errno_error;
using core::fail;

std::string_view to_string(TargetState state) {
  switch (state) {
    case TargetState::Planned:
      return "planned";
    case TargetState::Holding:
      return "holding";
    case TargetState::Held:
      return "held";
    case TargetState::Releasing:
      return "releasing";
    case TargetState::Released:
      return "released";
  }
  return "unknown";
}

namespace {
// From any word in `state` to {next, by}.
bool advance(std::atomic<std::uint32_t>& stamp, TargetState state, Stamp next) {
  std::uint32_t word = stamp.load();
  while (Stamp(word).state() == state) {
    if (stamp.compare_exchange_weak(word, next.word())) return true;
  }
  return false;
}

bool exchange(std::atomic<std::uint32_t>& stamp, Stamp from, Stamp next) {
  std::uint32_t word = from.word();
  return stamp.compare_exchange_strong(word, next.word());
}

std::size_t size_for(std::size_t targets) { return sizeof(RecordHeader) + targets * sizeof(RecordTarget); }

template <std::size_t size>
bool copy_text(std::array<char, size>& to, std::string_view text) {
  if (text.size() >= size || text.find('\0') != std::string_view::npos) return false;
  std::memcpy(to.data(), text.data(), text.size());  // the rest of a new file is zero
  return true;
}

template <std::size_t size>
bool terminated(const std::array<char, size>& text) {
  return std::memchr(text.data(), 0, size) != nullptr;
}

core::Result<void*> map_shared(int fd, std::size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (memory == MAP_FAILED) return fail(errno_error(errno, "mapping the hold record"));
  // Best effort in vssd, which need not be allowed to; vssd-hold locks all its memory.
  mlock(memory, size);
  return memory;
}

std::string what_is_wrong(const Record& record) {
  const RecordHeader& header = record.header();
  if (!terminated(header.boot_id)) return "boot id without end";
  for (const RecordTarget& target : record.targets()) {
    if (target.now().state() > TargetState::Released) return "unknown state";
    if (target.ability > static_cast<std::uint32_t>(core::HoldAbility::Suspend)) return "unknown ability";
    if (!terminated(target.mount_point) || !terminated(target.device)) return "name without end";
  }
  return {};
}
}  // namespace

bool RecordTarget::begin_hold(pid_t by) {
  return advance(stamp, TargetState::Planned, {TargetState::Holding, by});
}

void RecordTarget::hold_failed(pid_t by) {
  exchange(stamp, {TargetState::Holding, by}, {TargetState::Planned, by});
}

void RecordTarget::hold_done(pid_t by, std::uint32_t place, std::int64_t since_ns) {
  sequence = place;
  held_ns = since_ns;
  exchange(stamp, {TargetState::Holding, by}, {TargetState::Held, by});
}

bool RecordTarget::claim(pid_t by) { return advance(stamp, TargetState::Held, {TargetState::Releasing, by}); }

bool RecordTarget::take_over(Stamp from, pid_t by) {
  return exchange(stamp, from, {TargetState::Releasing, by});
}

void RecordTarget::release_done(pid_t by) {
  exchange(stamp, {TargetState::Releasing, by}, {TargetState::Released, by});
}

void RecordTarget::release_failed(pid_t by) {
  exchange(stamp, {TargetState::Releasing, by}, {TargetState::Held, by});
}

std::string current_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string line;
  std::getline(file, line);
  return line;
}

std::int64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

core::Result<Record> Record::create(const std::filesystem::path& path, const core::Guid& set,
                                    std::span<const TargetIdentity> targets) {
  if (targets.size() > kMostTargets)
    return fail(ErrorCode::MaximumNumberOfVolumesReached, "a hold window has at most 64 targets");
  core::UniqueFd file(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail(errno_error(errno, "creating " + path.string()));
  auto record = fill(std::move(file), set, targets);
  if (!record) unlink(path.c_str());
  return record;
}

core::Result<Record> Record::fill(core::UniqueFd file, const core::Guid& set,
                                  std::span<const TargetIdentity> targets) {
  const std::size_t size = size_for(targets.size());
  // Allocated, not sparse: a store must not find the tmpfs full.
  if (const int error = posix_fallocate(file.get(), 0, static_cast<off_t>(size)); error != 0)
    return fail(errno_error(error, "allocating the hold record"));
  auto memory = map_shared(file.get(), size);
  if (!memory) return fail(std::move(memory).error());
  Record record(std::move(file), *memory, size);

  RecordHeader& header = record.header();
  header.version = kRecordVersion;
  header.target_count = static_cast<std::uint32_t>(targets.size());
  copy_text(header.boot_id, current_boot_id());
  header.set_id = set.bytes();
  header.daemon = this_process();
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const TargetIdentity& from = targets[i];
    RecordTarget& to = record.targets()[i];
    if (!copy_text(to.mount_point, from.mount_point) || !copy_text(to.device, from.device))
      return fail(ErrorCode::InvalidArgument, "a name is too long for the hold record: " + from.mount_point);
    to.ability = static_cast<std::uint32_t>(from.ability);
    to.device_major = from.device_major;
    to.device_minor = from.device_minor;
    to.filesystem_id = from.filesystem_id;
  }
  header.magic = kRecordMagic;
  return record;
}

core::Result<Record> Record::map(core::UniqueFd file) {
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return fail(errno_error(errno, "hold record"));
  const auto size = static_cast<std::size_t>(status.st_size);
  if (!S_ISREG(status.st_mode) || size < size_for(0) || size > size_for(kMostTargets))
    return fail(ErrorCode::InvalidDocument, "hold record: of a wrong size");
  auto memory = map_shared(file.get(), size);
  if (!memory) return fail(std::move(memory).error());
  Record record(std::move(file), *memory, size);

  const RecordHeader& header = record.header();
  if (header.magic != kRecordMagic) return fail(ErrorCode::InvalidDocument, "hold record: never completed");
  if (header.version != kRecordVersion)
    return fail(ErrorCode::NotSupported, "hold record: version " + std::to_string(header.version));
  if (size != size_for(header.target_count))
    return fail(ErrorCode::InvalidDocument, "hold record: truncated");
  if (std::string reason = what_is_wrong(record); !reason.empty())
    return fail(ErrorCode::InvalidDocument, "hold record: " + reason);
  return record;
}

Record::Record(core::UniqueFd file, void* memory, std::size_t size)
    : file_(std::move(file)), memory_(memory), size_(size) {}

Record::Record(Record&& other) noexcept
    : file_(std::move(other.file_)), memory_(std::exchange(other.memory_, nullptr)), size_(other.size_) {}

Record::~Record() {
  if (memory_ != nullptr) munmap(memory_, size_);
}

std::span<RecordTarget> Record::targets() const {
  auto* first = reinterpret_cast<RecordTarget*>(static_cast<std::byte*>(memory_) + sizeof(RecordHeader));
  return {first, header().target_count};
}

core::Guid Record::set() const {
  std::string hex;
  constexpr std::string_view digits = "0123456789abcdef";
  for (std::size_t i = 0; i < header().set_id.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) hex.push_back('-');
    hex.push_back(digits[header().set_id[i] >> 4U]);
    hex.push_back(digits[header().set_id[i] & 15U]);
  }
  return core::Guid::parse(hex).value_or(core::Guid{});
}

bool Record::of_this_boot() const { return current_boot_id() == header().boot_id.data(); }

bool Record::settled() const {
  for (const RecordTarget& target : targets()) {
    const TargetState state = target.now().state();
    if (state != TargetState::Planned && state != TargetState::Released) return false;
  }
  return true;
}

}  // namespace vss::hold
