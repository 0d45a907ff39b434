/// What Mux knows of one stream; for the files of Mux alone.
#pragma once

#include "common/stream/bytes.hpp"
#include "common/stream/mux.hpp"

#include <cstdint>

namespace fairlead::stream {

struct Mux::Stream {
    explicit Stream(StreamId number) : id(number) {}

    std::uint64_t sent_end() const { return acked + out.size(); } // of what was written

    StreamId id;
    std::string text;       // of open, until the peer has answered for the stream
    bool announced = false; // open was given to a connection, perhaps to one that was lost
    bool peer_knows = false;
    bool named = false; // by the peer's resume on this connection

    Bytes out; // from `acked` on
    std::uint64_t acked = 0;
    std::uint64_t sent = 0;
    std::uint64_t limit = 0; // how far the peer lets us send
    bool wants_close = false, close_sent = false, close_acked = false;
    bool write_fell_short = false;
    bool waits_for_shared = false; // in short_of_out_

    Bytes in; // arrived and not read
    std::uint64_t arrived = 0;
    std::uint64_t granted = 0; // as told to the peer
    std::uint64_t told = 0;    // of `arrived`
    std::size_t window = 0;
    std::size_t most_window = SIZE_MAX; // or Limits::max_window, whichever is less
    bool peer_blocked = false, peer_closed = false;

    bool in_turn = false, in_acks = false;
};

} // namespace fairlead::stream
