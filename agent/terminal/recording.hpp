/// What a terminal showed, as a file that stays on this server (asciicast v2, which `asciinema
/// play` shows). What was typed is not in it, but for what the terminal echoed.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/result.hpp"
#include "proto/recording.hpp"
#include "proto/terminal.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace fairlead::terminal {

struct RecordingLimits {
    std::uint64_t one = proto::most_recording_bytes; ///< of one; it then ends with a mark
    std::uint64_t all = 1ull << 30;  ///< of all; the oldest go when a new one begins
    std::chrono::hours age{24 * 30}; ///< older ones go then too
};

/// What is too old goes, and the oldest while all together are more than they may be. Others'
/// files in the folder are not touched.
void forget_recordings(
    const std::filesystem::path& folder, Timestamp now, RecordingLimits limits = RecordingLimits()
);

/// Writes as it goes, so a crash loses nothing. A disk that takes no more ends the recording and
/// not the terminal; the log says so.
class Recording {
public:
    /// Makes the folder (0700) and a new file in it (0600), named by the terminal's id, after
    /// making room. Errc::invalid for an id that makes no file name, Errc::unavailable with the
    /// reason.
    static Result<Recording> begin(
        const std::filesystem::path& folder, const proto::TerminalPurpose& what, Timestamp now,
        RecordingLimits limits = RecordingLimits()
    );

    const std::filesystem::path& file() const { return file_; }
    /// `at`: since it began.
    void output(std::string_view bytes, std::chrono::milliseconds at);
    void resized(const proto::TerminalSize& size, std::chrono::milliseconds at);

private:
    Recording() = default;
    void event(char type, std::string_view text, std::chrono::milliseconds at);
    void write(std::string_view line);

    std::filesystem::path file_;
    RecordingLimits limits_;
    Descriptor out_; // closed once it has ended
    std::uint64_t size_ = 0;
    std::string begun_; // a character of which the rest is still to come
};

} // namespace fairlead::terminal
