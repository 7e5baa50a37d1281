// SPDX-License-Identifier: LGPL-2.1-or-later
// A provider that refuses, fails, hangs or is slow in each operation outside of the creation of a set: who
// asked gets a typed error, or what stands for one; nothing is lost or left half done; others are served; and
// when the fault is over the same works. vss.md 2.2, 4 and M21.

#include <fstream>
#include <set>

#include "tests/conformance/conformance_test.hpp"
#include "tests/conformance/provider_faults.hpp"

namespace vss::test {
namespace {

using ::testing::HasSubstr;

constexpr auto kInTheEnd = std::chrono::seconds(60);
constexpr const char* kCause = "post_commit fail 10 the cause\n";

class OutsideACreation;

// How one hears of the fault: as the error of the call, in the text of its answer, as the id of what could
// not be done, or in the log only. With the last two the log has the reason.
enum class HeardOf { AsError, InTheAnswer, AsTheId, InTheLog };
// When the set is in no list, but in the catalogue, until vssd has done by itself what was asked for.
enum class Hidden { Never, WhenItHung, Always };

struct OutsideRow {
  const char* source;
  const char* operation;
  const char* by;                                     // what leads to it
  Reply<std::string> (OutsideACreation::*perform)();  // the answer: "", or what it says of the fault
  HeardOf heard;
  bool ends_the_set = false;
  Hidden hidden = Hidden::Never;
  const char* also = "";  // in the script, before, with and after the fault
};
using OutsideCase = FaultCase<OutsideRow>;

class OutsideACreation : public ConformanceTest, public ::testing::WithParamInterface<OutsideCase> {
 public:
  Reply<std::string> is_supported() {
    const auto answer =
        admin_->manager<std::tuple<bool, Dict>>("IsVolumeSupported", volume(), std::string("fake"));
    return text_of(answer, [](const auto& value) { return std::get<bool>(value) ? "" : "not supported"; });
  }
  Reply<std::string> delete_one() { return remove("snapshot", snapshot_); }
  Reply<std::string> delete_set() { return remove("set", set_); }
  Reply<std::string> break_set() {
    const auto answer = admin_->manager<Dicts>("BreakSnapshotSet", set_, Dict{});
    return text_of(answer, [](const Dicts& volumes) { return volumes.size() == 1 ? "" : "not one volume"; });
  }
  Reply<std::string> revert() {
    const auto answer = admin_->manager<Dict>("RevertToSnapshot", snapshot_, false);
    return text_of(answer, [](const Dict& status) { return state_unless("done", status); });
  }
  Reply<std::string> revert_status() {
    const auto answer = admin_->manager<Dict>("QueryRevertStatus", volume());
    return text_of(answer, [](const Dict& status) { return state_unless("none", status); });
  }
  Reply<std::string> storage() {
    const auto answer = admin_->manager<Dicts>("ListStorage");
    return text_of(answer, [this](const Dicts& places) -> std::string {
      for (const Dict& place : places) {
        if (get<std::string>(place, "volume") == volume() && get<std::string>(place, "provider") == "fake")
          return get<std::string>(place, "error");
      }
      return "no place";
    });
  }
  Reply<std::string> resize_storage() {
    return without_text(admin_->manager("ResizeStorage", snapshot_, std::uint64_t{4096}));
  }
  // A set that is given up before it is made.
  Reply<std::string> abort_backup() {
    Requester requester;
    EXPECT_EQ(name_of(requester.run_until(plan(), "PrepareForBackup")), "");
    const Reply<> aborted = requester.backup("AbortBackup");
    EXPECT_EQ(name_of(requester.backup("Release")), "");
    return without_text(aborted);
  }
  // A creation that fails because of something else: the answer is what else its error has.
  Reply<std::string> fail_to_create() {
    Requester requester;
    const CallError error = fail_to_make_set(requester);
    EXPECT_EQ(name_of(requester.backup("Release")), "");
    EXPECT_EQ(error.name, "UnexpectedProviderError");
    EXPECT_THAT(error.message, HasSubstr("provider fake, post_commit: the cause"));
    const auto further = error.message.find("; then: ");
    return further == std::string::npos ? "" : error.message.substr(further);
  }
  // The end of a session whose set goes with it.
  Reply<std::string> release() {
    Requester requester;
    EXPECT_NE(make_set_in("backup", requester), "");
    EXPECT_EQ(name_of(requester.backup("BackupComplete")), "");
    return without_text(requester.backup("Release"));
  }
  Reply<std::string> restart() {
    vssd().restart();
    admin_ = std::make_unique<Requester>();
    EXPECT_TRUE(wait_for_writers(writers_.size()));
    return std::string();
  }
  // Comes by the clock.
  Reply<std::string> look() {
    if (faulty_) {
      // Of what fails the log tells, and one that hangs may be in the provider's log before it does. What is
      // only slow is followed by another: vssd goes on to look.
      if (*fault_.error != '\0') return std::string();
      const std::size_t due = health_checks() + 2;
      EXPECT_TRUE(wait_until([&] { return health_checks() >= due; }, kInTheEnd));
      return std::string();
    }
    script("check_health at-risk 90 it fills up\n");
    EXPECT_TRUE(
        wait_until([&] { return get<std::string>(listed().at(0), "health") == "at-risk"; }, kInTheEnd));
    script("");
    return std::string();
  }

 protected:
  void begin() {
    faces_ = {Face::Cpp, Face::C};
    start(kProviderLimits);
    add_writers(2);
    admin_ = std::make_unique<Requester>();
    Requester requester;
    set_ = make_set_in("nas-rollback", requester);
    ASSERT_EQ(name_of(requester.backup("Release")), "");
    ASSERT_EQ(listed().size(), 1U);
    snapshot_ = get<std::string>(listed().front(), "snapshot_id");
  }
  Reply<std::string> ask() { return (this->*row_.perform)(); }
  Reply<std::string> ask_with_the_fault() {
    log_before_ = vssd().log().size();
    script(row_.also + script_of(fault_, row_.operation));
    faulty_ = true;
    auto answer = ask();
    faulty_ = false;
    return answer;
  }
  void expect_heard(const Reply<std::string>& answer) {
    if (row_.heard == HeardOf::AsError) {
      ASSERT_FALSE(answer);
      return expect_error(fault_, row_.operation, answer.error());
    }
    ASSERT_TRUE(answer) << answer.error().name << ": " << answer.error().message;
    const std::string message = message_of(fault_, row_.operation);
    if (row_.heard == HeardOf::InTheAnswer) {
      EXPECT_THAT(*answer, HasSubstr(message));
      return;
    }
    EXPECT_EQ(*answer, row_.heard == HeardOf::AsTheId ? snapshot_ : "");
    EXPECT_TRUE(
        wait_until([&] { return vssd().log().find(message, log_before_) != std::string::npos; }, kInTheEnd))
        << message;
  }
  void expect_nothing_lost() {
    const Dicts snapshots = listed();
    EXPECT_EQ(snapshots.size(), is_hidden() ? 0U : 1U);
    for (const Dict& snapshot : snapshots) {
      EXPECT_EQ(get<std::string>(snapshot, "snapshot_id"), snapshot_);
      if (is_start()) {
        EXPECT_EQ(get<std::string>(snapshot, "path"), "") << "nobody is sent to what is not there";
      }
    }
    EXPECT_GE(provider_snapshots(), 1U);
    EXPECT_GE(catalogue_entries(), 1U);
  }
  // It gets as far as it does without the provider, and then an error of its own.
  void expect_another_session_is_served() {
    Requester other;
    const Reply<> begun = other.run_until(plan(), "AddToSnapshotSet");
    EXPECT_TRUE(begun) << begun.error().message;
    if (hangs(fault_)) {
      EXPECT_EQ(busy(), is_loaded() ? row_.operation : "not loaded");
      const Reply<> added = other.backup("AddToSnapshotSet", volume(), std::string("fake"));
      EXPECT_EQ(name_of(added), answer_while_it_hangs());
    }
    EXPECT_EQ(name_of(other.backup("Release")), "");
  }
  void expect_it_works_when_asked_again() {
    script(row_.also);
    ASSERT_TRUE(wait_for_idle_providers());
    if (is_hidden()) {
      EXPECT_TRUE(wait_until([&] { return catalogue_entries() == 0; }, kInTheEnd)) << "by itself";
      return;
    }
    if (is_loaded() && !is_removed_late()) {
      EXPECT_TRUE(wait_until([&] { return is_readable(); }, kInTheEnd)) << "by itself";
    }
    const Reply<std::string> answer = ask();
    ASSERT_TRUE(answer) << answer.error().name << ": " << answer.error().message;
    EXPECT_EQ(*answer, "");
  }
  void expect_the_end() {
    script("");
    if (!row_.ends_the_set) {
      EXPECT_TRUE(wait_until([&] { return is_readable() && catalogue_entries() == 1; }, kInTheEnd));
      EXPECT_EQ(name_of(delete_set()), "");
    }
    if (row_.by == std::string("BreakSnapshotSet")) {
      EXPECT_TRUE(std::filesystem::remove(directory_.path() / "fake.snapshots" / ("broken." + snapshot_)))
          << "it lives on";
    }
    expect_nothing_left();
    expect_next_backup_works();
    expect_nothing_left();
  }

  const OutsideRow row_ = GetParam().row;
  const ProviderFault fault_ = GetParam().fault;

 private:
  template <typename T, typename Text>
  static Reply<std::string> text_of(const Reply<T>& answer, Text text) {
    if (!answer) return tl::unexpected(answer.error());
    return std::string(text(*answer));
  }
  static Reply<std::string> without_text(const Reply<>& answer) {
    if (!answer) return tl::unexpected(answer.error());
    return std::string();
  }
  static std::string state_unless(const std::string& expected, const Dict& status) {
    const auto state = get<std::string>(status, "state");
    return state == expected ? "" : state;
  }
  Reply<std::string> remove(const std::string& kind, const std::string& id) {
    const auto answer =
        admin_->manager<std::tuple<std::uint32_t, std::string>>("DeleteSnapshots", kind, id, false);
    return text_of(answer, [](const auto& value) {
      const auto& [deleted, failed] = value;
      EXPECT_EQ(deleted, failed.empty() ? 1U : 0U);
      return failed;
    });
  }
  Dicts listed() { return admin_->manager<Dicts>("ListSnapshots", Dict{}).value(); }
  bool is_readable() {
    const Dicts snapshots = listed();
    return snapshots.size() == 1 && !get<std::string>(snapshots.front(), "path").empty();
  }
  // What the fake provider is stuck in.
  std::string busy() {
    const Dicts providers = admin_->manager<Dicts>("ListProviders").value();
    for (const Dict& provider : providers) {
      if (get<std::string>(provider, "name") == "fake") return get<std::string>(provider, "busy");
    }
    return "not loaded";
  }
  [[nodiscard]] bool is_hidden() const {
    return row_.hidden == Hidden::Always || (row_.hidden == Hidden::WhenItHung && hangs(fault_));
  }
  // Nobody waits for a look at health.
  [[nodiscard]] std::string answer_while_it_hangs() const {
    if (!is_loaded()) return "ProviderNotRegistered";
    return row_.operation == std::string("check_health") ? "" : "ProviderInUse";
  }
  [[nodiscard]] bool is_start() const { return row_.by == std::string("start"); }
  [[nodiscard]] bool is_loaded() const { return row_.operation != std::string("load"); }
  // The provider has gone on, and removed it in the end: what is left to do is to forget it.
  [[nodiscard]] bool is_removed_late() const {
    return row_.operation == std::string("remove") && row_.ends_the_set && hangs(fault_);
  }

  std::unique_ptr<Requester> admin_;
  std::string set_;
  std::string snapshot_;
  std::size_t log_before_ = 0;
  bool faulty_ = false;
};

using Outside = OutsideACreation;
// clang-format off
constexpr OutsideRow kOutsideRows[] = {
  {"vss.md 4.6 OnLoad; 5.7", "load", "start", &Outside::restart, HeardOf::InTheLog},
  {"vss.md 2.2 IsVolumeSupported", "is_volume_supported", "IsVolumeSupported", &Outside::is_supported,
   HeardOf::AsError},
  {"vss.md 4.3 AbortSnapshots, own errors ignored; M23", "abort", "AbortBackup", &Outside::abort_backup,
   HeardOf::InTheLog},
  {"vss.md 4.3 AbortSnapshots; 5.1 A3", "abort", "DoSnapshotSet", &Outside::fail_to_create,
   HeardOf::InTheAnswer, false, Hidden::Never, kCause},
  {"vss.md 2.2 DeleteSnapshots, count and failing id", "remove", "DeleteSnapshots_one", &Outside::delete_one,
   HeardOf::AsTheId, true},
  {"vss.md 2.2 DeleteSnapshots, count and failing id", "remove", "DeleteSnapshots_set", &Outside::delete_set,
   HeardOf::AsTheId, true, Hidden::Always},
  {"vss.md 5.5 S8; 5.7", "remove", "Release", &Outside::release, HeardOf::InTheLog},
  {"vss.md 2.2 BreakSnapshotSet", "query", "BreakSnapshotSet", &Outside::break_set, HeardOf::AsError, true},
  {"vss.md 2.2 RevertToSnapshot", "query", "RevertToSnapshot", &Outside::revert, HeardOf::AsError},
  {"vss.md 5.7, persistent ones stay", "query", "start", &Outside::restart, HeardOf::InTheLog},
  {"vss.md 5.7, persistent ones stay", "mount_info", "start", &Outside::restart, HeardOf::InTheLog},
  {"vss.md 4.7, protection faults", "check_health", "clock", &Outside::look, HeardOf::InTheLog},
  {"vss.md 2.2 BreakSnapshotSet, PROVIDER_VETO", "break_snapshot", "BreakSnapshotSet", &Outside::break_set,
   HeardOf::AsError, true, Hidden::WhenItHung},
  {"vss.md 2.2 RevertToSnapshot", "revert", "RevertToSnapshot", &Outside::revert, HeardOf::AsError},
  {"vss.md 2.2 QueryRevertStatus", "revert_status", "QueryRevertStatus", &Outside::revert_status,
   HeardOf::AsError},
  {"vss.md 4.7 Query*", "storage", "ListStorage", &Outside::storage, HeardOf::InTheAnswer},
  {"vss.md 4.7 ChangeDiffAreaMaximumSize", "resize_storage", "ResizeStorage", &Outside::resize_storage,
   HeardOf::AsError},
};
// clang-format on

TEST_P(OutsideACreation, AFaultIsHeardOfAndNothingIsLostByIt) {
  SCOPED_TRACE(row_.source);
  ASSERT_NO_FATAL_FAILURE(begin());
  const Reply<std::string> answer = ask_with_the_fault();
  if (*fault_.error == '\0') {
    ASSERT_TRUE(answer) << answer.error().name << ": " << answer.error().message;
    EXPECT_EQ(*answer, "") << "as if nothing had been";
  } else {
    expect_heard(answer);
    expect_nothing_lost();
    expect_another_session_is_served();
    ASSERT_NO_FATAL_FAILURE(expect_it_works_when_asked_again());
  }
  expect_the_end();
}

std::string name_of_outside_case(const ::testing::TestParamInfo<OutsideCase>& one) {
  return std::string(one.param.row.operation) + "_by_" + one.param.row.by + "_" + one.param.fault.name;
}

INSTANTIATE_TEST_SUITE_P(Each, OutsideACreation,
                         ::testing::ValuesIn(with_each(kOutsideRows, {kVeto, kUnexpected, kHang, kSlow})),
                         name_of_outside_case);

// The operations that provider_abi.h declares.
std::set<std::string> declared_operations() {
  std::ifstream header(std::string(VSS_SOURCE_DIR) + "/providers/include/vss/provider_abi.h");
  EXPECT_TRUE(header);
  std::set<std::string> names;
  bool inside = false;
  for (std::string line; std::getline(header, line);) {
    if (line.starts_with("struct vss_provider_ops")) inside = true;
    if (line.starts_with("};")) inside = false;
    const auto at = line.find("(*");
    if (inside && at != std::string::npos) names.insert(line.substr(at + 2, line.find(')', at) - at - 2));
  }
  return names;
}

TEST(ProviderInterface, HasARowForEachOperationAndNoOther) {
  std::set<std::string> rows;
  for (const CreationRow& row : kCreationRows) rows.insert(row.operation);
  for (const OutsideRow& row : kOutsideRows) rows.insert(row.operation);
  EXPECT_EQ(rows, declared_operations());
}

}  // namespace
}  // namespace vss::test
