/// The live links, one for each connected server.
#pragma once

#include "common/async/task.hpp"
#include "common/async/worker_pool.hpp"
#include "common/net/websocket.hpp"
#include "common/stream/carrier.hpp"
#include "controller/gateway/core.hpp"
#include "controller/operations/links.hpp"
#include "proto/messages.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace fairlead::gateway {

class Session;

struct HubOptions {
    HubOptions() {
        streams.streams = proto::most_streams;
        streams.unsent = 64 * 1024;
        streams.own_out = 16 * 1024;
        streams.budget = std::make_shared<stream::Budget>(256ull * 1024 * 1024);
    }

    /// From the WebSocket to the agent's hello; looked at every look_every.
    std::chrono::milliseconds hello_time{10'000};
    std::chrono::milliseconds ping_after{15'000};    ///< of silence
    std::chrono::milliseconds give_up_after{45'000}; ///< of silence
    std::chrono::milliseconds look_every{5'000};     ///< how often silence is looked for
    std::size_t queue_bytes =
        4 * 1024 * 1024; ///< waiting for one agent; beyond it the link ends: 4006
    /// That streams wait for a server's next link before they are given up.
    std::chrono::milliseconds stream_patience{60'000};
    stream::Limits streams; ///< of one server, but for the budget, which is of all
};

/// Everything happens on the executor's thread, but for what Links has, which anybody may call.
/// The core, the pool and the hub outlive every link: stop the listener and wait for it first.
class Hub final : public operations::Links {
public:
    Hub(Executor executor, WorkerPool& pool, AgentCore& core, HubOptions options = HubOptions());
    ~Hub() override;

    /// The listener's AgentHandler: one link from its first message to its end.
    Task<> serve(net::WebSocket socket);

    /// Looks after silent links. Runs until it is cancelled.
    Task<> watch();

    /// A byte stream to the server's agent; `text` says what for, which agents know from protocol
    /// `since` on. On the executor's thread alone, as all use of the stream. It goes on over the
    /// server's next links. Errc::unavailable with the codes `server_offline`, `agent_too_old` and
    /// `too_many_streams`.
    Result<stream::Stream> open_stream(
        const ServerId& server, std::string_view text, std::uint32_t since = proto::streams_since
    );

    void send(const ServerId& server, std::string link, std::vector<std::string> messages) override;
    void wake(const ServerId& server) override;
    void cut(const ServerId& server, std::string code, std::string message) override;

    /// Thread-safe.
    std::size_t online() const { return online_.load(std::memory_order_relaxed); }

private:
    friend class Session;
    void attach(Session& session);
    void detach(Session& session);
    stream::Carrier& streams_of(Session& session);
    stream::Carrier* known_streams(const Session& session);

    Executor executor_;
    WorkerPool& pool_;
    AgentCore& core_;
    HubOptions options_;
    std::unordered_map<std::string, Session*> sessions_;
    /// Of servers that have used streams; they outlive sessions.
    std::unordered_map<std::string, std::unique_ptr<stream::Carrier>> carriers_;
    std::atomic<std::size_t> online_ = 0;
};

/// The WebSocket close code for a `refused` code (proto/README.md section 7).
std::uint16_t close_code(std::string_view code);

} // namespace fairlead::gateway
