/// The agent's end of streams: bytes between the link and ports of environments on this server.
#pragma once

#include "common/async/task_group.hpp"
#include "common/runtime/result.hpp"
#include "common/stream/carrier.hpp"
#include "proto/messages.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::link {

/// Outlives links: a short cut interrupts no transfer. What can be reached is what the executor's
/// last inventory named, on 127.0.0.1, and nothing else, whatever the controller asks for.
/// Single-threaded.
class Tunnel {
public:
    explicit Tunnel(Executor executor);

    /// What can be reached from now on. Streams that are open to what cannot be reached any more
    /// end.
    void take(const proto::Inventory& inventory);

    /// The port that a stream was opened for. Errc::invalid when `purpose` is not understood,
    /// Errc::forbidden when this server does not offer the port.
    Result<std::uint16_t> port_for(std::string_view purpose) const;

    /// For the link.
    stream::Carrier& streams() { return streams_; }

    /// Gives streams up that wait too long for a link. Runs until it is cancelled, and then ends
    /// everything that is open.
    Task<> run();

private:
    struct Passage;
    void accept(stream::Stream stream);
    Task<> serve(stream::Stream stream);
    bool offers(const std::string& environment, std::uint16_t port) const;

    Executor executor_;
    std::map<std::string, std::vector<std::uint16_t>> doors_; // by environment
    std::vector<Passage*> passages_;                          // what serve() has open
    TaskGroup children_;
    stream::Carrier streams_;
};

} // namespace fairlead::link
