/// Recordings that are kept: which there are, and one of them for whoever replays it
/// (host::send_whole()).
#pragma once

#include "common/runtime/file.hpp"
#include "common/runtime/result.hpp"
#include "proto/recording.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::terminal {

/// A recording that can be read. Only regular files of root's (or of who runs this) count.
struct Kept {
    proto::RecordingFacts facts;
    Descriptor file; ///< at its beginning
};

/// Errc::not_found for one that is not there, is none, or has no whole line.
Result<Kept> open_recording(const std::filesystem::path& folder, std::string_view id);

/// The newest `most` that are `wanted`, the newest first. Files that are no recordings are left
/// out.
std::vector<proto::RecordingFacts> list_recordings(
    const std::filesystem::path& folder,
    const std::function<bool(const proto::RecordingFacts&)>& wanted,
    std::size_t most = proto::most_recordings
);

} // namespace fairlead::terminal
