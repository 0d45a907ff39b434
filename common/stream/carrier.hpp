/// The streams that this side shares with one peer, for coroutines. Its connections come and go;
/// the streams stay.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task.hpp"
#include "common/stream/mux.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::stream {

class Carrier;

/// One end of one stream. One coroutine may read while another writes. A stream that is destroyed
/// before it was closed and read to its end is reset; otherwise what was written still goes out. It
/// may outlive its carrier, but not the executor's context.
class Stream {
public:
    Stream(Stream&&) noexcept = default;
    Stream& operator=(Stream&&) = delete;
    ~Stream();

    /// What the peer opened it with; empty for streams of ours.
    const std::string& text() const;

    /// The peer's code after a reset (ResetCode, or the application's from 100 on); 0 otherwise.
    std::uint32_t reset_code() const;

    /// The next bytes, at most `limit`; none when the peer has closed its direction. Waits while
    /// the connection is away. Errc::unavailable when the stream was reset or lost, with a `code`
    /// of `stream_reset` or `stream_lost` and the peer's sentence.
    Task<Result<std::string>> read(std::size_t limit = max_data_payload);

    /// Returns when all of it is taken, which is before it has arrived. Errors as for read(), and
    /// Errc::conflict after close().
    Task<Result<>> write(std::string_view bytes);

    /// Returns when nothing travels any more: both directions have ended and all has arrived, or
    /// the stream was reset or lost. Counts as a reader; only after read() has come to its end or
    /// failed.
    Task<> ended();

    /// Returns once it has failed: either side has reset it, or it was lost. Of one that ends well
    /// it never does. For who may be waiting for something else than the stream; counts as neither
    /// reader nor writer.
    Task<> failed();
    bool has_failed() const;

    /// What may lie here unread does not grow beyond this; at least Limits::initial_window.
    void limit_window(std::size_t most);

    /// Whether it goes on in both directions and nothing lies here unread.
    bool quiet() const;

    /// Nothing more will be written; the other direction goes on.
    void close();

    /// Ends both directions now. The first end counts.
    void reset(std::uint32_t code, std::string_view reason);

private:
    friend class Carrier;
    struct State;
    explicit Stream(std::shared_ptr<State> state) : state_(std::move(state)) {}

    std::shared_ptr<State> state_;
};

/// Costs next to nothing until the first stream. Single-threaded: everything happens on the
/// executor's thread.
class Carrier {
public:
    using Time = std::chrono::steady_clock::time_point;
    /// Takes a stream that the peer has opened. Called from receive(); must not wait.
    using Accept = std::function<void(Stream)>;

    /// Without `accept` what the peer opens is refused.
    Carrier(Executor executor, Role role, Limits limits = Limits(), Accept accept = {});
    Carrier(const Carrier&) = delete;
    /// Streams that are still there fail.
    ~Carrier();

    /// `text` says what for. Errc::unavailable while no connection is there, or at the limit;
    /// Errc::invalid for more than 4 KiB.
    Result<Stream> open(std::string_view text);

    /// A connection is there, the first or a new one. `wake` is called when next() has something,
    /// as the last thing that any call here or of a Stream does; it may call next() at once.
    void attach(std::function<void()> wake);
    /// It is gone. Streams wait for the next one until expire() or give_up().
    void detach(Time now);
    bool attached() const { return static_cast<bool>(wake_); }

    /// One binary message. Errc::invalid: end the connection.
    Result<> receive(std::string_view message);
    /// The next binary message to send; false when there is none.
    bool next(std::string& frame);
    bool has_next() const { return mux_ && mux_->has_next(); }

    /// Gives up when the connection has been away for longer than `patience`.
    void expire(Time now, std::chrono::milliseconds patience);
    /// Every stream fails with `stream_lost` and this reason.
    void give_up(std::string_view reason);

    std::size_t open_streams() const { return mux_ ? mux_->open_streams() : 0; }
    /// Whether anything was opened or announced since the last give_up().
    bool used() const { return mux_ != nullptr; }

private:
    friend class Stream;
    Mux& mux();
    Stream add(StreamId id, std::string text);
    void dispatch();
    void fail_stream(Stream::State& state, std::string code, std::string reason);
    void wake();

    Executor executor_;
    Role role_;
    Limits limits_;
    Accept accept_;
    std::function<void()> wake_; // set while a connection is there
    std::unique_ptr<Mux> mux_;   // made with the first stream
    std::map<StreamId, std::shared_ptr<Stream::State>> states_;
    Time away_since_{};
};

} // namespace fairlead::stream
