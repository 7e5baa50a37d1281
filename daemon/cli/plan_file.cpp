// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/plan_file.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "daemon/cli/failure.hpp"
#include "daemon/cli/file_io.hpp"

namespace vss::cli {

PlanFile::PlanFile(const Json& plan) : path_(std::filesystem::temp_directory_path() / "vssctl-plan.XXXXXX") {
  const Descriptor file(::mkostemp(path_.data(), O_CLOEXEC));  // 0600
  if (file.get() < 0) {
    throw Failure(ExitCode::General, "SystemError", "make " + path_, std::generic_category().message(errno));
  }
  try {
    write_all(file.get(), plan.dump(2) + '\n', "write " + path_);
  } catch (...) {
    ::unlink(path_.c_str());
    throw;
  }
}

PlanFile::~PlanFile() { ::unlink(path_.c_str()); }

std::vector<std::string> restore_environment(const PlanFile& plan, const std::string& document) {
  return {"VSS_RESTORE_PLAN=" + plan.path(), "VSS_DOCUMENT=" + document};
}

}  // namespace vss::cli
