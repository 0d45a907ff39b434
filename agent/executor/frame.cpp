#include "agent/executor/frame.hpp"

#include <cassert>
#include <cstdint>

namespace fairlead::executor {

std::string frame(std::string_view body) {
    assert(body.size() <= largest_frame);
    auto size = static_cast<std::uint32_t>(body.size());
    std::string result;
    result.reserve(body.size() + 4);
    for (int shift = 24; shift >= 0; shift -= 8)
        result += static_cast<char>((size >> shift) & 0xFF);
    return result.append(body);
}

Result<std::optional<std::string>> FrameReader::next() {
    if (buffer_.size() < 4) return std::optional<std::string>();
    std::uint32_t size = 0;
    for (int i = 0; i < 4; ++i)
        size = size << 8 | static_cast<unsigned char>(buffer_[static_cast<std::size_t>(i)]);
    if (size == 0 || size > largest_frame)
        return fail(
            Errc::invalid, "A frame of " + std::to_string(size) + " bytes is outside 1 to " +
                               std::to_string(largest_frame) + "."
        );
    if (buffer_.size() < 4 + std::size_t{size}) return std::optional<std::string>();
    std::optional<std::string> body(buffer_.substr(4, size));
    buffer_.erase(0, 4 + std::size_t{size});
    return body;
}

} // namespace fairlead::executor
