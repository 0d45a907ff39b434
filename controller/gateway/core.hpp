/// What links ask of the plain core. Synchronous, called on worker threads; for one link one call
/// at a time, in the order of its messages. Messages are texts: sockets and JSON do not meet.
#pragma once

#include "common/net/peer.hpp"
#include "common/runtime/id.hpp"
#include "common/runtime/result.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::gateway {

/// One link as the core sees it, from its certificate on.
class LinkState {
public:
    explicit LinkState(ServerId id) : server(std::move(id)) {}
    virtual ~LinkState() = default;

    /// Tells it from other links of the server; from its hello on.
    virtual std::string_view id() const = 0;
    /// The smaller of both sides' numbers, from its hello on.
    virtual std::uint32_t protocol() const = 0;

    ServerId server;
};

/// What to send. It is durable already.
struct Replies {
    Replies() = default;

    std::vector<std::string> messages;
};

/// After an error the link ends; the error's code and message are what the agent is told.
class AgentCore {
public:
    virtual ~AgentCore() = default;

    virtual Result<std::unique_ptr<LinkState>> identify(const net::PeerCertificate& certificate
    ) = 0;
    virtual Result<Replies> hello(LinkState& link, std::string_view text) = 0;
    virtual Result<Replies> message(LinkState& link, std::string_view text) = 0;
    /// What there is goes to Hub::send. True: ask again when that is sent.
    virtual Result<bool> due(LinkState& link) = 0;
    /// Once for each link that identify() let in, whatever became of it.
    virtual void closed(LinkState& link) = 0;

    /// The text of `refused`.
    virtual std::string refusal(std::string_view code, std::string_view message) = 0;
};

} // namespace fairlead::gateway
