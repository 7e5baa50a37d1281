// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A writer on the other side of the bus: core::Writer over org.vssd.Vss1.Writer.

#include <memory>
#include <string>

#include "daemon/bus/async_call.hpp"
#include "daemon/bus/bus_connection.hpp"
#include "daemon/core/writer.hpp"

namespace vss::bus {

class RemoteWriter final : public core::Writer {
 public:
  RemoteWriter(std::shared_ptr<BusConnection> bus, core::WriterInfo info, std::string path);

  [[nodiscard]] const core::WriterInfo& info() const override { return info_; }
  [[nodiscard]] bool is_alive() const override { return alive_ && !bus_->is_lost(); }
  [[nodiscard]] const std::string& path() const { return path_; }
  // Its registration ended.
  void mark_gone() { alive_ = false; }

  asio::awaitable<core::Result<std::string>> identify(std::chrono::milliseconds limit) override;
  asio::awaitable<core::WriterAnswer> deliver(core::WriterEvent event, core::EventArgs args,
                                              std::chrono::milliseconds limit) override;

 private:
  std::shared_ptr<BusConnection> bus_;
  core::WriterInfo info_;
  std::string path_;
  std::shared_ptr<sdbus::IProxy> proxy_;
  bool alive_ = true;
};

}  // namespace vss::bus
