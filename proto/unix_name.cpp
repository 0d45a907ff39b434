#include "proto/unix_name.hpp"

#include <algorithm>

namespace fairlead::proto {

bool is_unix_name(std::string_view name) {
    if (name.empty() || name.size() > 32) return false;
    auto letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    };
    if (!letter(name.front())) return false;
    return std::ranges::all_of(name, [&](char c) { return letter(c) || c == '.' || c == '-'; });
}

} // namespace fairlead::proto
