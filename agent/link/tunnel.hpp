/// The agent's end of streams: bytes between the link and ports of environments on this server.
#pragma once

#include "agent/link/stream_keys.hpp"
#include "common/async/task_group.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"
#include "common/stream/carrier.hpp"
#include "proto/messages.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::link {

/// Outlives links: a short cut interrupts no transfer. A stream is opened by a capability alone
/// (stream_keys.hpp), and reaches what the executor's last inventory named, on 127.0.0.1, and
/// nothing else, whatever the controller asks for. Single-threaded.
class Tunnel {
public:
    /// `server` is our own id; `clock` outlives the tunnel.
    Tunnel(Executor executor, std::string server, const Clock& clock);

    /// What can be reached from now on. Streams that are open to what cannot be reached any more
    /// end.
    void take(const proto::Inventory& inventory);

    /// The keys that count from now on; when they make no sense none does, and the log says so.
    /// What was opened under another one ends.
    void take(const proto::TunnelKeys& keys);
    /// The same for keys that the policy pins.
    void pin(std::optional<std::vector<std::string>> keys);

    /// For the link.
    stream::Carrier& streams() { return streams_; }

    /// Gives streams up that wait too long for a link. Runs until it is cancelled, and then ends
    /// everything that is open.
    Task<> run();

private:
    struct Passage;
    struct Refusal;
    struct Goal;
    void accept(stream::Stream stream);
    Task<> serve(stream::Stream stream);
    tl::expected<Goal, Refusal> goal_of(std::string_view text);
    std::optional<Refusal> refusal_of(const Goal& goal) const;
    void end_what_may_not_stay();
    bool offers(const std::string& environment, std::uint16_t port) const;

    Executor executor_;
    const Clock& clock_;
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    StreamKeys keys_;
    std::map<std::string, std::vector<std::uint16_t>> doors_; // by environment
    std::vector<Passage*> passages_;                          // what serve() has open
    TaskGroup children_;
    stream::Carrier streams_;
};

} // namespace fairlead::link
