/// An entry of the journal, as journalctl tells it and as it goes on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::logs {

struct Entry {
    std::int64_t at_us = 0; ///< since 1970, when the journal got it
    std::uint32_t priority = 6;
    std::string from; ///< its unit, or the program where there is none
    std::int64_t pid = 0;
    std::string text; ///< plain_text()
    bool cut = false;
    std::string cursor;
};

/// From a line of `journalctl --output=json`; nothing for what is none.
std::optional<Entry> read_entry(std::string_view line);

/// With a line feed at the end. `as_text`: for people; otherwise a JSON object.
std::string write_entry(const Entry& entry, bool as_text);

/// The last line of a reading: why it ends. For people there is none where it is "done".
std::string write_end(std::string_view word, std::string_view message, bool as_text);

/// "debug", "info", "warning", "error".
std::string_view level_of(std::uint32_t priority);

} // namespace fairlead::logs
