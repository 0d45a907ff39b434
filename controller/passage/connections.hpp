/// Bytes between WebSockets and the sshd of servers, for native ssh.
#pragma once

#include "common/async/task.hpp"
#include "common/async/task_group.hpp"
#include "common/async/worker_pool.hpp"
#include "common/net/websocket.hpp"
#include "common/runtime/clock.hpp"
#include "common/stream/carrier.hpp"
#include "controller/api/response.hpp"
#include "controller/passage/ended_bonds.hpp"
#include "controller/passage/journal.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::passage {

struct ConnectionLimits {
    ConnectionLimits() = default;

    std::size_t of_caller = 16; ///< a person or a key
    std::size_t of_server = 64;
    std::size_t of_all = 1024;
    std::chrono::milliseconds ping_after{20'000};     ///< of nothing to say
    std::chrono::milliseconds give_up_after{120'000}; ///< of silence, while we listen
};

/// Why a connection is over; README.md has the words.
struct End {
    std::uint16_t code = 0;
    std::string reason;
};

/// What a reset of the server's side means. `code` is proto::StreamEnd's, 0 where it was lost.
End end_of_reset(std::uint32_t code);

/// All of it on the executor's thread, but for what says otherwise.
class Connections {
public:
    using Offer = std::shared_ptr<const api::SocketOffer>;
    /// A stream to the sshd of the offer's server. Errc::unavailable with a code.
    using Opener = std::function<Task<Result<stream::Stream>>(Offer)>;
    struct Parts {
        Executor executor;
        WorkerPool& pool;
        const Clock& clock;
        Journal& journal;
        Opener opener;
    };
    explicit Connections(Parts parts, ConnectionLimits limits = ConnectionLimits())
        : parts_(std::move(parts)), limits_(limits) {}
    Connections(const Connections&) = delete;

    /// One connection, until it ends.
    Task<> serve(Offer offer, net::WebSocket socket);

    /// Whoever had this bond may not any more what they could: theirs end. Thread-safe.
    void end_bond(const std::string& bond);

    std::size_t open() const { return open_.size(); }
    /// Nothing, or why there is no room for one more.
    std::optional<End> room_for(const api::SocketOffer& offer) const;

private:
    struct Open;
    Task<> converse(Open& open);
    Task<> pass(Open& open, stream::Stream& stream);
    Task<> inward(Open& open, stream::Stream& stream);
    Task<> outward(Open& open, stream::Stream& stream);
    Task<> end_in_time(Open& open);
    Task<> write_end(Open& open);

    Parts parts_;
    ConnectionLimits limits_;
    std::vector<Open*> open_;
    EndedBonds ended_;
};

} // namespace fairlead::passage
