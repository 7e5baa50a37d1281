// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/postgresql/backup_mode.hpp"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace vss::postgresql {
namespace {

constexpr std::uint64_t kMostSegments = 1U << 16;

// true: the checkpoint is not spread over minutes; false: backup mode may be used beside others'.
const char* begin_statement(int version) {
  return version >= 150000 ? "SELECT pg_backup_start($1, true)" : "SELECT pg_start_backup($1, true, false)";
}

// false: does not wait for the archive; version 9.6 always does if there is one.
const char* end_statement(int version) {
  if (version >= 150000) return "SELECT labelfile, spcmapfile, lsn FROM pg_backup_stop(false)";
  if (version >= 100000) return "SELECT labelfile, spcmapfile, lsn FROM pg_stop_backup(false, false)";
  return "SELECT labelfile, spcmapfile, lsn FROM pg_stop_backup(false)";
}

// "16/B374D848": the halves of a number.
bool parse_lsn(const std::string& text, std::uint64_t& lsn) {
  unsigned high = 0;
  unsigned low = 0;
  if (std::sscanf(text.c_str(), "%X/%X", &high, &low) != 2) return false;
  lsn = (std::uint64_t{high} << 32) | low;
  return true;
}

std::string segment_name(unsigned timeline, std::uint64_t number, std::uint64_t segment_size) {
  const std::uint64_t in_4_gib = (std::uint64_t{1} << 32) / segment_size;
  std::array<char, 48> name{};
  std::snprintf(name.data(), name.size(), "%08X%08" PRIX64 "%08" PRIX64, timeline, number / in_4_gib,
                number % in_4_gib);
  return name.data();
}

// src/include/access/xlog_internal.h, XLogPageHeaderData: two shorts and a word, then the address of the
// page.
constexpr std::uint64_t kPage = 8192;
constexpr std::streamoff kAddressInPage = 8;

bool has_page(std::ifstream& file, std::uint64_t offset, std::uint64_t address) {
  std::uint64_t found = 0;
  file.seekg(static_cast<std::streamoff>(offset) + kAddressInPage);
  return file.read(reinterpret_cast<char*>(&found), sizeof found) && found == address;
}

// The record of the end of a backup comes after the snapshots; where it is to be, a page that was written
// until then has nothing but zeroes. One that begins in an earlier page is not looked for.
bool has_record_before(std::ifstream& file, std::uint64_t end, std::uint64_t page) {
  constexpr std::uint64_t kRecord = 40;
  constexpr std::uint64_t kLongestHeader = 40;
  if (end < page + kLongestHeader + kRecord) return true;
  std::array<char, kRecord> record{};
  file.seekg(static_cast<std::streamoff>(end - kRecord));
  return file.read(record.data(), record.size()) &&
         std::ranges::any_of(record, [](char byte) { return byte != 0; });
}

// In bytes since version 11; in blocks of 8 KiB before.
std::uint64_t segment_size_of(Connection& server) {
  const Row row = server.row(
      "SELECT setting::bigint * CASE unit WHEN '8kB' THEN 8192 ELSE 1 END FROM pg_settings "
      "WHERE name = 'wal_segment_size'",
      {}, kLookLimit);
  return std::strtoull(row[0].c_str(), nullptr, 10);
}

}  // namespace

BackupMode::BackupMode(Connection server, const std::string& label, std::chrono::milliseconds limit)
    : server_(std::move(server)) {
  server_.query(begin_statement(server_.version()), {label}, limit);
}

void BackupMode::check() { server_.query("SELECT 1", {}, kLookLimit); }

BackupEnd BackupMode::end(std::chrono::milliseconds limit) {
  const Row row = server_.row(end_statement(server_.version()), {}, limit);
  return {row[0], row[1], row[2], wal_segments(row[0], row[2], segment_size_of(server_))};
}

std::vector<std::string> wal_segments(const std::string& label, const std::string& stop_lsn,
                                      std::uint64_t segment_size) {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  unsigned timeline = 0;
  std::array<char, 32> start{};
  std::istringstream lines(label);
  for (std::string line; std::getline(lines, line);) {
    if (std::sscanf(line.c_str(), "START WAL LOCATION: %31s (file %8X", start.data(), &timeline) == 2)
      parse_lsn(start.data(), begin);
  }
  // A record that ends with its segment is not in the next one.
  if (begin == 0 || segment_size == 0 || !parse_lsn(stop_lsn, end) || end <= begin ||
      (end - begin) / segment_size > kMostSegments)
    throw ServerError("the server's backup label cannot be understood: " + label, "");
  std::vector<std::string> segments;
  for (std::uint64_t number = begin / segment_size; number <= (end - 1) / segment_size; ++number)
    segments.push_back(segment_name(timeline, number, segment_size));
  return segments;
}

bool has_wal(const std::filesystem::path& segment, const std::string& stop_lsn) {
  unsigned timeline = 0;
  unsigned high = 0;
  unsigned low = 0;
  std::uint64_t stop = 0;
  std::error_code missing;
  const std::uint64_t size = std::filesystem::file_size(segment, missing);
  if (missing || size < kPage || !parse_lsn(stop_lsn, stop) || stop == 0 ||
      std::sscanf(segment.filename().c_str(), "%8X%8X%8X", &timeline, &high, &low) != 3)
    return false;
  const std::uint64_t begin = (std::uint64_t{high} << 32) + low * size;
  std::ifstream file(segment, std::ios::binary);
  if (!has_page(file, 0, begin)) return false;
  if (stop <= begin || stop > begin + size) return true;
  const std::uint64_t last = (stop - 1 - begin) / kPage * kPage;
  return has_page(file, last, begin + last) && has_record_before(file, stop - begin, last);
}

}  // namespace vss::postgresql
