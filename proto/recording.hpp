/// Recordings of terminals over byte streams: what opens a list of them, or a replay of one
/// (README.md section 17).
#pragma once

#include "common/runtime/result.hpp"

#include <boost/describe/class.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::proto {

/// Of one recording.
inline constexpr std::uint64_t most_recording_bytes = 64ull * 1024 * 1024;
/// That a list names; the newest.
inline constexpr std::size_t most_recordings = 1000;

/// What the controller opens a stream for. It travels signed, see capability.hpp. The bytes are
/// framed as those of a log are: log_opened first, log_whole last.
struct RecordingPurpose {
    static constexpr std::string_view recording_kind = "recording";
    std::string kind;      ///< "recording"
    std::string log;       ///< "log_…", for the server's own log
    std::string recording; ///< the id of the terminal: a replay; "": the list
};
BOOST_DESCRIBE_STRUCT(RecordingPurpose, (), (kind, log, recording))

/// One of a list, a line of JSON each, the newest first.
struct RecordingFacts {
    std::string id;   ///< of the terminal
    std::string user; ///< of the server
    std::uint16_t columns = 0;
    std::uint16_t rows = 0;
    std::int64_t began_ms = 0; ///< since 1970
    std::int64_t wrote_ms = 0; ///< when something was shown last
    std::uint64_t bytes = 0;
};
BOOST_DESCRIBE_STRUCT(RecordingFacts, (), (id, user, columns, rows, began_ms, wrote_ms, bytes))

/// Whether a terminal's id can name a recording: letters, digits and "_", from 1 to 64.
bool is_recording_id(std::string_view text);

/// Errc::invalid.
Result<> check(const RecordingPurpose& purpose);

} // namespace fairlead::proto
