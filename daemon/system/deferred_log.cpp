// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/deferred_log.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>

#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace vss::system {
namespace {
std::string_view sd_priority(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return SD_DEBUG;
    case spdlog::level::info:
      return SD_INFO;
    case spdlog::level::warn:
      return SD_WARNING;
    case spdlog::level::err:
      return SD_ERR;
    case spdlog::level::critical:
      return SD_CRIT;
    case spdlog::level::off:
    case spdlog::level::n_levels:
      return "";
  }
  return "";
}

class PriorityFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    const std::string_view text = sd_priority(message.level);
    out.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<PriorityFlag>();
  }
};

class OneLineFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    for (const char c : message.payload) {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back(byte < 0x20 || byte == 0x7f ? '?' : c);
    }
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<OneLineFlag>();
  }
};

// As systemd.exec(5) says: JOURNAL_STREAM is inherited by children whose standard error is something else.
bool journal_reads_stderr() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stream;
}
}  // namespace

DeferredSink::DeferredSink(std::shared_ptr<spdlog::sinks::sink> target, std::size_t capacity)
    : target_(std::move(target)), lines_(capacity) {}

void DeferredSink::begin_hold() {
  const std::lock_guard lock(mutex_);
  ++holds_;
}

void DeferredSink::end_hold() {
  const std::lock_guard lock(mutex_);
  if (holds_ == 0 || --holds_ > 0) return;
  write_kept();
}

void DeferredSink::sink_it_(const spdlog::details::log_msg& message) {
  if (holds_ > 0) {
    keep(message);
  } else {
    target_->log(message);
  }
}

void DeferredSink::flush_() {
  if (holds_ == 0) target_->flush();
}

void DeferredSink::set_formatter_(std::unique_ptr<spdlog::formatter> formatter) {
  target_->set_formatter(std::move(formatter));
}

void DeferredSink::keep(const spdlog::details::log_msg& message) {
  Line& line = lines_[next_];
  next_ = (next_ + 1) % lines_.size();
  if (kept_ == lines_.size()) {
    ++dropped_;
  } else {
    ++kept_;
  }
  line.time = message.time;
  line.level = message.level;
  line.length = static_cast<std::uint16_t>(std::min(message.payload.size(), line.text.size()));
  std::copy_n(message.payload.data(), line.length, line.text.data());
}

void DeferredSink::write_kept() {
  if (dropped_ > 0) write_dropped();
  const std::size_t first = (next_ + lines_.size() - kept_) % lines_.size();
  for (std::size_t i = 0; i < kept_; ++i) {
    const Line& line = lines_[(first + i) % lines_.size()];
    const spdlog::string_view_t text(line.text.data(), line.length);
    target_->log(spdlog::details::log_msg(line.time, spdlog::source_loc{}, "", line.level, text));
  }
  target_->flush();
  kept_ = 0;
  dropped_ = 0;
}

void DeferredSink::write_dropped() {
  const std::string text = std::to_string(dropped_) + " older messages were dropped while volumes were held";
  target_->log(spdlog::details::log_msg(spdlog::source_loc{}, "", spdlog::level::warn, text));
}

std::unique_ptr<spdlog::formatter> log_formatter(LogStyle style) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<PriorityFlag>('*').add_flag<OneLineFlag>('N');
  formatter->set_pattern(style == LogStyle::Journal ? "%*%N" : "%Y-%m-%d %H:%M:%S.%e %l: %N");
  return formatter;
}

std::shared_ptr<DeferredSink> install_log(spdlog::level::level_enum level, bool foreground) {
  auto sink = std::make_shared<DeferredSink>(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  const bool journal = !foreground && journal_reads_stderr();
  sink->set_formatter(log_formatter(journal ? LogStyle::Journal : LogStyle::Plain));
  const auto logger = std::make_shared<spdlog::logger>("vssd", sink);
  logger->set_level(level);
  spdlog::set_default_logger(logger);
  return sink;
}

}  // namespace vss::system
