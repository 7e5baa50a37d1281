// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The registered writers, and what failed in them. A registration is a live bus connection; nothing is
// stored.

#include <map>
#include <memory>
#include <vector>

#include "daemon/core/error.hpp"
#include "daemon/core/guid.hpp"
#include "daemon/core/services.hpp"
#include "daemon/core/writer.hpp"
#include "daemon/core/writer_history.hpp"

namespace vss::core {

class WriterRegistry {
 public:
  explicit WriterRegistry(Observer& observer) : observer_(observer) {}

  void add(std::shared_ptr<Writer> writer);
  // False if there is no such registration.
  bool remove(Guid instance);

  [[nodiscard]] std::vector<std::shared_ptr<Writer>> writers() const;
  [[nodiscard]] std::shared_ptr<Writer> find(Guid instance) const;

  // Also of a writer that is gone: most writers that are, failed by it.
  void note_failure(const WriterInfo& writer, WriterEvent event, const WriterFailure& failure, Guid session);
  [[nodiscard]] const WriterHistory& history() const { return history_; }
  // The failures of the writer that is, or was when it failed, registered under this id. Errors:
  // ObjectNotFound.
  [[nodiscard]] Result<std::vector<PastFailure>> failures_of(Guid instance) const;
  // Forgets them. Errors: ObjectNotFound.
  Status reset(Guid instance);

 private:
  [[nodiscard]] const WriterInfo* known(Guid instance) const;

  Observer& observer_;
  std::map<Guid, std::shared_ptr<Writer>> writers_;
  WriterHistory history_;
};

}  // namespace vss::core
