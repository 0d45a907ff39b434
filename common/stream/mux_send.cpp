#include "common/stream/mux_stream.hpp"

#include <algorithm>

namespace fairlead::stream {
namespace {

constexpr std::size_t sized = 4; // before each frame of a row

void append_sized(std::string& row, std::string_view frame) {
    append_u32(row, static_cast<std::uint32_t>(frame.size()));
    row += frame;
}

} // namespace

void Mux::connected() {
    connected_ = true;
    begun_ = ready_ = takes_rows_ = false;
    control_.clear();
    acks_.clear();
    greeting_.clear();
    Frame life;
    life.type = FrameType::begin;
    life.flags = limits_.rows ? flag_rows : 0;
    life.offset = life_;
    append_frame(greeting_.emplace_back(), life);
    for (const auto& [id, stream] : streams_) {
        stream->named = stream->in_acks = false;
        tell_window(*stream, FrameType::resume, greeting_.emplace_back());
    }
    Frame all;
    all.type = FrameType::resumed;
    append_frame(greeting_.emplace_back(), all);
}

void Mux::disconnected() {
    connected_ = begun_ = ready_ = false;
}

bool Mux::has_next() const {
    if (!connected_) return false;
    return !greeting_.empty() ||
           (ready_ && (!control_.empty() || !acks_.empty() || !turn_.empty()));
}

bool Mux::next(std::string& message) {
    message.clear();
    if (!connected_) return false;
    if (!greeting_.empty()) {
        message = std::move(greeting_.front());
        greeting_.pop_front();
        return true;
    }
    if (!ready_ || !next_frame(message, SIZE_MAX)) return false;
    if (takes_rows_) add_row(message);
    return true;
}

/// What fits behind a small frame travels with it.
void Mux::add_row(std::string& message) {
    std::string row, frame;
    for (auto filled = sized + message.size(); filled + sized < max_row_payload;) {
        frame.clear();
        if (!next_frame(frame, max_row_payload - filled - sized)) break;
        if (row.empty()) {
            row.reserve(frame_header + max_row_payload);
            Frame head;
            head.type = FrameType::row;
            append_frame(row, head);
            append_sized(row, message);
        }
        append_sized(row, frame);
        filled += sized + frame.size();
    }
    if (!row.empty()) message = std::move(row);
}

/// Appends the next one unless it has more than `most` bytes.
bool Mux::next_frame(std::string& frame, std::size_t most) {
    if (!control_.empty()) {
        if (control_.front().size() > most) return false;
        frame += control_.front();
        control_.pop_front();
        return true;
    }
    while (!acks_.empty()) {
        if (most < frame_header + sizeof(std::uint64_t)) return false;
        auto* stream = find(acks_.front());
        acks_.pop_front();
        if (!stream) continue;
        stream->in_acks = false;
        tell_window(*stream, FrameType::window, frame);
        finish_if_done(stream->id);
        return true;
    }
    while (!turn_.empty()) {
        auto* stream = find(turn_.front());
        if (stream && frame_header + sendable(*stream) > most) return false;
        turn_.pop_front();
        if (!stream) continue;
        stream->in_turn = false;
        if (next_data(*stream, frame)) {
            schedule(*stream); // at the end of the queue
            return true;
        }
    }
    return false;
}

/// Bytes that its next frame of data would have.
std::size_t Mux::sendable(const Stream& stream) const {
    auto may = std::min({stream.sent_end(), stream.limit, stream.acked + limits_.max_flight});
    if (may <= stream.sent) return 0;
    return static_cast<std::size_t>(
        std::min<std::uint64_t>({may - stream.sent, limits_.quantum, max_data_payload})
    );
}

bool Mux::next_data(Stream& stream, std::string& frame) {
    auto end = stream.sent_end();
    Frame next;
    next.stream = stream.id;
    next.offset = stream.sent;
    if (auto size = sendable(stream); size > 0) {
        bool blocked = stream.sent + size == stream.limit && end > stream.limit;
        next.type = FrameType::data;
        next.flags = blocked ? flag_blocked : 0;
        frame.reserve(frame_header + size);
        append_frame(frame, next);
        stream.out.copy(stream.sent - stream.acked, size, frame);
        stream.sent += size;
        return true;
    }
    if (!stream.wants_close || stream.close_sent || stream.sent != end) return false;
    next.type = FrameType::close;
    append_frame(frame, next);
    stream.close_sent = true;
    return true;
}

/// How much has come, and up to where the peer may send.
void Mux::tell_window(Stream& stream, FrameType type, std::string& out) {
    stream.told = stream.arrived;
    stream.granted =
        std::max<std::uint64_t>(stream.granted, stream.arrived - stream.in.size() + stream.window);
    std::string limit;
    append_u64(limit, stream.granted);
    Frame frame;
    frame.type = type;
    frame.flags = stream.peer_closed ? flag_closed : 0;
    frame.stream = stream.id;
    frame.offset = stream.arrived;
    frame.payload = limit;
    append_frame(out, frame);
}

void Mux::send_open(Stream& stream) {
    stream.announced = true;
    Frame frame;
    frame.type = FrameType::open;
    frame.stream = stream.id;
    frame.payload = stream.text;
    append_frame(control_.emplace_back(), frame);
}

void Mux::send_reset(StreamId id, std::uint32_t code, std::string_view reason) {
    std::string payload;
    append_u32(payload, code);
    payload += reason.substr(0, max_reset_reason);
    Frame frame;
    frame.type = FrameType::reset;
    frame.stream = id;
    frame.payload = payload;
    append_frame(control_.emplace_back(), frame);
}

} // namespace fairlead::stream
