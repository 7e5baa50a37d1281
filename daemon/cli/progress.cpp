// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/progress.hpp"

#include <unistd.h>

#include <cstdio>

#include <fmt/format.h>

namespace vss::cli {

std::string progress_text(const std::string& phase, unsigned done, unsigned total,
                          const std::vector<std::string>& waiting_for) {
  std::string result = total == 0 ? phase : fmt::format("{} {}/{}", phase, done, total);
  if (!waiting_for.empty()) result += fmt::format(", waiting for {}", fmt::join(waiting_for, ", "));
  return result;
}

Progress::Style Progress::style_for_stderr(bool silent) {
  if (silent) return Style::None;
  return ::isatty(STDERR_FILENO) == 1 ? Style::OneLine : Style::Lines;
}

void Progress::on_progress(const std::string& phase, unsigned done, unsigned total,
                           const std::vector<std::string>& waiting_for) {
  const std::lock_guard lock(mutex_);
  const std::string now = progress_text(phase, done, total, waiting_for);
  if (style_ == Style::None || now == last_) return;
  last_ = now;
  const bool one_line = style_ == Style::OneLine;
  std::fprintf(stderr, one_line ? "\r\033[K%s" : "vssctl: %s\n", now.c_str());
  std::fflush(stderr);
}

void Progress::finish() {
  const std::lock_guard lock(mutex_);
  if (style_ == Style::OneLine && !last_.empty()) {
    std::fputs("\r\033[K", stderr);
    std::fflush(stderr);
  }
  style_ = Style::None;
}

}  // namespace vss::cli
