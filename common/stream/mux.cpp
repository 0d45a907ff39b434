#include "common/stream/mux_stream.hpp"

#include <algorithm>
#include <utility>

namespace fairlead::stream {

Mux::Mux(Role role, std::uint64_t life, Limits limits)
    : role_(role), life_(life == 0 ? 1 : life), limits_(limits),
      next_id_(role == Role::dialler ? 1 : 2) {}

Mux::~Mux() {
    if (!limits_.budget) return;
    limits_.budget->windows -= grown_;
    limits_.budget->out -= shared_out_;
}

Mux::Stream* Mux::find(StreamId id) {
    auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : found->second.get();
}

bool Mux::was_known(StreamId id) const {
    return ours(id) ? id < next_id_ : id <= highest_seen_;
}

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
    if (ready_) send_open(stream);
    stream.named = ready_;
    return id;
}

Result<std::size_t> Mux::write(StreamId id, std::string_view bytes) {
    auto* stream = find(id);
    if (!stream) return fail(Errc::not_found, "Stream " + std::to_string(id) + " has ended.");
    if (stream->wants_close)
        return fail(Errc::conflict, "Stream " + std::to_string(id) + " was closed for writing.");
    auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(room_in(*stream), bytes.size()));
    if (taken > 0) add_out(*stream, bytes.substr(0, taken));
    if (taken < bytes.size()) {
        stream->write_fell_short = true;
        if (shared_room() == 0 && !stream->waits_for_shared) {
            stream->waits_for_shared = true;
            short_of_out_.push_back(id);
        }
    }
    schedule(*stream);
    return taken;
}

std::string Mux::read(StreamId id, std::size_t limit) {
    auto* stream = find(id);
    if (!stream || stream->in.size() == 0) return {};
    auto bytes = stream->in.take(limit);
    unread_ -= bytes.size();
    grow_window(*stream);
    grant(*stream, false);
    finish_if_done(id);
    return bytes;
}

void Mux::limit_window(StreamId id, std::size_t most) {
    if (auto* stream = find(id)) stream->most_window = most;
}

std::uint64_t Mux::unread(StreamId id) const {
    auto found = streams_.find(id);
    return found == streams_.end() ? 0 : found->second->in.size();
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

void Mux::schedule(Stream& stream) {
    if (stream.in_turn || !stream.named || stream.close_acked) return;
    auto may = std::min({stream.sent_end(), stream.limit, stream.acked + limits_.max_flight});
    bool close_now = stream.wants_close && !stream.close_sent && stream.sent == stream.sent_end();
    if (may <= stream.sent && !close_now) return;
    stream.in_turn = true;
    turn_.push_back(stream.id);
}

/// How much of what a stream holds counts for all of them.
std::uint64_t Mux::shared_part(const Stream& stream) const {
    auto own = std::min<std::uint64_t>(stream.out.size(), limits_.own_out);
    return stream.out.size() - own;
}

/// Of Limits::total_out, and of the budget.
std::uint64_t Mux::shared_room() const {
    auto room = limits_.total_out - std::min<std::uint64_t>(shared_out_, limits_.total_out);
    if (!limits_.budget) return room;
    const auto& budget = *limits_.budget;
    return std::min(room, budget.limit - std::min(budget.out, budget.limit));
}

void Mux::count_out(std::uint64_t before, std::uint64_t after) {
    shared_out_ += after - before; // modulo 2^64, as the next one
    if (limits_.budget) limits_.budget->out += after - before;
}

std::uint64_t Mux::room_in(const Stream& stream) const {
    auto may_send = std::min<std::uint64_t>(stream.limit - stream.acked, limits_.max_flight);
    auto most = may_send + limits_.unsent;
    auto room = most - std::min<std::uint64_t>(stream.out.size(), most);
    auto own = limits_.own_out - std::min<std::uint64_t>(stream.out.size(), limits_.own_out);
    return std::min(room, own + shared_room());
}

void Mux::add_out(Stream& stream, std::string_view bytes) {
    auto before = shared_part(stream);
    stream.out.append(bytes);
    count_out(before, shared_part(stream));
}

void Mux::drop_out(Stream& stream, std::uint64_t count) {
    auto before = shared_part(stream);
    stream.out.drop(count);
    count_out(before, shared_part(stream));
    // Who comes first may take it all; the others are told when there is more. What another Mux
    // gives back to the budget is found when the stream's own bytes arrive, of which there are
    // some.
    while (shared_room() > 0 && !short_of_out_.empty()) {
        auto* waiting = find(short_of_out_.front());
        short_of_out_.pop_front();
        if (!waiting) continue;
        waiting->waits_for_shared = false;
        tell_writable(*waiting);
    }
}

void Mux::tell_writable(Stream& stream) {
    if (!stream.write_fell_short) return;
    if (room_in(stream) == 0) return;
    stream.write_fell_short = false;
    events_.emplace_back(stream.id, Event::writable);
}

/// A sender that waits for us although we read at once needs a window of more than the round trip
/// holds.
void Mux::grow_window(Stream& stream) {
    if (!stream.peer_blocked || stream.in.size() > stream.window / 2) return;
    auto most = std::max(stream.window, std::min(limits_.max_window, stream.most_window));
    auto wanted = std::min(2 * stream.window, most);
    auto more = wanted - stream.window;
    stream.peer_blocked = false;
    if (more == 0 || grown_ + more > limits_.total_window) return;
    if (limits_.budget) {
        if (limits_.budget->windows + more > limits_.budget->limit) return;
        limits_.budget->windows += more;
    }
    stream.window = wanted;
    grown_ += more;
}

/// Ends the stream that nobody reads, when too much lies here.
void Mux::shed() {
    auto most = std::ranges::max_element(streams_, {}, [](const auto& entry) {
        return entry.second->in.size();
    });
    auto id = most->first;
    Event event(id, Event::reset);
    event.code = static_cast<std::uint32_t>(ResetCode::too_many);
    event.text = "More has come over all streams than is read.";
    reset(id, event.code, event.text);
    events_.push_back(std::move(event));
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
    auto grown = found->second->window - limits_.initial_window;
    grown_ -= grown;
    if (limits_.budget) limits_.budget->windows -= grown;
    unread_ -= found->second->in.size();
    drop_out(*found->second, found->second->out.size());
    streams_.erase(found);
}

} // namespace fairlead::stream
