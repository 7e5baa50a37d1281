// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/mariadb/standstill.hpp"

#include <cstdlib>
#include <thread>

namespace vss::mariadb {
namespace {

using namespace std::chrono_literals;

constexpr auto kRestPoll = 20ms;
// Purging begins within a second or two, unless an old view of a long transaction keeps it from it.
constexpr auto kNothingPurged = 2500ms;

std::uint64_t number(const std::string& text) { return std::strtoull(text.c_str(), nullptr, 10); }

}  // namespace

Standstill::Standstill(Connection server, Connection flusher, const Limits& limits)
    : server_(std::move(server)), flusher_(std::move(flusher)), limits_(limits) {
  if (server_.values("SHOW GLOBAL VARIABLES LIKE 'innodb_log_checkpoint_now'").empty())
    throw ServerError(
        "the server has no innodb_log_checkpoint_now, without which its volumes cannot be captured at "
        "several "
        "instants: upgrade MariaDB, or have them captured at one (--require cut)");
  (void)facts();
  // The same right as for the other value, which would not end while others write.
  flusher_.query("SET GLOBAL innodb_log_checkpoint_now = 0", kLookLimit);
  flush_early(server_, limits_);
}

void Standstill::block() {
  end_when_idle(server_);
  run_within(server_, "FLUSH TABLES WITH READ LOCK", Deadline(limits_.lock));
  at_rest_ = wait_for_rest();
  note_positions(server_);
}

Standstill::Facts Standstill::facts() {
  auto values = server_.values(
      "SHOW GLOBAL STATUS WHERE Variable_name IN ('Innodb_lsn_current', 'Innodb_lsn_last_checkpoint', "
      "'Innodb_buffer_pool_pages_dirty', 'Innodb_history_list_length')");
  if (values.size() != 4)
    throw ServerError(
        "the server does not say what InnoDB has written: its volumes cannot be captured at several "
        "instants; upgrade MariaDB, or have them captured at one (--require cut)");
  return {values["Innodb_lsn_current"], values["Innodb_lsn_last_checkpoint"],
          number(values["Innodb_buffer_pool_pages_dirty"]), number(values["Innodb_history_list_length"])};
}

void Standstill::write_pages(const Deadline& deadline) {
  try {
    flusher_.query("SET GLOBAL innodb_log_checkpoint_now = 1", deadline.left());
  } catch (const ServerError& error) {
    if (error.number() != kTimedOut) throw;
    throw ServerError(
        "InnoDB had more pages to write than it could within snapshot.standstill_timeout_ms: raise that, "
        "or lower innodb_max_dirty_pages_pct");
  }
}

// Only of InnoDB: the lock has closed the tables of the others, and what their caches still count as not
// written is of temporary tables, which are no part of a backup.
Standstill::Facts Standstill::wait_for_rest() {
  const Deadline deadline(limits_.standstill);
  Facts last;
  auto since = std::chrono::steady_clock::now();
  for (;;) {
    write_pages(deadline);
    const Facts now = facts();
    if (now != last) since = std::chrono::steady_clock::now();
    last = now;
    const bool purged = now.to_purge == 0 || std::chrono::steady_clock::now() - since >= kNothingPurged;
    if (now.dirty_pages == 0 && purged) return last;
    std::this_thread::sleep_for(kRestPoll);
    if (deadline.has_passed())
      throw ServerError("the server did not come to rest: " + std::to_string(now.dirty_pages) +
                        " pages of InnoDB are not written, " + std::to_string(now.to_purge) +
                        " transactions not purged; try again when less goes on, or raise "
                        "snapshot.standstill_timeout_ms");
  }
}

void Standstill::release() {
  const Facts now = facts();
  server_.query("UNLOCK TABLES", kLookLimit);
  if (now.log_end == at_rest_.log_end && now.checkpoint == at_rest_.checkpoint && now.dirty_pages == 0)
    return;
  throw ServerError(
      "InnoDB has written while the volumes were captured, by a thread of its own or for a "
      "transaction that was rolled back: make another set, or have the volumes captured at one "
      "instant (--require cut)");
}

}  // namespace vss::mariadb
