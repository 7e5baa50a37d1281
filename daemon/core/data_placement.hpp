// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Where the data of writers lie, seen from the volumes of a set. A backup that lacks a volume of a writer
// would hold half of its data; silence about that is how databases were lost. VSS: `writer verify` of
// DiskShadow.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/core/volume.hpp"
#include "daemon/core/writer_metadata.hpp"

namespace vss::core {

struct Placement {
  bool any_data = false;    // there are files that a backup of this type takes from a snapshot
  bool any_inside = false;  // on a volume of the set
  std::string outside;      // the first that is not, as a text; "" if there is none
};

// True if a backup of this type takes files of these components from a snapshot.
[[nodiscard]] bool needs_snapshot(const std::vector<const ComponentInfo*>& components,
                                  const std::string& type);

class DataPlacement {
 public:
  DataPlacement(VolumeFacts& facts, std::vector<Volume> set);

  // Where the files of these components lie. A path that does not exist lies where its nearest parent does;
  // what is mounted below a recursive one belongs to it.
  // Only files that a backup of `type` takes from a snapshot.
  asio::awaitable<Placement> place(std::vector<const ComponentInfo*> components, std::string type);

 private:
  [[nodiscard]] bool is_in_set(const Volume& volume) const;
  asio::awaitable<std::string> outside_of_set(std::string path, bool recursive);
  asio::awaitable<Result<Volume>> volume_of(std::string path);
  asio::awaitable<void> list_volumes();

  VolumeFacts& facts_;
  std::vector<Volume> set_;
  std::map<std::string, Result<Volume>> known_;
  std::optional<std::vector<Volume>> mounted_;
};

}  // namespace vss::core
