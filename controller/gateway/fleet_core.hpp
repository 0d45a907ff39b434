/// The gateway's core made of the subjects: messages are decoded and handed to fleet's
/// AgentService.
#pragma once

#include "controller/audit/witnesses.hpp"
#include "controller/fleet/agent_service.hpp"
#include "controller/gateway/core.hpp"
#include "controller/install/packages.hpp"
#include "controller/tunnels/tunnel_keys.hpp"

namespace fairlead::gateway {

/// Thread-safe.
class FleetCore final : public AgentCore {
public:
    struct Parts {
        fleet::AgentService& service;
        audit::Witnesses& witnesses;
        tunnels::TunnelKeys& tunnel_keys;
        operations::Links& links;
        const install::Packages& packages;
    };
    explicit FleetCore(const Parts& parts) : parts_(parts) {}

    Result<std::unique_ptr<LinkState>> identify(const net::PeerCertificate& certificate) override;
    Result<Replies> hello(LinkState& link, std::string_view text) override;
    Result<Replies> message(LinkState& link, std::string_view text) override;
    Result<bool> due(LinkState& link) override;
    void closed(LinkState& link) override;
    std::string refusal(std::string_view code, std::string_view message) override;

private:
    Result<proto::TunnelKeys> tunnel_keys(LinkState& link);

    Parts parts_;
};

} // namespace fairlead::gateway
