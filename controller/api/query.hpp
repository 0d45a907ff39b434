/// Words, numbers, ids and times of the query, each refused by name when it is none.
#pragma once

#include "common/json/json.hpp"
#include "common/runtime/described.hpp"
#include "controller/api/call.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::api {

/// Errc::invalid: `name is "value"; it <must>.`
tl::unexpected<Error> bad_query(std::string_view name, std::string_view value, std::string must);

/// One of these; the first when it is absent.
Result<std::string_view>
query_word(const Call& call, std::string_view name, std::initializer_list<std::string_view> words);

/// Nothing when it is absent.
Result<std::optional<std::uint64_t>>
query_number(const Call& call, std::string_view name, std::uint64_t least, std::uint64_t most);
Result<std::optional<Timestamp>> query_time(const Call& call, std::string_view name);

/// The id of the event that a reader saw last, from the header or the query; nothing for a new
/// reader.
Result<std::optional<std::uint64_t>> last_event_id(const Call& call);

/// The text of an id, "" when it is absent.
template <class IdType>
Result<std::string> query_id(const Call& call, std::string_view name) {
    auto text = call.query(name);
    if (!text) return std::string();
    auto id = IdType::parse(*text);
    if (!id) return bad_query(name, *text, "must be the id of one");
    return id->str();
}

/// The name of a described enumerator, "" when it is absent.
template <class Enum>
Result<std::string> query_enum(const Call& call, std::string_view name) {
    auto text = call.query(name);
    if (!text) return std::string();
    if (!json::enum_from<Enum>(*text))
        return bad_query(name, *text, "must be one of " + described::choices<Enum>());
    return std::string(*text);
}

} // namespace fairlead::api
