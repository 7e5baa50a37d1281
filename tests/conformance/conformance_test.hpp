// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The fixture of the suite: a vssd on a bus of its own, writers on either face of the SDK, a requester that
// can be brought to any point of a backup, and the rules of the event order, which are checked after every
// test.

#include <optional>
#include <ostream>
#include <string>

#include "tests/conformance/event_order.hpp"
#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {

inline void PrintTo(Face face, std::ostream* out) { *out << (face == Face::Cpp ? "Cpp" : "C"); }
[[nodiscard]] inline std::string name_of_face(Face face) { return ::testing::PrintToString(face); }

// Where a backup stands: the requester's last call was answered; or, if one of the others is not "", it was
// not, because writers are in this event, or because the provider is in this operation.
struct Moment {
  const char* last;
  const char* event = "";
  const char* operation = "";
  std::size_t told = 0;  // how many writers hear of the event before one of them stops; 0: all
};

class ConformanceTest : public DaemonTest {
 protected:
  // Ends all sessions and checks what every writer was told.
  void TearDown() override;
  // The same at the end of a row of a table: all sessions have ended, the next row begins with an empty log.
  void end_row();

  // Brings the requester to the moment. The call that is not answered is returned. `stops` is the writer that
  // stops in the event, "" is all; let_go() lets them and the provider go on.
  [[nodiscard]] std::optional<PendingCall> bring_to(Requester& requester, const Moment& moment,
                                                    const Requester::Plan& plan,
                                                    const std::string& stops = "");
  void let_go();

  // What a writer was told, as letters().
  [[nodiscard]] std::string told(const std::string& writer) const { return letters(log_.names(writer)); }
  // The status of a writer in the requester's session; empty if it has none.
  [[nodiscard]] static Dict status_of(Requester& requester, const std::string& writer);
  // A Backup with the component of each of these writers added, up to just before StartSnapshotSet.
  void select(Requester& requester, const std::vector<std::string>& writers, const Dict& options = {},
              bool partial_files = false);
  // The document of a whole backup with the component of each of these writers; "" if it failed.
  [[nodiscard]] std::string document_of_backup(const std::vector<std::string>& writers);
  [[nodiscard]] static std::string instance_of(const Dicts& metadata, const std::string& writer);
  [[nodiscard]] bool wait_for_writers(std::size_t count);

 private:
  std::string stopped_in_;
};

// Everything in it runs with writers on the one face and on the other.
class OnBothFaces : public ConformanceTest, public ::testing::WithParamInterface<Face> {
 protected:
  OnBothFaces() { faces_ = {GetParam()}; }
};

[[nodiscard]] inline std::string name_of_face_param(const ::testing::TestParamInfo<Face>& info) {
  return name_of_face(info.param);
}

}  // namespace vss::test

// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): it names a suite
#define VSS_ON_BOTH_FACES(Suite) \
  INSTANTIATE_TEST_SUITE_P(Face, Suite, ::testing::Values(Face::Cpp, Face::C), name_of_face_param)
