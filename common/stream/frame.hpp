/// The frames of byte streams, as they travel in binary WebSocket messages: one frame a message, or
/// a row of small ones.
///
///      0      1      2          4                8                               16
///      +------+------+----------+----------------+-------------------------------+---------
///      | type | flags| zero     | stream id      | offset                        | payload
///      +------+------+----------+----------------+-------------------------------+---------
///
/// All numbers are big-endian. Offsets count the bytes of one direction of one stream from 0.
///
///     type      offset means                         payload
///     1 open    0                                    what the opener says of the stream, at most 4
///     KiB 2 data    where the payload starts             1 to 64 KiB; flag 1: the sender has hit
///     its window 3 window  all before it has arrived            u64: how far the peer may send;
///     flag 1: close has arrived 4 close   how long the sender's direction is   none; nothing
///     follows in this direction 5 reset   0                                    u32 code, then a
///     sentence; both directions end 6 begin   a random number of the sender's life none; stream id
///     0 7 resume  as window                            as window 8 resumed 0, stream id 0 none
///
/// begin with flag 1: its sender takes rows (type 9: stream id 0, offset 0), which others are not
/// sent. The payload of one is frames of the types 1 to 5 in order, each behind its size as u32, at
/// most 16,320 bytes of them.
///
/// Each connection begins on both sides with begin, a resume for every stream that the side knows,
/// then resumed; nothing else is sent before the peer's resumed has come. Then data is repeated
/// from where the peer's resume says. A stream that the peer did not name is opened again if the
/// peer never answered for it, has ended well if the peer's direction had ended, and is lost
/// otherwise. Another number in begin than last time: the peer has started anew and knows no
/// stream.
#pragma once

#include "common/runtime/result.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace fairlead::stream {

using StreamId = std::uint32_t;

enum class FrameType : std::uint8_t {
    open = 1,
    data,
    window,
    close,
    reset,
    begin,
    resume,
    resumed,
    row
};

inline constexpr std::size_t frame_header = 16;
inline constexpr std::size_t max_open_payload = 4 * 1024;
inline constexpr std::size_t max_data_payload = 64 * 1024;
inline constexpr std::size_t max_reset_reason = 256;
/// Of a row's payload: with the headers of frame and WebSocket one TLS record.
inline constexpr std::size_t max_row_payload = 16 * 1024 - 64;

inline constexpr std::uint8_t flag_blocked = 1; ///< on data
inline constexpr std::uint8_t flag_closed = 1;  ///< on window and resume
inline constexpr std::uint8_t flag_rows = 1;    ///< on begin

/// A view of one frame; `payload` points into the message it was read from.
struct Frame {
    Frame() = default;

    FrameType type = FrameType::data;
    std::uint8_t flags = 0;
    StreamId stream = 0;
    std::uint64_t offset = 0;
    std::string_view payload;
};

/// Errc::invalid names what is wrong: too short, unknown type, stream id 0, payload too large.
Result<Frame> parse_frame(std::string_view message);

/// Calls `one` with each frame of a row until it fails; Errc::invalid also for a row that is cut
/// off or holds what no row may.
Result<> parse_row(std::string_view payload, const std::function<Result<>(const Frame&)>& one);

/// Appends the header and the payload.
void append_frame(std::string& out, const Frame& frame);

void append_u64(std::string& out, std::uint64_t value);
void append_u32(std::string& out, std::uint32_t value);
std::uint64_t read_u64(std::string_view bytes);
std::uint32_t read_u32(std::string_view bytes);

} // namespace fairlead::stream
