/// What every check of a text is made of.
#pragma once

#include "common/runtime/result.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

namespace fairlead::policy {

inline bool lower(char c) {
    return c >= 'a' && c <= 'z';
}
inline bool upper(char c) {
    return c >= 'A' && c <= 'Z';
}
inline bool digit(char c) {
    return c >= '0' && c <= '9';
}
inline bool alnum(char c) {
    return lower(c) || upper(c) || digit(c);
}
inline bool one_of(char c, const char* set) {
    return c != '\0' && std::strchr(set, c) != nullptr;
}

/// For messages: short, and no control characters.
inline std::string shown(std::string_view text) {
    std::string result;
    for (char c : text.substr(0, 80)) result += c >= ' ' && c != 127 ? c : '?';
    return text.size() > 80 ? result + "…" : result;
}

inline tl::unexpected<Error>
wrong(std::string_view what, std::string_view value, std::string_view rule) {
    return fail(
        Errc::invalid, fmt::format("The {} \"{}\" is not allowed: {}.", what, shown(value), rule)
    );
}

/// By a rule, or for want of one.
inline tl::unexpected<Error> refused(std::string message) {
    return fail(Error(Errc::forbidden, std::move(message)).with_code("policy_refused"));
}

template <class Allowed>
bool all(std::string_view text, Allowed allowed) {
    return std::ranges::all_of(text, allowed);
}

/// A host's name or address, without its port.
bool is_host(std::string_view host);

} // namespace fairlead::policy
