// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The restore plan where a command finds it.

#include <string>
#include <vector>

#include "daemon/cli/json.hpp"

namespace vss::cli {

// A temporary file, mode 0600, that is gone with the object. Throws Failure.
class PlanFile {
 public:
  explicit PlanFile(const Json& plan);
  ~PlanFile();
  PlanFile(const PlanFile&) = delete;
  PlanFile& operator=(const PlanFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// VSS_RESTORE_PLAN and VSS_DOCUMENT.
[[nodiscard]] std::vector<std::string> restore_environment(const PlanFile& plan, const std::string& document);

}  // namespace vss::cli
