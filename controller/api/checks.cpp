#include "controller/api/checks.hpp"

#include "common/runtime/utf8.hpp"

#include <fmt/core.h>

namespace fairlead::api {

std::size_t utf8_length(std::string_view text) {
    std::size_t count = 0;
    for (; auto size = utf8::letter(text); ++count) text.remove_prefix(size);
    if (!text.empty()) return std::string_view::npos;
    return count;
}

void Checks::length(
    std::string_view field, std::string_view value, std::size_t least, std::size_t most
) {
    auto size = utf8_length(value);
    if (size == std::string_view::npos)
        wrong(field, "is not valid UTF-8");
    else if (value.find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos)
        wrong(field, "must be one line");
    else if (size < least || size > most)
        wrong(
            field, least == 0 ? fmt::format("must have at most {} characters", most)
                              : fmt::format("must have {} to {} characters", least, most)
        );
}

void Checks::range(
    std::string_view field, std::uint64_t value, std::uint64_t least, std::uint64_t most
) {
    if (value < least || value > most)
        wrong(field, fmt::format("must be from {} to {}", least, most));
}

Result<> Checks::result() const {
    if (errors_.empty()) return {};
    std::string text;
    for (const auto& error : errors_)
        text += fmt::format("{}{} {}", text.empty() ? "" : "; ", error.field, error.message);
    return fail(Error(Errc::invalid, text + ".").with_fields(errors_));
}

std::string printable(std::string text, std::size_t most) {
    text.resize(utf8::cut(text, most).size());
    bool readable = utf8::valid(text);
    for (char& c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) c = ' ';
        if (byte >= 0x80 && !readable) c = '?';
    }
    return text;
}

} // namespace fairlead::api
