// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The object that vssd calls: checks who calls, then hands the event on. Loop thread.

#include <functional>
#include <map>
#include <string>
#include <vss_dbus/writer_adaptor.hpp>

#include "writer-sdk/src/bus_args.hpp"
#include "writer-sdk/src/engine.hpp"

namespace vss {

class WriterObject final : public sdbus::AdaptorInterfaces<org::vssd::Vss1::Writer_adaptor> {
 public:
  // `owner` is the unique name that may call; empty: nobody.
  WriterObject(sdbus::IConnection& connection, const char* path, Engine& engine, const std::string& owner);
  ~WriterObject();

 private:
  using EventResult = sdbus::Result<Dictionary>;

  void Identify(sdbus::Result<std::string>&& result) override;
  void PrepareForBackup(EventResult&& result, std::string session, std::string set, Dictionary args) override;
  void PrepareForSnapshot(EventResult&& result, std::string session, std::string set,
                          Dictionary args) override;
  void Freeze(EventResult&& result, std::string session, std::string set, Dictionary args) override;
  void Thaw(EventResult&& result, std::string session, std::string set, Dictionary args) override;
  void PostSnapshot(EventResult&& result, std::string session, std::string set, Dictionary args) override;
  void Abort(EventResult&& result, std::string session, std::string set, Dictionary args) override;
  void BackupComplete(EventResult&& result, std::string session, std::string set, Dictionary args) override;
  void BackupShutdown(EventResult&& result, std::string session, std::string set, Dictionary args) override;
  void PreRestore(EventResult&& result, std::string session, std::string set, Dictionary args) override;
  void PostRestore(EventResult&& result, std::string session, std::string set, Dictionary args) override;
  void RestoreShutdown(EventResult&& result, std::string session, std::string set, Dictionary args) override;

  void accept(Event event, EventResult&& result, const std::string& session, const std::string& set,
              const Dictionary& args);
  void check_caller();
  // Keeps a call that waits for its answer. It must not outlive the connection, so it stays here, and the
  // reply that is given away finds it by number, or finds it gone.
  template <typename Result, typename Send>
  Reply wait_for_answer(Result&& result, Send send);

  Engine& engine_;
  const std::string& owner_;
  std::map<std::uint64_t, Reply> waiting_;
  std::uint64_t last_number_ = 0;
  // Replies that outlive this object see it expired.
  std::shared_ptr<WriterObject*> self_ = std::make_shared<WriterObject*>(this);
};

}  // namespace vss
