// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Progress on standard error: one line that is rewritten on a terminal, plain lines elsewhere.

#include <mutex>
#include <string>
#include <vector>

#include "daemon/cli/bus.hpp"

namespace vss::cli {

// "freeze 2/3, waiting for PostgreSQL, MariaDB"
[[nodiscard]] std::string progress_text(const std::string& phase, unsigned done, unsigned total,
                                        const std::vector<std::string>& waiting_for);

// Thread rule: any thread.
class Progress final : public ProgressListener {
 public:
  enum class Style { None, Lines, OneLine };

  explicit Progress(Style style) : style_(style) {}
  ~Progress() override { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // None if `silent`, else as standard error is.
  [[nodiscard]] static Style style_for_stderr(bool silent);

  void on_progress(const std::string& phase, unsigned done, unsigned total,
                   const std::vector<std::string>& waiting_for) override;
  // Removes the line; nothing is printed any more.
  void finish();

 private:
  std::mutex mutex_;
  Style style_;
  std::string last_;
};

}  // namespace vss::cli
