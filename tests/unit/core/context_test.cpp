// SPDX-License-Identifier: LGPL-2.1-or-later
// The contexts of vss.md 2.4: which have writers, persist, are shown to clients.
#include "daemon/core/context.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vss::core {
namespace {

struct ContextRow {
  const char* name;
  Context context;
  bool writers;
  bool persistent;
  bool clients;
};
constexpr ContextRow kContexts[] = {
    {"backup", Context::Backup, true, false, false},
    {"file-share-backup", Context::FileShareBackup, false, false, false},
    {"nas-rollback", Context::NasRollback, false, true, false},
    {"app-rollback", Context::AppRollback, true, true, false},
    {"client-accessible", Context::ClientAccessible, false, true, true},
    {"client-accessible-writers", Context::ClientAccessibleWriters, true, true, true},
};

TEST(Contexts, AreAsTheTableOfVssSays) {
  for (const ContextRow& row : kContexts) {
    EXPECT_EQ(context_from_name(row.name), row.context) << row.name;
    EXPECT_EQ(to_string(row.context), row.name);
    EXPECT_EQ(has_writers(row.context), row.writers) << row.name;
    EXPECT_EQ(is_persistent(row.context), row.persistent) << row.name;
    EXPECT_EQ(is_auto_release(row.context), !row.persistent) << row.name;
    EXPECT_EQ(is_client_accessible(row.context), row.clients) << row.name;
  }
}

TEST(Contexts, AllIsForQueriesOnly) {
  EXPECT_FALSE(context_from_name(kAllContexts));
  EXPECT_THAT(explain_no_context("all"), testing::HasSubstr("for queries only"));
  EXPECT_EQ(explain_no_context("none"), "no context \"none\"");
}

}  // namespace
}  // namespace vss::core
