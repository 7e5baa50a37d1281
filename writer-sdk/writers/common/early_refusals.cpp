// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/common/early_refusals.hpp"

#include "writer-sdk/writers/common/server_failure.hpp"

namespace vss::writers {
namespace {

std::optional<Veto> refusal_of(vss_writer_error code, const std::function<void()>& step) {
  try {
    asking_the_server(step);
    return std::nullopt;
  } catch (const Veto& veto) {
    return veto;
  } catch (const std::exception& error) {
    return Veto(code, error.what());
  }
}

}  // namespace

std::optional<std::string> EarlyRefusals::keep(Session& session, vss_writer_error code,
                                               const std::function<void()>& step) {
  forget(session);
  const std::optional<Veto> refusal = refusal_of(code, step);
  if (!refusal) return std::nullopt;
  refusals_.emplace(session.id(), *refusal);
  session.fail(refusal->code(), refusal->what(), refusal->application_code());
  return refusal->what();
}

void EarlyRefusals::refuse_again(const Session& session) const {
  const auto found = refusals_.find(session.id());
  if (found != refusals_.end()) throw Veto(found->second);
}

void EarlyRefusals::forget(const Session& session) { refusals_.erase(session.id()); }

}  // namespace vss::writers
