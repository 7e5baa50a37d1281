// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/error.hpp"

#include <cerrno>
#include <system_error>

namespace vss::core {

Error Error::with_context(std::string_view context) && {
  message.insert(0, ": ").insert(0, context);
  return std::move(*this);
}

Error Error::followed_by(const Error& later) && {
  message.append("; then: ").append(later.message);
  return std::move(*this);
}

namespace {
ErrorCode code_for(int error_number) {
  switch (error_number) {
    case EPERM:
    case EACCES:
      return ErrorCode::AccessDenied;
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::ObjectNotFound;
    case EEXIST:
      return ErrorCode::ObjectAlreadyExists;
    case EINVAL:
    case ENAMETOOLONG:
    case ELOOP:
      return ErrorCode::InvalidArgument;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::InsufficientStorage;
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return ErrorCode::OutOfMemory;
    case EBUSY:
      return ErrorCode::VolumeInUse;
    case EOPNOTSUPP:
    case ENOTTY:
      return ErrorCode::NotSupported;
    default:
      return ErrorCode::Unexpected;
  }
}
}  // namespace

Error errno_error(int error_number, std::string_view what) {
  return {code_for(error_number),
          std::string(what).append(": ").append(std::generic_category().message(error_number))};
}

}  // namespace vss::core
