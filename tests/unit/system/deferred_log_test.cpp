// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/deferred_log.hpp"

#include <gtest/gtest.h>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ostream_sink.h>

#include <atomic>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace vss::system {
namespace {

class DeferredLogTest : public testing::Test {
 protected:
  DeferredLogTest() {
    sink_->set_formatter(log_formatter(LogStyle::Journal));
    logger_.set_level(spdlog::level::trace);
  }
  std::vector<std::string> written() {
    std::vector<std::string> lines;
    std::istringstream text(stream_.str());
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
  using Lines = std::vector<std::string>;

  std::ostringstream stream_;
  std::shared_ptr<DeferredSink> sink_ =
      std::make_shared<DeferredSink>(std::make_shared<spdlog::sinks::ostream_sink_mt>(stream_), 4);
  spdlog::logger logger_{"test", sink_};
};

TEST_F(DeferredLogTest, NothingIsWrittenWhileVolumesAreHeld) {
  logger_.info("before");
  sink_->begin_hold();
  logger_.warn("first");
  sink_->begin_hold();
  logger_.error("second");
  logger_.flush();
  sink_->end_hold();
  EXPECT_EQ(written(), Lines{"<6>before"});
  sink_->end_hold();
  logger_.debug("after");
  EXPECT_EQ(written(), (Lines{"<6>before", "<4>first", "<3>second", "<7>after"}));
}

TEST_F(DeferredLogTest, TheOldestLinesGoAndAreCounted) {
  sink_->begin_hold();
  for (int i = 0; i < 10; ++i) logger_.info("{}", i);
  sink_->end_hold();
  EXPECT_EQ(written(), (Lines{"<4>6 older messages were dropped while volumes were held", "<6>6", "<6>7",
                              "<6>8", "<6>9"}));
  sink_->begin_hold();
  logger_.info("again");
  sink_->end_hold();
  EXPECT_EQ(written().size(), 6U);
  EXPECT_EQ(written().back(), "<6>again");
}

TEST_F(DeferredLogTest, KeptLinesHaveTheTimeAtWhichTheyWereLogged) {
  sink_->set_formatter(std::make_unique<spdlog::pattern_formatter>("%E%F %v"));
  const spdlog::log_clock::time_point time(std::chrono::seconds(1'000'000'000));
  sink_->begin_hold();
  sink_->log(spdlog::details::log_msg(time, spdlog::source_loc{}, "", spdlog::level::info, "old"));
  sink_->end_hold();
  EXPECT_EQ(written(), Lines{"1000000000000000000 old"});
}

TEST_F(DeferredLogTest, AnEndWithoutABeginningChangesNothing) {
  sink_->end_hold();
  sink_->begin_hold();
  logger_.info("kept");
  EXPECT_TRUE(written().empty());
  sink_->end_hold();
  EXPECT_EQ(written(), Lines{"<6>kept"});
}

TEST_F(DeferredLogTest, OneMessageIsOneLineAndTooLongOnesAreCut) {
  logger_.info("a\n<0>b\tc\x7f");
  EXPECT_EQ(written(), Lines{"<6>a?<0>b?c?"});
  sink_->begin_hold();
  logger_.info(std::string(10'000, 'x'));
  sink_->end_hold();
  EXPECT_EQ(written().back(), "<6>" + std::string(480, 'x'));
}

TEST_F(DeferredLogTest, AnyThreadMayLog) {
  const auto sink = std::make_shared<DeferredSink>(std::make_shared<spdlog::sinks::ostream_sink_mt>(stream_));
  sink->set_formatter(log_formatter(LogStyle::Journal));
  spdlog::logger logger("test", sink);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        sink->begin_hold();
        logger.info("line");
        sink->end_hold();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(written(), Lines(400, "<6>line"));
}

}  // namespace
}  // namespace vss::system
