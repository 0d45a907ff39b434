#include "common/json/json.hpp"

#include "common/runtime/utf8.hpp"

#include <fmt/core.h>

namespace fairlead::json {

Result<boost::json::value>
parse(std::string_view text, std::size_t limit, boost::json::storage_ptr storage) {
    if (text.size() > limit)
        return fail(Errc::invalid, fmt::format("The JSON is larger than {} bytes.", limit));
    boost::json::parse_options options;
    options.max_depth = 32;
    unsigned char space[2048];
    boost::json::stream_parser parser({}, options, space);
    parser.reset(std::move(storage));
    boost::json::error_code failed;
    auto used = parser.write_some(text.data(), text.size(), failed);
    if (!failed && used < text.size()) failed = boost::json::error::extra_data;
    if (!failed) parser.finish(failed);
    if (failed == boost::json::error::too_deep)
        return fail(Errc::invalid, "The JSON is nested deeper than 32 levels.");
    if (failed)
        return fail(
            Errc::invalid, fmt::format("Not valid JSON at byte {}: {}.", used, failed.message())
        );
    return parser.release();
}

Document::Document(std::string_view text, std::size_t limit)
    : value_(parse(text, limit, &memory_)) {}
Document::~Document() = default;

std::string serialize(const boost::json::value& value) {
    auto text = boost::json::serialize(value);
    // Bytes beyond ASCII stand in strings alone, and are written as they came.
    return utf8::valid(text) ? text : utf8::repaired(text);
}

std::string describe(const std::vector<FieldError>& errors) {
    std::string text;
    for (const auto& error : errors) {
        if (!text.empty()) text += "; ";
        text += error.field + " " + error.message;
    }
    return text + ".";
}

} // namespace fairlead::json
