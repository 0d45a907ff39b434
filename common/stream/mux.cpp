#include "common/stream/mux.hpp"

#include <algorithm>
#include <cassert>

namespace fairlead::stream {

namespace {

constexpr std::size_t chunk_size = 16 * 1024; // small writes are joined up to here

/// Bytes in order, taken from the front and added at the back.
class Bytes {
public:
    void append(std::string_view bytes) {
        size_ += bytes.size();
        if (!chunks_.empty() && chunks_.back().size() + bytes.size() <= chunk_size) {
            chunks_.back() += bytes;
            return;
        }
        chunks_.emplace_back(bytes);
    }
    void drop(std::uint64_t count) {
        assert(count <= size_);
        size_ -= count;
        while (count > 0) {
            auto left = chunks_.front().size() - front_;
            if (count < left) {
                front_ += count;
                return;
            }
            count -= left;
            front_ = 0;
            chunks_.pop_front();
        }
    }
    /// Appends `count` bytes from `at` on to `out`.
    void copy(std::uint64_t at, std::size_t count, std::string& out) const {
        at += front_;
        for (const auto& chunk : chunks_) {
            if (count == 0) return;
            if (at >= chunk.size()) {
                at -= chunk.size();
                continue;
            }
            auto piece = std::string_view(chunk).substr(at, count);
            out += piece;
            count -= piece.size();
            at = 0;
        }
    }
    std::string take(std::size_t limit) {
        std::string out;
        if (!chunks_.empty() && front_ == 0 && chunks_.front().size() <= limit &&
            chunks_.size() == 1) {
            out = std::move(chunks_.front());
            chunks_.clear();
            size_ = 0;
            return out;
        }
        auto count = std::min<std::uint64_t>(limit, size_);
        copy(0, count, out);
        drop(count);
        return out;
    }
    std::uint64_t size() const { return size_; }

private:
    std::deque<std::string> chunks_;
    std::size_t front_ = 0; // already dropped bytes of the first chunk
    std::uint64_t size_ = 0;
};

auto broke(StreamId id, const std::string& what) {
    return fail(Errc::invalid, "Stream " + std::to_string(id) + ": " + what + ".");
}

} // namespace

struct Mux::Stream {
    explicit Stream(StreamId number) : id(number) {}

    std::uint64_t sent_end() const { return acked + out.size(); } // of what was written

    StreamId id;
    std::string text; // of open, until the peer has answered for the stream
    bool peer_knows = false;
    bool named = false; // by the peer's resume on this connection

    Bytes out; // from `acked` on
    std::uint64_t acked = 0;
    std::uint64_t sent = 0;
    std::uint64_t limit = 0; // how far the peer lets us send
    bool wants_close = false, close_sent = false, close_acked = false;
    bool write_fell_short = false;

    Bytes in; // arrived and not read
    std::uint64_t arrived = 0;
    std::uint64_t granted = 0; // as told to the peer
    std::uint64_t told = 0;    // of `arrived`
    std::size_t window = 0;
    bool peer_blocked = false, peer_closed = false;

    bool in_turn = false, in_acks = false;
};

Mux::Mux(Role role, std::uint64_t life, Limits limits)
    : role_(role), life_(life == 0 ? 1 : life), limits_(limits),
      next_id_(role == Role::dialler ? 1 : 2) {}

Mux::~Mux() = default;

Mux::Stream* Mux::find(StreamId id) {
    auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : found->second.get();
}

bool Mux::was_known(StreamId id) const {
    return ours(id) ? id < next_id_ : id <= highest_seen_;
}

// ---- the application's side
// ---------------------------------------------------------------------------------------

Result<StreamId> Mux::open(std::string_view text) {
    if (text.size() > max_open_payload)
        return fail(
            Errc::invalid, "What a stream is opened with has more than " +
                               std::to_string(max_open_payload) + " bytes."
        );
    if (streams_.size() >= limits_.streams)
        return fail(
            Errc::unavailable, std::to_string(limits_.streams) + " streams are open already."
        );
    auto id = next_id_;
    next_id_ += 2;
    auto& stream = *(streams_[id] = std::make_unique<Stream>(id));
    stream.text = text;
    stream.limit = stream.granted = stream.window = limits_.initial_window;
    windows_ += stream.window;
    if (ready_) send_open(stream);
    stream.named = ready_;
    return id;
}

Result<std::size_t> Mux::write(StreamId id, std::string_view bytes) {
    auto* stream = find(id);
    if (!stream) return fail(Errc::not_found, "Stream " + std::to_string(id) + " has ended.");
    if (stream->wants_close)
        return fail(Errc::conflict, "Stream " + std::to_string(id) + " was closed for writing.");
    auto may_send = std::min<std::uint64_t>(stream->limit - stream->acked, limits_.max_window);
    auto room = may_send + limits_.unsent -
                std::min<std::uint64_t>(stream->out.size(), may_send + limits_.unsent);
    auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(room, bytes.size()));
    if (taken < bytes.size()) stream->write_fell_short = true;
    if (taken > 0) stream->out.append(bytes.substr(0, taken));
    schedule(*stream);
    return taken;
}

std::string Mux::read(StreamId id, std::size_t limit) {
    auto* stream = find(id);
    if (!stream || stream->in.size() == 0) return {};
    auto bytes = stream->in.take(limit);
    grow_window(*stream);
    grant(*stream, false);
    finish_if_done(id);
    return bytes;
}

Result<> Mux::close(StreamId id) {
    auto* stream = find(id);
    if (!stream) return fail(Errc::not_found, "Stream " + std::to_string(id) + " has ended.");
    stream->wants_close = true;
    schedule(*stream);
    return {};
}

void Mux::reset(StreamId id, std::uint32_t code, std::string_view reason) {
    if (!find(id)) return;
    if (ready_) send_reset(id, code, reason); // otherwise the peer misses it in our resumes
    drop(id);
}

std::vector<Event> Mux::take_events() {
    return std::exchange(events_, {});
}

// ---- the connection's side
// ------------------------------------------------------------------------------------------

void Mux::connected() {
    connected_ = true;
    begun_ = ready_ = false;
    control_.clear();
    acks_.clear();
    greeting_.clear();
    Frame life;
    life.type = FrameType::begin;
    life.offset = life_;
    append_frame(greeting_.emplace_back(), life);
    for (auto& [id, stream] : streams_) {
        stream->named = stream->in_acks = false;
        stream->told = stream->arrived;
        stream->granted = std::max<std::uint64_t>(
            stream->granted, stream->arrived - stream->in.size() + stream->window
        );
        std::string limit;
        append_u64(limit, stream->granted);
        Frame frame;
        frame.type = FrameType::resume;
        frame.flags = stream->peer_closed ? flag_closed : 0;
        frame.stream = id;
        frame.offset = stream->arrived;
        frame.payload = limit;
        append_frame(greeting_.emplace_back(), frame);
    }
    Frame all;
    all.type = FrameType::resumed;
    append_frame(greeting_.emplace_back(), all);
}

void Mux::disconnected() {
    connected_ = begun_ = ready_ = false;
}

Result<> Mux::receive(std::string_view message) {
    FAIRLEAD_TRY(frame, parse_frame(message));
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
    windows_ += stream.window;
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
    stream.in.append(frame.payload.substr(stream.arrived - frame.offset));
    stream.arrived = end;
    grant(stream, false);
    if (was_empty) events_.emplace_back(stream.id, Event::readable);
    return {};
}

Result<> Mux::on_window(Stream& stream, const Frame& frame) {
    auto limit = read_u64(frame.payload);
    if (frame.offset > stream.sent)
        return broke(stream.id, "the peer has bytes that were never sent");
    if (limit < frame.offset) return broke(stream.id, "the window ends before it begins");
    if (frame.offset > stream.acked) {
        stream.out.drop(frame.offset - stream.acked);
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
    if (!stream) {
        return {}; // ended here, or never heard of: the peer sees it unnamed
    }
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
        stream.out.drop(stream.out.size());
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

bool Mux::has_next() const {
    if (!connected_) return false;
    return !greeting_.empty() ||
           (ready_ && (!control_.empty() || !acks_.empty() || !turn_.empty()));
}

bool Mux::next(std::string& frame) {
    frame.clear();
    if (!connected_) return false;
    if (!greeting_.empty()) {
        frame = std::move(greeting_.front());
        greeting_.pop_front();
        return true;
    }
    if (!ready_) return false;
    if (!control_.empty()) {
        frame = std::move(control_.front());
        control_.pop_front();
        return true;
    }
    while (!acks_.empty()) {
        auto* stream = find(acks_.front());
        acks_.pop_front();
        if (!stream) continue;
        stream->in_acks = false;
        stream->told = stream->arrived;
        stream->granted = std::max<std::uint64_t>(
            stream->granted, stream->arrived - stream->in.size() + stream->window
        );
        std::string limit;
        append_u64(limit, stream->granted);
        Frame window;
        window.type = FrameType::window;
        window.flags = stream->peer_closed ? flag_closed : 0;
        window.stream = stream->id;
        window.offset = stream->arrived;
        window.payload = limit;
        append_frame(frame, window);
        finish_if_done(window.stream);
        return true;
    }
    while (!turn_.empty()) {
        auto id = turn_.front();
        turn_.pop_front();
        auto* stream = find(id);
        if (!stream) continue;
        stream->in_turn = false;
        if (next_data(*stream, frame)) {
            schedule(*stream); // at the end of the queue
            return true;
        }
    }
    return false;
}

bool Mux::next_data(Stream& stream, std::string& frame) {
    auto end = stream.sent_end();
    auto may = std::min({end, stream.limit, stream.acked + limits_.max_window});
    Frame next;
    next.stream = stream.id;
    next.offset = stream.sent;
    if (may > stream.sent) {
        auto size = static_cast<std::size_t>(
            std::min<std::uint64_t>({may - stream.sent, limits_.quantum, max_data_payload})
        );
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

void Mux::schedule(Stream& stream) {
    if (stream.in_turn || !stream.named || stream.close_acked) return;
    auto may = std::min({stream.sent_end(), stream.limit, stream.acked + limits_.max_window});
    bool close_now = stream.wants_close && !stream.close_sent && stream.sent == stream.sent_end();
    if (may <= stream.sent && !close_now) return;
    stream.in_turn = true;
    turn_.push_back(stream.id);
}

void Mux::tell_writable(Stream& stream) {
    if (!stream.write_fell_short) return;
    auto may_send = std::min<std::uint64_t>(stream.limit - stream.acked, limits_.max_window);
    if (stream.out.size() >= may_send + limits_.unsent) return;
    stream.write_fell_short = false;
    events_.emplace_back(stream.id, Event::writable);
}

/// A sender that waits for us although we read at once needs a window of more than the round trip
/// holds.
void Mux::grow_window(Stream& stream) {
    if (!stream.peer_blocked || stream.in.size() > stream.window / 2) return;
    auto wanted = std::min(2 * stream.window, limits_.max_window);
    auto more = wanted - stream.window;
    stream.peer_blocked = false;
    if (more == 0 || windows_ + more > limits_.total_window) return;
    stream.window = wanted;
    windows_ += more;
}

/// Tells the peer how far it may send, when that is news worth a frame.
void Mux::grant(Stream& stream, bool now) {
    auto limit = stream.arrived - stream.in.size() + stream.window;
    bool worth = now || limit >= stream.granted + stream.window / 4 ||
                 stream.arrived >= stream.told + stream.window / 4;
    if (!worth || stream.in_acks) return;
    stream.in_acks = true;
    acks_.push_back(stream.id);
}

void Mux::send_open(const Stream& stream) {
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

/// Forgotten when nobody needs it: all read, all acknowledged, and the peer's close acknowledged by
/// us.
void Mux::finish_if_done(StreamId id) {
    auto* stream = find(id);
    if (!stream || !stream->peer_closed || !stream->close_acked || stream->in.size() > 0 ||
        stream->in_acks)
        return;
    events_.emplace_back(id, Event::finished);
    drop(id);
}

void Mux::drop(StreamId id) {
    auto found = streams_.find(id);
    if (found == streams_.end()) return;
    windows_ -= found->second->window;
    streams_.erase(found);
}

} // namespace fairlead::stream
