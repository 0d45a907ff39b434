#include "common/stream/mux_stream.hpp"

#include <algorithm>

namespace fairlead::stream {

namespace {

auto broke(StreamId id, const std::string& what) {
    return fail(Errc::invalid, "Stream " + std::to_string(id) + ": " + what + ".");
}

} // namespace

Result<> Mux::receive(std::string_view message) {
    FAIRLEAD_TRY(frame, parse_frame(message));
    if (frame.type != FrameType::row) return take(frame);
    return parse_row(frame.payload, [this](const Frame& one) { return take(one); });
}

Result<> Mux::take(const Frame& frame) {
    if (control_.size() > 8 * limits_.streams)
        return fail(Errc::invalid, "The peer makes more streams fail than it listens to.");
    return dispatch(frame);
}

Result<> Mux::dispatch(const Frame& frame) {
    if (frame.type == FrameType::begin) return on_begin(frame);
    if (!begun_) return broke(frame.stream, "a frame came before begin");
    if (frame.type == FrameType::resume) return on_resume(frame);
    if (frame.type == FrameType::resumed) return on_resumed();
    if (!ready_) return broke(frame.stream, "a frame came before the peer said what it resumes");
    if (frame.type == FrameType::open) return on_open(frame);
    if (frame.type == FrameType::reset) return on_reset(frame);
    auto* stream = find(frame.stream);
    if (!stream) {
        if (was_known(frame.stream)) return {}; // it ended here while this was on its way
        return broke(frame.stream, "nobody has opened it");
    }
    stream->peer_knows = true;
    stream->text.clear();
    if (frame.type == FrameType::data) return on_data(*stream, frame);
    if (frame.type == FrameType::window) return on_window(*stream, frame);
    return on_close(*stream, frame);
}

Result<> Mux::on_open(const Frame& frame) {
    auto id = frame.stream;
    if (ours(id)) return broke(id, "the peer opened it with an id of ours");
    if (find(id)) return broke(id, "it was opened twice");
    if (was_known(id)) { // opened before and ended here; the peer did not hear of it
        send_reset(id, static_cast<std::uint32_t>(ResetCode::lost), "This stream has ended.");
        return {};
    }
    highest_seen_ = id;
    if (streams_.size() >= limits_.streams) {
        send_reset(
            id, static_cast<std::uint32_t>(ResetCode::too_many), "Too many streams are open."
        );
        return {};
    }
    auto& stream = *(streams_[id] = std::make_unique<Stream>(id));
    stream.peer_knows = stream.named = true;
    stream.limit = stream.granted = stream.window = limits_.initial_window;
    grant(stream, true); // tells the peer that the stream is known here
    Event event(id, Event::opened);
    event.text = frame.payload;
    events_.push_back(std::move(event));
    return {};
}

Result<> Mux::on_data(Stream& stream, const Frame& frame) {
    auto end = frame.offset + frame.payload.size();
    if (end < frame.offset) return broke(stream.id, "its offset is beyond all bounds");
    if (frame.offset > stream.arrived)
        return broke(
            stream.id, "bytes " + std::to_string(stream.arrived) + " to " +
                           std::to_string(frame.offset) + " are missing"
        );
    if (end > stream.granted)
        return broke(
            stream.id, "the peer sent up to " + std::to_string(end) + " and may only up to " +
                           std::to_string(stream.granted)
        );
    if (stream.peer_closed && end > stream.arrived)
        return broke(stream.id, "data came after close");
    if (frame.flags & flag_blocked) stream.peer_blocked = true;
    if (end <= stream.arrived) return {};
    bool was_empty = stream.in.size() == 0;
    unread_ += end - stream.arrived;
    stream.in.append(frame.payload.substr(stream.arrived - frame.offset));
    stream.arrived = end;
    grant(stream, false);
    if (was_empty) events_.emplace_back(stream.id, Event::readable);
    if (unread_ > limits_.total_in) shed();
    return {};
}

Result<> Mux::on_window(Stream& stream, const Frame& frame) {
    auto limit = read_u64(frame.payload);
    if (frame.offset > stream.sent)
        return broke(stream.id, "the peer has bytes that were never sent");
    if (limit < frame.offset) return broke(stream.id, "the window ends before it begins");
    if (frame.offset > stream.acked) {
        drop_out(stream, frame.offset - stream.acked);
        stream.acked = frame.offset;
    }
    stream.limit = std::max(stream.limit, limit);
    if (frame.flags & flag_closed) {
        if (!stream.wants_close || stream.acked != stream.sent_end())
            return broke(stream.id, "the peer has seen a close that was never sent");
        stream.close_sent = stream.close_acked = true;
    }
    tell_writable(stream);
    schedule(stream);
    finish_if_done(stream.id);
    return {};
}

Result<> Mux::on_close(Stream& stream, const Frame& frame) {
    if (frame.offset != stream.arrived)
        return broke(
            stream.id, "it was closed at " + std::to_string(frame.offset) + " and " +
                           std::to_string(stream.arrived) + " bytes have come"
        );
    bool first = !stream.peer_closed;
    stream.peer_closed = true;
    grant(stream, true);
    if (first) events_.emplace_back(stream.id, Event::closed);
    finish_if_done(stream.id);
    return {};
}

Result<> Mux::on_begin(const Frame& frame) {
    if (begun_ || !connected_) return broke(0, "begin came out of turn");
    begun_ = true;
    takes_rows_ = (frame.flags & flag_rows) != 0;
    bool another_life = peer_life_ != 0 && peer_life_ != frame.offset;
    peer_life_ = frame.offset;
    if (!another_life) return {};
    highest_seen_ = 0;
    std::vector<StreamId> gone;
    for (const auto& [id, stream] : streams_)
        if (!ours(id) || stream->peer_knows) gone.push_back(id);
    for (auto id : gone) lose(id);
    return {};
}

Result<> Mux::on_resume(const Frame& frame) {
    if (ready_) return broke(frame.stream, "the peer resumes a second time");
    auto* stream = find(frame.stream);
    // Ended here, or never heard of: the peer sees it unnamed. One of ours that was not announced
    // yet has the id of one that the peer knows from our life before.
    if (!stream || (ours(frame.stream) && !stream->announced)) return {};
    stream->named = stream->peer_knows = true;
    stream->text.clear();
    // From here on it is sent again.
    if (frame.offset < stream->acked || frame.offset > stream->sent)
        return broke(
            stream->id,
            "the peer resumes at " + std::to_string(frame.offset) + ", outside of what is kept"
        );
    stream->sent = frame.offset;
    stream->close_sent = false;
    return on_window(*stream, frame);
}

Result<> Mux::on_resumed() {
    if (ready_) return broke(0, "the peer resumes a second time");
    ready_ = true;
    std::vector<StreamId> unnamed;
    for (auto& [id, stream] : streams_) {
        if (stream->named)
            schedule(*stream);
        else
            unnamed.push_back(id);
    }
    for (auto id : unnamed) {
        auto& stream = *streams_[id];
        if (ours(id) && !stream.peer_knows) {
            stream.sent = stream.acked;
            stream.close_sent = false;
            stream.named = true;
            send_open(stream);
            schedule(stream);
        } else {
            lose(id);
        }
    }
    return {};
}

Result<> Mux::on_reset(const Frame& frame) {
    auto* stream = find(frame.stream);
    if (!stream) {
        if (was_known(frame.stream)) return {};
        return broke(frame.stream, "nobody has opened it");
    }
    auto code = read_u32(frame.payload);
    if (code == static_cast<std::uint32_t>(ResetCode::lost)) {
        lose(frame.stream);
        return {};
    }
    Event event(frame.stream, Event::reset);
    event.code = code;
    event.text = frame.payload.substr(4);
    events_.push_back(std::move(event));
    drop(frame.stream);
    return {};
}

/// The peer does not know the stream any more. It forgets one only when both directions had ended
/// and ours was acknowledged, or by force.
void Mux::lose(StreamId id) {
    auto& stream = *streams_[id];
    if (stream.peer_closed && stream.close_sent) {
        stream.close_acked = true;
        drop_out(stream, stream.out.size());
        stream.acked = stream.sent;
        finish_if_done(id);
        if (find(id)) stream.named = true; // what has come is still to be read
        return;
    }
    Event event(id, Event::reset);
    event.code = static_cast<std::uint32_t>(ResetCode::lost);
    event.text = "The other side no longer knows this stream.";
    events_.push_back(std::move(event));
    drop(id);
}

} // namespace fairlead::stream
