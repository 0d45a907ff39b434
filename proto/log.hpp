/// Logs of a server over byte streams: what opens a reading, and its limits (README.md section 14).
#pragma once

#include "common/runtime/result.hpp"

#include <boost/describe/class.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::proto {

/// Entries of one reading that is looked at, and of one that is taken away as a file.
inline constexpr std::uint32_t most_log_lines = 1000;
inline constexpr std::uint32_t most_log_file_lines = 200'000;
/// Bytes of a reading that does not follow.
inline constexpr std::uint64_t most_log_bytes = 64ull * 1024 * 1024;
/// Bytes of the text of one entry; longer ones are cut.
inline constexpr std::size_t longest_log_text = 16 * 1024;
/// Readings at once on one server, of all its controllers.
inline constexpr std::size_t most_log_readings = 32;
inline constexpr std::size_t longest_log_search = 200;
inline constexpr std::size_t longest_log_cursor = 256;
/// Of the journal's priorities: everything, debug messages too.
inline constexpr std::uint32_t lowest_log_level = 7;

/// The first byte of a stream whose reading was opened, and the last one of a stream that is whole:
/// one without it was cut off. No entry has a byte 0.
inline constexpr char log_opened = '\n';
inline constexpr char log_whole = '\0';

/// What the controller opens a stream for: some of a log. It travels signed, see capability.hpp.
struct LogPurpose {
    static constexpr std::string_view log_kind = "log";
    std::string kind;        ///< "log"
    std::string log;         ///< "log_…", for the server's own log
    std::string source;      ///< "odoo", "postgresql", "agent"
    std::string environment; ///< its id; for "odoo"
    /// "back": from the cursor, or from `until_us`, into the past. "on": into the future. "follow":
    /// the same, and then what comes.
    std::string order;
    std::uint32_t lines = 0;                ///< at most; 0: any number (follow)
    std::int64_t since_us = 0;              ///< since 1970; 0: from the first entry on
    std::int64_t until_us = 0;              ///< 0: to the last one
    std::uint32_t level = lowest_log_level; ///< of the journal: entries of this number or less
    std::string search;                     ///< text that an entry has; "": any
    std::uint32_t pattern = 0;              ///< 1: `search` is a pattern (search_expression)
    std::string cursor;                     ///< of an entry that was read before, which is left out
    std::uint32_t text = 0;                 ///< 1: lines for people; 0: a JSON object each
};
BOOST_DESCRIBE_STRUCT(
    LogPurpose, (),
    (kind, log, source, environment, order, lines, since_us, until_us, level, search, pattern,
     cursor, text)
)

/// On the socket between the agent's link and the process that reads.
struct LogOpening {
    LogPurpose what;
    std::string slug; ///< of the environment, as the executor's inventory has it
};
BOOST_DESCRIBE_STRUCT(LogOpening, (), (what, slug))

/// Whether it is one of the journal's: letters, digits and "=;". An empty one is possible.
bool is_log_cursor(std::string_view text);

/// That everything in it is within what may be asked for, whoever asks. Errc::invalid.
Result<> check(const LogPurpose& purpose);

/// What `journalctl --grep` is given for a search. A pattern may have letters, ".", classes,
/// anchors, groups, "|" and repetitions, and none of what makes a search take for ever: nothing
/// that refers to what was found, no lookaround, no repetition of what repeats or chooses, and at
/// most three without an end. Errc::invalid says what it has instead.
Result<std::string> search_expression(std::string_view text, bool pattern);

} // namespace fairlead::proto
