#include "controller/api/query.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace fairlead::api {
namespace {

constexpr std::uint64_t most_exact = 9007199254740991; // what a JSON number holds in every client

Result<std::optional<std::uint64_t>> number(
    std::string_view name, std::optional<std::string_view> text, std::uint64_t least,
    std::uint64_t most
) {
    if (!text) return std::optional<std::uint64_t>();
    std::uint64_t value = 0;
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc() || end != text->data() + text->size() || value < least || value > most)
        return bad_query(name, *text, fmt::format("must be a number from {} to {}", least, most));
    return std::optional(value);
}

} // namespace

tl::unexpected<Error> bad_query(std::string_view name, std::string_view value, std::string must) {
    auto sentence = fmt::format("{} is \"{}\"; it {}.", name, value.substr(0, 64), must);
    return fail(Error(Errc::invalid, std::move(sentence))
                    .with_fields({{std::string(name), std::move(must)}}));
}

Result<std::string_view>
query_word(const Call& call, std::string_view name, std::initializer_list<std::string_view> words) {
    auto text = call.query(name);
    if (!text) return *words.begin();
    if (const auto* found = std::find(words.begin(), words.end(), *text); found != words.end())
        return *found;
    std::string list;
    for (const auto& word : words) {
        if (!list.empty()) list += &word == words.end() - 1 ? " or " : ", ";
        list += word.empty() ? "empty" : word;
    }
    return bad_query(name, *text, "must be " + list);
}

Result<std::optional<std::uint64_t>>
query_number(const Call& call, std::string_view name, std::uint64_t least, std::uint64_t most) {
    return number(name, call.query(name), least, most);
}

Result<std::optional<Timestamp>> query_time(const Call& call, std::string_view name) {
    auto text = call.query(name);
    if (!text) return std::optional<Timestamp>();
    auto at = from_rfc3339(*text);
    if (!at) return bad_query(name, *text, "must be a time such as 2026-01-31T12:00:00Z");
    return std::optional(*at);
}

Result<std::optional<std::uint64_t>> last_event_id(const Call& call) {
    auto header = call.request().header("last-event-id");
    auto text = header.empty() ? call.query("last_event_id") : std::optional(header);
    return number("last_event_id", text, 0, most_exact);
}

} // namespace fairlead::api
