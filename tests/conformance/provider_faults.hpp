// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What a provider may do instead of what it should, and what the requester gets then; and the operations of a
// creation. Those outside of one are in provider_operations_test.cpp, which checks that each of the interface
// is in one of the two tables.

#include <cstddef>
#include <initializer_list>
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "tests/support/requester.hpp"

namespace vss::test {

// watch_ms: the health of snapshots is asked for often enough to wait for it.
inline constexpr const char* kProviderLimits =
    "[limits]\nprovider_ms = 1500\nhold_limit_ms = 1500\nwatch_ms = 50\n";

struct ProviderFault {
  const char* name;
  const char* script;  // of the operation
  const char* error;   // that the requester gets; "" if it gets none
  const char* says;    // the provider
};
inline constexpr ProviderFault kVeto{"veto", "fail 9 told to refuse", "ProviderVeto", "told to refuse"};
inline constexpr ProviderFault kUnexpected{"unexpected", "fail 10 told to fail", "UnexpectedProviderError",
                                           "told to fail"};
inline constexpr ProviderFault kNoSpace{"nospace", "fail 6 told that it is full", "InsufficientStorage",
                                        "told that it is full"};
inline constexpr ProviderFault kHang{"hang", "hang", "UnexpectedProviderError", ""};
inline constexpr ProviderFault kSlow{"slow", "delay 200", "", ""};

[[nodiscard]] inline bool hangs(const ProviderFault& fault) { return fault.script == std::string("hang"); }
[[nodiscard]] inline std::string script_of(const ProviderFault& fault, const std::string& operation) {
  return operation + " " + fault.script + "\n";
}
// Who it was, in what, and why: vss.md M21.
[[nodiscard]] inline std::string message_of(const ProviderFault& fault, const std::string& operation) {
  if (hangs(fault)) return "provider fake still works on " + operation;
  return "provider fake, " + operation + ": " + fault.says;
}
inline void expect_error(const ProviderFault& fault, const std::string& operation, const CallError& error) {
  EXPECT_EQ(error.name, fault.error);
  EXPECT_THAT(error.message, ::testing::HasSubstr(message_of(fault, operation)));
}

// A test of its own for each row and fault.
template <typename Row>
struct FaultCase {
  Row row;
  ProviderFault fault;
};
template <typename Row>
void PrintTo(const FaultCase<Row>& one, std::ostream* out) {
  *out << one.row.operation << " " << one.fault.name;
}
template <typename Row, std::size_t Count>
[[nodiscard]] std::vector<FaultCase<Row>> with_each(const Row (&rows)[Count],
                                                    std::initializer_list<ProviderFault> faults) {
  std::vector<FaultCase<Row>> all;
  for (const Row& row : rows) {
    for (const ProviderFault& fault : faults) all.push_back({row, fault});
  }
  return all;
}

struct CreationRow {
  const char* source;
  const char* operation;
  bool in_creation;  // called by DoSnapshotSet
  int aborts;        // that each writer gets
};
inline constexpr CreationRow kCreationRows[] = {
    {"vss.md 5.1, provider BeginPrepareSnapshot", "is_volume_supported", false, 0},
    {"vss.md 5.1, provider BeginPrepareSnapshot", "begin_prepare", false, 0},
    {"vss.md 5.1 A3", "end_prepare", true, 1},
    {"vss.md 5.1 A3", "pre_commit", true, 1},
    {"vss.md 5.1 A3", "commit", true, 1},
    {"vss.md 5.1 A3", "post_commit", true, 1},
    {"vss.md 5.1 A3", "pre_final_commit", true, 1},
    {"vss.md 5.1 A3", "mount_info", true, 1},
    {"vss.md 5.1 A3; 5.3 W4", "post_final_commit", true, 0},
};

}  // namespace vss::test
