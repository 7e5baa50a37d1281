// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Dictionaries of the bus: building answers, and reading what callers send: a wrong type or an unknown key is
// an error.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "daemon/bus/sdbus_compat.hpp"
#include "daemon/core/error.hpp"

namespace vss::bus {

using Dictionary = std::map<std::string, sdbus::Variant>;
using Dictionaries = std::vector<Dictionary>;

// Reads each key at most once; finish() refuses what nobody asked for.
class DictionaryReader {
 public:
  explicit DictionaryReader(const Dictionary& dictionary) : dictionary_(dictionary) {}

  // Stores the value of `key` if it is there. A value of another type is noted as an error.
  template <typename T>
  void read(const std::string& key, T& value) {
    known_.insert(key);
    const auto at = dictionary_.find(key);
    if (at == dictionary_.end() || error_) return;
    if (!at->second.containsValueOfType<T>()) {
      error_ = core::Error{ErrorCode::InvalidArgument, "\"" + key + "\" has the wrong type"};
      return;
    }
    value = at->second.get<T>();
  }

  [[nodiscard]] core::Status finish() const {
    if (error_) return core::fail(*error_);
    for (const auto& [key, value] : dictionary_) {
      if (!known_.contains(key)) return core::fail(ErrorCode::InvalidArgument, "unknown key \"" + key + "\"");
    }
    return {};
  }

 private:
  const Dictionary& dictionary_;
  std::set<std::string> known_;
  std::optional<core::Error> error_;
};

}  // namespace vss::bus
