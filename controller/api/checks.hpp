/// Checks of inputs that JSON types cannot express: lengths, ranges, shapes. All failures are told
/// at once.
#pragma once

#include "common/runtime/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::api {

class Checks {
public:
    void
    length(std::string_view field, std::string_view value, std::size_t least, std::size_t most);
    void
    range(std::string_view field, std::uint64_t value, std::uint64_t least, std::uint64_t most);
    /// A finding of the caller's own.
    void that(bool fine, std::string_view field, std::string message) {
        if (!fine) wrong(field, std::move(message));
    }
    void wrong(std::string_view field, std::string message) {
        errors_.push_back({std::string(field), std::move(message)});
    }

    /// Errc::invalid with every finding, code validation_failed.
    Result<> result() const;

private:
    std::vector<FieldError> errors_;
};

/// Characters in UTF-8; npos where it is not valid.
std::size_t utf8_length(std::string_view text);

/// A stranger's text, fit for a page, a log and a column: at most `most` bytes, without control
/// characters, and with ? in place of what is no UTF-8.
std::string printable(std::string text, std::size_t most);

} // namespace fairlead::api
