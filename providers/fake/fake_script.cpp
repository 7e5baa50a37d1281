// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/fake/fake_script.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

#include "vss/provider_module.hpp"

namespace vss::fake {

namespace {
constexpr int kPollMs = 5;

int number_of(const std::string& text) {
  try {
    return std::stoi(text);
  } catch (const std::logic_error&) {
    throw ProviderError(VSS_PROVIDER_E_INVALID_ARGUMENT, "script: no number: " + text);
  }
}

void pause_ms(int milliseconds) { ::poll(nullptr, 0, milliseconds); }
}  // namespace

FakeScript::Action FakeScript::action_for(const std::string& operation) const {
  Action action;
  std::ifstream lines(file_);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    Action candidate;
    std::string name;
    if (!(words >> name >> candidate.verb) || name != operation) continue;
    std::getline(words >> std::ws, candidate.argument);
    action = candidate;
  }
  return action;
}

void FakeScript::log(const std::string& operation, const std::vector<std::string>& ids) const {
  std::string line = operation;
  for (const std::string& id : ids) line.append(" ").append(id);
  line.append("\n");
  const int fd = ::open((file_ + ".log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), file_ + ".log");
  const ssize_t written = ::write(fd, line.data(), line.size());
  const int error = errno;
  ::close(fd);
  if (written < 0) throw std::system_error(error, std::generic_category(), file_ + ".log");
}

FakeScript::Action FakeScript::play(const std::string& operation, const std::vector<std::string>& ids,
                                    const std::set<std::string>& own) const {
  if (file_.empty()) return {};
  log(operation, ids);
  Action action = action_for(operation);
  while (action.verb == "hang") {
    pause_ms(kPollMs);
    action = action_for(operation);
  }
  if (action.verb == "ok" || own.contains(action.verb)) return action;
  if (action.verb == "delay") {
    pause_ms(number_of(action.argument));
    return {};
  }
  if (action.verb == "fail") {
    const auto space = action.argument.find(' ');
    const int status = number_of(action.argument.substr(0, space));
    throw ProviderError(status, space == std::string::npos ? "" : action.argument.substr(space + 1));
  }
  throw ProviderError(VSS_PROVIDER_E_INVALID_ARGUMENT, "script: unknown word: " + action.verb);
}

void FakeScript::wait_while(const std::string& operation, const std::string& verb) const {
  while (action_for(operation).verb == verb) pause_ms(kPollMs);
}

}  // namespace vss::fake
