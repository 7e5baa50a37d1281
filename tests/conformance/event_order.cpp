// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/conformance/event_order.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace vss::test {
namespace {

struct Letter {
  const char* event;
  char letter;
};
// In the order of an operation.
constexpr Letter kLetters[] = {
    {"PrepareForBackup", 'b'}, {"PrepareForSnapshot", 's'}, {"Freeze", 'F'},          {"Thaw", 'T'},
    {"PostSnapshot", 'P'},     {"BackupComplete", 'C'},     {"Abort", 'A'},           {"BackupShutdown", 'S'},
    {"PreRestore", 'r'},       {"PostRestore", 'R'},        {"RestoreShutdown", 'E'},
};

// Each event at most once and in order; what has to come directly before or after what.
void check_session(const std::string& told, const std::string& whose, std::vector<std::string>& broken) {
  const auto fail = [&](const std::string& rule) {
    broken.push_back(whose + " was told " + told + ": " + rule);
  };
  std::size_t last = 0;
  for (std::size_t i = 0; i < told.size(); ++i) {
    const char event = told[i];
    const char next = i + 1 < told.size() ? told[i + 1] : ' ';
    if (event == 'F' && next != 'T' && next != 'A') fail("Thaw or Abort follows Freeze");
    if (event == 'T' && (i == 0 || told[i - 1] != 'F')) fail("Thaw follows Freeze");
    if (event == 'A' && next != ' ' && next != 'S') fail("after Abort comes BackupShutdown only");
    if (event == 'A' && i > 0 && (told[i - 1] == 'P' || told[i - 1] == 'C')) fail("no Abort is due here");
    const auto* const at = std::ranges::find(kLetters, event, &Letter::letter);
    const auto place = static_cast<std::size_t>(at - std::begin(kLetters)) + 1;
    if (place <= last) fail(std::string(at->event) + " comes at most once, and in order");
    last = place;
  }
  const bool restore = told.find_first_of("rRE") != std::string::npos;
  if (restore && told.find_first_of("bsFTPACS") != std::string::npos) fail("a restore has events of its own");
}

}  // namespace

std::string letters(const std::vector<std::string>& events) {
  std::string text;
  for (const std::string& event : events) {
    const auto* const at = std::ranges::find(kLetters, event, &Letter::event);
    if (at != std::end(kLetters)) text += at->letter;
  }
  return text;
}

std::vector<std::string> broken_rules(const std::vector<LoggedEvent>& log) {
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> sessions;
  for (const LoggedEvent& event : log) {
    if (event.event != "Identify") sessions[{event.writer, event.session}].push_back(event.event);
  }
  std::vector<std::string> broken;
  for (const auto& [key, events] : sessions) {
    check_session(letters(events), "writer " + key.first + " in session " + key.second, broken);
  }
  return broken;
}

}  // namespace vss::test
