#include "controller/api/checks.hpp"

#include <fmt/core.h>

namespace fairlead::api {

std::size_t utf8_length(std::string_view text) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < text.size(); ++count) {
        auto lead = static_cast<unsigned char>(text[i]);
        std::size_t size = lead < 0x80       ? 1
                           : lead >> 5 == 6  ? 2
                           : lead >> 4 == 14 ? 3
                           : lead >> 3 == 30 ? 4
                                             : 0;
        if (size == 0 || i + size > text.size()) return std::string_view::npos;
        for (std::size_t k = 1; k < size; ++k)
            if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80)
                return std::string_view::npos;
        i += size;
    }
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

} // namespace fairlead::api
