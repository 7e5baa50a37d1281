// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The directories that an application has files in, and the volumes of a set.

#include <filesystem>
#include <string>
#include <vector>
#include <vss/writer.hpp>

namespace vss::writers {

using Places = std::vector<std::string>;

// Whether a place is no part of what `directory` and its filesystem have: what is in a directory may be a
// link, or have something mounted on it. One that is gone by now is not.
[[nodiscard]] bool lies_apart(const std::filesystem::path& place, const std::filesystem::path& directory);

// Whether two paths name the same, as they are written or by the links that there are; neither has to exist.
[[nodiscard]] bool is_same_place(const std::filesystem::path& one, const std::filesystem::path& other);

// Whether the set has the application's files: false if it has none of them and nobody wants any, since whole
// volumes may be saved that have nothing of it. A part is worth nothing: throws Veto that begins with `whose`
// ("the cluster in /srv/data") and names what is missing.
[[nodiscard]] bool has_all(const Session& session, const Places& places, const std::string& whose);

// Files may be in a new place since the requester was told, or the volumes were chosen: throws Veto with
// `code`. `who`: "the cluster".
void expect_known(const Places& places, const Places& known, vss_writer_error code, const std::string& who);

// Those in which there is nothing, as that of a log which is not used.
[[nodiscard]] Places empty_of(const Places& places);

// Whether files have come back to all places of a backup; what was empty then may be. Throws
// std::runtime_error that names the place.
void expect_restored(const Places& places, const Places& empty);

// Those on whose volumes a server cannot even make a small file.
[[nodiscard]] Places full_of(const Places& places);

}  // namespace vss::writers
