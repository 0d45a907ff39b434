/// Many byte streams over one connection, without I/O: bytes and frames in, frames and events out.
#pragma once

#include "common/runtime/result.hpp"
#include "common/stream/frame.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::stream {

/// Who may open streams with which ids: the side that dialled takes odd ones, the other even ones.
enum class Role { dialler, acceptor };

/// What all Muxes of a process may have together, beyond the part that each stream has of its own.
/// One thread.
struct Budget {
    explicit Budget(std::uint64_t most) : limit(most) {}

    std::uint64_t limit;       ///< of each of these
    std::uint64_t windows = 0; ///< that windows have grown by
    std::uint64_t out = 0;     ///< written and not acknowledged
};

struct Limits {
    Limits() = default;

    std::size_t streams = 256; ///< open at once, both sides together
    /// Bytes of one stream before it is the next one's turn: with the headers of frame and
    /// WebSocket, two full TLS records.
    std::size_t quantum = 32 * 1024 - 64;
    std::size_t initial_window = 64 * 1024;   ///< must be the same on both sides
    std::size_t max_window = 8 * 1024 * 1024; ///< of one stream
    /// Of one stream, sent and not acknowledged, whatever the peer's window is: what a line holds
    /// that has 1 Gbit/s and 50 ms.
    std::size_t max_flight = 8 * 1024 * 1024;
    /// That all windows together may grow by; less than total_in, which the others need too.
    std::size_t total_window = 48 * 1024 * 1024;
    /// Of all streams together, arrived and not read. Windows promise more, for most streams are
    /// idle; the stream with the most is reset when they are not.
    std::size_t total_in = 64 * 1024 * 1024;
    std::size_t unsent = 256 * 1024; ///< that write() takes beyond what may be sent
    /// Of all streams together, written and not acknowledged; beyond that each stream has a part of
    /// its own, so that those that nobody reads do not stop the others.
    std::size_t total_out = 64 * 1024 * 1024;
    std::size_t own_out = 64 * 1024;
    bool rows = true;               ///< takes them; false: as the first agents with streams
    std::shared_ptr<Budget> budget; ///< of windows' growth and total_out, with other Muxes; or none
};

/// Codes of reset, beside those that the application defines from 100 on.
enum class ResetCode : std::uint32_t {
    cancelled = 1, ///< the application gave up
    refused = 2,   ///< not accepted
    too_many = 3,  ///< the limit of open streams, or of what nobody reads
    lost = 4,      ///< the other side no longer knows the stream
};

struct Event {
    enum Kind {
        opened,   ///< by the peer; `text` is what it said
        readable, ///< bytes have come where there were none
        writable, ///< write() takes bytes again after it did not
        closed,   ///< the peer's direction has ended; what came before can still be read
        finished, ///< both directions ended and everything arrived
        reset,    ///< ended by force, by the peer or by loss; `code` and `text` say why
    };

    Event(StreamId id, Kind what) : stream(id), kind(what) {}

    StreamId stream;
    Kind kind;
    std::uint32_t code = 0;
    std::string text;
};

/// One end of a set of streams. It outlives connections: after a loss call connected() with the
/// next one, and every stream goes on where it was, no byte lost or doubled. Single-threaded.
///
/// A stream's memory is bounded: at most its window unread, at most `Limits::max_flight` plus
/// `Limits::unsent` waiting to be sent or acknowledged, and all of them together by `total_in`,
/// `total_out` and `own_out` for each.
class Mux {
public:
    /// `life` is a random number, another one for each Mux: it tells the peer that this one starts
    /// from nothing.
    Mux(Role role, std::uint64_t life, Limits limits = Limits());
    Mux(const Mux&) = delete;
    ~Mux();

    // ---- the application's side

    /// `text` says what it is for (at most 4 KiB). Errc::unavailable at the limit of streams.
    Result<StreamId> open(std::string_view text);

    /// Takes as many bytes as fit and says how many, 0 when none; Event::writable follows.
    /// Errc::not_found for unknown or ended streams, Errc::conflict after close().
    Result<std::size_t> write(StreamId id, std::string_view bytes);

    /// Up to `limit` bytes that have come, in order; empty when there are none. Gives the peer new
    /// credit.
    std::string read(StreamId id, std::size_t limit = max_data_payload);

    /// The stream's window does not grow beyond this, whatever Limits::max_window is.
    void limit_window(StreamId id, std::size_t most);

    /// What read() would find; 0 for unknown streams.
    std::uint64_t unread(StreamId id) const;

    /// No more will be written; the other direction goes on.
    Result<> close(StreamId id);

    /// Ends both directions now. Unknown streams are ignored.
    void reset(StreamId id, std::uint32_t code, std::string_view reason);

    std::size_t open_streams() const { return streams_.size(); }

    /// What has happened since the last call, in order.
    std::vector<Event> take_events();

    // ---- the connection's side

    /// A connection is there, the first or a new one.
    void connected();
    /// It is gone. Streams wait; what may be given up is the application's choice (reset).
    void disconnected();

    /// One binary message from the peer. Errc::invalid names how it broke the protocol; end the
    /// connection then.
    Result<> receive(std::string_view message);

    /// Replaces `message` with the next one to send; false when there is none. Small frames go
    /// first, then data of each stream in turn. To a peer that takes rows those that are small
    /// travel together.
    bool next(std::string& message);

    /// True when next() would give one.
    bool has_next() const;

private:
    struct Stream;
    Stream* find(StreamId id);
    Result<> take(const Frame& frame);
    Result<> dispatch(const Frame& frame);
    Result<> on_open(const Frame& frame);
    Result<> on_data(Stream& stream, const Frame& frame);
    Result<> on_window(Stream& stream, const Frame& frame);
    Result<> on_close(Stream& stream, const Frame& frame);
    Result<> on_begin(const Frame& frame);
    Result<> on_resume(const Frame& frame);
    Result<> on_resumed();
    Result<> on_reset(const Frame& frame);
    bool was_known(StreamId id) const;
    void grow_window(Stream& stream);
    void grant(Stream& stream, bool now);
    void tell_window(Stream& stream, FrameType type, std::string& out);
    void schedule(Stream& stream);
    void tell_writable(Stream& stream);
    std::uint64_t room_in(const Stream& stream) const;
    void add_out(Stream& stream, std::string_view bytes);
    void drop_out(Stream& stream, std::uint64_t count);
    std::uint64_t shared_part(const Stream& stream) const;
    void send_open(Stream& stream);
    void send_reset(StreamId id, std::uint32_t code, std::string_view reason);
    bool next_frame(std::string& frame, std::size_t most);
    void add_row(std::string& message);
    std::size_t sendable(const Stream& stream) const;
    bool next_data(Stream& stream, std::string& frame);
    void finish_if_done(StreamId id);
    void lose(StreamId id);
    void drop(StreamId id);
    void shed();
    std::uint64_t shared_room() const;
    void count_out(std::uint64_t before, std::uint64_t after);
    bool ours(StreamId id) const { return (id % 2 == 1) == (role_ == Role::dialler); }

    Role role_;
    std::uint64_t life_;
    Limits limits_;
    StreamId next_id_;
    StreamId highest_seen_ = 0;   // of the peer's ids
    std::uint64_t peer_life_ = 0; // 0 before the first begin
    bool connected_ = false;
    bool begun_ = false;                // the peer's begin has come
    bool ready_ = false;                // the peer's resumed has come
    bool takes_rows_ = false;           // the peer
    std::uint64_t grown_ = 0;           // of Limits::total_window
    std::uint64_t unread_ = 0;          // of Limits::total_in
    std::uint64_t shared_out_ = 0;      // of Limits::total_out
    std::deque<StreamId> short_of_out_; // streams that wait for more of it
    std::map<StreamId, std::unique_ptr<Stream>> streams_;
    std::deque<std::string> greeting_; // begin, resume and resumed of ours
    std::deque<std::string> control_;  // open and reset
    std::deque<StreamId> acks_;        // streams with a window to tell
    std::deque<StreamId> turn_;        // streams with data or a close to send
    std::vector<Event> events_;
};

} // namespace fairlead::stream
