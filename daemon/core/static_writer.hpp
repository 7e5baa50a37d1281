// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Writers without a program: a manifest, which is a writer metadata document, says what data there is and how
// they are restored; nothing has to be done at any event. VSS: IVssExpressWriter.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/core/writer.hpp"
#include "daemon/core/writer_registry.hpp"

namespace vss::core {

// A file with the metadata of such a writer.
struct Manifest {
  std::string name;                 // of the file, for messages
  std::optional<std::string> text;  // nothing: it cannot be read, which the log says already
};

// Thread rule: the coordinator's.
class StaticWriter final : public Writer {
 public:
  // Errors: InvalidDocument: no metadata document, no class id or name in it, a component that asks to be
  // recovered on the snapshot, which needs a program.
  static Result<std::shared_ptr<StaticWriter>> create(std::string manifest);
  StaticWriter(WriterInfo info, std::string manifest)
      : info_(std::move(info)), manifest_(std::move(manifest)) {}

  [[nodiscard]] const WriterInfo& info() const override { return info_; }
  [[nodiscard]] bool is_alive() const override { return alive_; }
  [[nodiscard]] const std::string& manifest() const { return manifest_; }
  void mark_gone() { alive_ = false; }

  asio::awaitable<Result<std::string>> identify(std::chrono::milliseconds limit) override;
  asio::awaitable<WriterAnswer> deliver(WriterEvent event, EventArgs args,
                                        std::chrono::milliseconds limit) override;

 private:
  const WriterInfo info_;
  const std::string manifest_;
  bool alive_ = true;
};

// Those that are registered.
class StaticWriters {
 public:
  explicit StaticWriters(WriterRegistry& registry) : registry_(registry) {}

  // From now on these and no others. One whose text is the same stays the writer that it was. One with a
  // fault is named in the log; it stays what it was, if it was a writer, for backups must not miss it
  // silently.
  void replace(std::vector<Manifest> manifests);

 private:
  [[nodiscard]] Result<std::shared_ptr<StaticWriter>> create_another(std::string manifest) const;

  WriterRegistry& registry_;
  std::map<std::string, std::shared_ptr<StaticWriter>> writers_;  // by the manifest's name
};

}  // namespace vss::core
