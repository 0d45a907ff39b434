/// Frames of the local socket: four bytes of length, big-endian, and that many bytes of JSON.
#pragma once

#include "common/runtime/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace fairlead::executor {

inline constexpr std::size_t largest_frame = 1 << 20;

/// Header and body. `body` is at most largest_frame long.
std::string frame(std::string_view body);

/// Cuts a byte stream into frames. After an error the stream is lost.
class FrameReader {
public:
    void add(std::string_view bytes) { buffer_ += bytes; }

    /// A whole frame's body, nothing yet, or Errc::invalid for a length of zero or above the limit.
    Result<std::optional<std::string>> next();

private:
    std::string buffer_;
};

} // namespace fairlead::executor
