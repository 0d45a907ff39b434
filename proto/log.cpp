#include "proto/log.hpp"

#include <algorithm>

namespace fairlead::proto {
namespace {

/// Year 9999, so that no sum overflows.
constexpr std::int64_t latest_us = 253'402'300'799'000'000;

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, text) != words.end();
}

tl::unexpected<Error> wrong(std::string what) {
    return fail(Errc::invalid, std::move(what));
}

} // namespace

bool is_log_cursor(std::string_view text) {
    return text.size() <= longest_log_cursor && std::ranges::all_of(text, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '=' || c == ';';
           });
}

Result<> check(const LogPurpose& purpose) {
    if (!one_of(purpose.source, {"odoo", "postgresql", "agent"}))
        return wrong("A log is odoo, postgresql or agent.");
    if (!one_of(purpose.order, {"back", "on", "follow"}))
        return wrong("A log is read back, on, or followed.");
    bool follows = purpose.order == "follow";
    auto most = purpose.text != 0 ? most_log_file_lines : most_log_lines;
    if (follows ? purpose.lines != 0 : purpose.lines < 1 || purpose.lines > most)
        return wrong("A log is read by 1 to " + std::to_string(most) + " entries.");
    if (purpose.since_us < 0 || purpose.until_us < 0 || purpose.since_us > latest_us ||
        purpose.until_us > latest_us)
        return wrong("A time is outside of what can be asked for.");
    if (follows && purpose.until_us != 0) return wrong("What is followed has no end.");
    if (purpose.level > lowest_log_level) return wrong("Levels are 0 to 7.");
    if (!is_log_cursor(purpose.cursor)) return wrong("The cursor is none of a journal.");
    if (purpose.search.empty()) return {};
    FAIRLEAD_CHECK(search_expression(purpose.search, purpose.pattern != 0));
    return {};
}

} // namespace fairlead::proto
