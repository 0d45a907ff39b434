#include "common/stream/frame.hpp"

namespace fairlead::stream {

void append_u32(std::string& out, std::uint32_t value) {
    for (int shift : {24, 16, 8, 0}) out += static_cast<char>(value >> shift);
}

void append_u64(std::string& out, std::uint64_t value) {
    append_u32(out, static_cast<std::uint32_t>(value >> 32));
    append_u32(out, static_cast<std::uint32_t>(value));
}

std::uint32_t read_u32(std::string_view bytes) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

std::uint64_t read_u64(std::string_view bytes) {
    return std::uint64_t(read_u32(bytes)) << 32 | read_u32(bytes.substr(4));
}

void append_frame(std::string& out, const Frame& frame) {
    out += static_cast<char>(frame.type);
    out += static_cast<char>(frame.flags);
    out.append(2, '\0');
    append_u32(out, frame.stream);
    append_u64(out, frame.offset);
    out += frame.payload;
}

Result<Frame> parse_frame(std::string_view message) {
    auto bad = [](const std::string& what) {
        return fail(Errc::invalid, "A stream frame " + what + ".");
    };
    if (message.size() < frame_header)
        return bad("has " + std::to_string(message.size()) + " bytes, fewer than its header");
    Frame frame;
    auto type = static_cast<unsigned char>(message[0]);
    if (type < 1 || type > 9) return bad("has the unknown type " + std::to_string(type));
    frame.type = static_cast<FrameType>(type);
    frame.flags = static_cast<std::uint8_t>(message[1]);
    if (message[2] != 0 || message[3] != 0) return bad("has bytes set that must be zero");
    frame.stream = read_u32(message.substr(4));
    frame.offset = read_u64(message.substr(8));
    frame.payload = message.substr(frame_header);
    bool of_all = frame.type == FrameType::begin || frame.type == FrameType::resumed ||
                  frame.type == FrameType::row;
    if ((frame.stream == 0) != of_all)
        return bad(
            "of type " + std::to_string(type) + " has the stream id " + std::to_string(frame.stream)
        );

    auto size = frame.payload.size();
    std::size_t least = 0, most = 0;
    switch (frame.type) {
    case FrameType::open:
        most = max_open_payload;
        break;
    case FrameType::data:
        least = 1, most = max_data_payload;
        break;
    case FrameType::window:
    case FrameType::resume:
        least = most = 8;
        break;
    case FrameType::reset:
        least = 4, most = 4 + max_reset_reason;
        break;
    case FrameType::row:
        least = 1, most = max_row_payload;
        break;
    case FrameType::close:
    case FrameType::begin:
    case FrameType::resumed:
        break;
    }
    if (size < least || size > most)
        return bad(
            "of type " + std::to_string(type) + " has a payload of " + std::to_string(size) +
            " bytes"
        );
    return frame;
}

Result<> parse_row(std::string_view payload, const std::function<Result<>(const Frame&)>& one) {
    while (!payload.empty()) {
        auto size = payload.size() < 4 ? payload.size() : read_u32(payload);
        if (payload.size() < 4 || size > payload.size() - 4)
            return fail(Errc::invalid, "A row of stream frames is cut off.");
        FAIRLEAD_TRY(frame, parse_frame(payload.substr(4, size)));
        if (frame.type > FrameType::reset)
            return fail(
                Errc::invalid, "A row of stream frames has one of type " +
                                   std::to_string(static_cast<int>(frame.type)) + "."
            );
        FAIRLEAD_CHECK(one(frame));
        payload.remove_prefix(4 + size);
    }
    return {};
}

} // namespace fairlead::stream
