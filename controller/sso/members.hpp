/// Members of JSON that somebody else wrote: there with the right type and of a sane length, or not
/// there. For .cpp files of this folder.
#pragma once

#include "common/json/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::sso {

constexpr std::size_t most_member = 16 * 1024;

inline std::optional<std::string>
text_member(const boost::json::object& from, std::string_view name, std::size_t most = 2048) {
    const auto* value = from.if_contains(name);
    if (!value || !value->is_string() || value->get_string().size() > most) return std::nullopt;
    return std::string(value->get_string());
}

/// Seconds since 1970; fractions are cut, as some issuers send them.
inline std::optional<std::int64_t>
number_member(const boost::json::object& from, std::string_view name) {
    const auto* value = from.if_contains(name);
    if (!value || !value->is_number()) return std::nullopt;
    if (value->is_int64()) return value->get_int64();
    auto number = value->to_number<double>();
    if (!(number >= 0 && number < 1e12)) return std::nullopt;
    return static_cast<std::int64_t>(number);
}

/// `true`, or "true" as some issuers write it.
inline bool true_member(const boost::json::object& from, std::string_view name) {
    const auto* value = from.if_contains(name);
    if (!value) return false;
    return value->is_bool() ? value->get_bool() : value->is_string() && *value == "true";
}

} // namespace fairlead::sso
