// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/src/metadata.hpp"

#include "writer-sdk/src/names.hpp"

using nlohmann::json;

vss_metadata::vss_metadata(const vss::WriterConfig& config)
    : document{{"version", 1},
               {"writer",
                {{"class_id", config.class_id},
                 {"instance_name", config.instance_name},
                 {"name", config.name},
                 {"version", config.version},
                 {"level", vss::name_of(vss::kLevels, config.level)},
                 {"freeze_timeout_ms", config.freeze_timeout.count()},
                 {"usage", vss::name_of(vss::kUsages, config.usage)},
                 {"source", vss::name_of(vss::kSources, config.source)}}},
               {"components", json::array()},
               {"exclude_files", json::array()}} {}
