/// Recordings that are kept: which there are, and one of them for whoever replays it.
#pragma once

#include "common/runtime/file.hpp"
#include "common/runtime/result.hpp"
#include "proto/recording.hpp"

#include <chrono>
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

struct ReplayOptions {
    std::chrono::milliseconds patience{60'000}; ///< for a reader who takes nothing
    std::function<bool()> allowed; ///< by the policy as it is now; asked after a change
    int policy_fd = -1;            ///< readable after a change
    int stop_fd = -1;              ///< readable when this process is to end
};

/// Writes `head`, `bytes` of the file (no more than there are whole lines in them), and the byte
/// that says that it is all. Keeps a page whatever the reader does. Gives why it ended: "done",
/// "gone", "slow", "policy", "stopped", "failed"; then the last byte is missing.
std::string
replay(int peer, std::string_view head, int file, std::uint64_t bytes, ReplayOptions options);

/// The same of a text.
std::string replay(int peer, std::string_view text, ReplayOptions options);

} // namespace fairlead::terminal
