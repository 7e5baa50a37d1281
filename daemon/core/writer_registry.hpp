// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The registered writers and the last failure of each. A registration is a live bus connection; nothing is
// stored.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/core/error.hpp"
#include "daemon/core/guid.hpp"
#include "daemon/core/services.hpp"
#include "daemon/core/writer.hpp"

namespace vss::core {

struct Participant;

// History only: a failure in one session never gates another.
struct LastFailure {
  Guid session;
  WriterEvent event = WriterEvent::Identify;
  WriterFailure failure;
  std::uint64_t time = 0;  // Unix seconds
};

class WriterRegistry {
 public:
  explicit WriterRegistry(Observer& observer) : observer_(observer) {}

  void add(std::shared_ptr<Writer> writer);
  // False if there is no such registration.
  bool remove(Guid instance);

  [[nodiscard]] std::vector<std::shared_ptr<Writer>> writers() const;
  [[nodiscard]] std::shared_ptr<Writer> find(Guid instance) const;
  [[nodiscard]] const LastFailure* last_failure(Guid instance) const;
  void note_failure(const Participant& participant, WriterEvent event, Guid session);

 private:
  struct Entry {
    std::shared_ptr<Writer> writer;
    std::optional<LastFailure> last_failure;
  };
  Observer& observer_;
  std::map<Guid, Entry> entries_;
};

}  // namespace vss::core
