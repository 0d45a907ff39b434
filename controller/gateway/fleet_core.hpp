/// The gateway's core made of the subjects: messages are decoded and handed to fleet's
/// AgentService.
#pragma once

#include "controller/audit/witnesses.hpp"
#include "controller/fleet/agent_service.hpp"
#include "controller/gateway/core.hpp"

namespace fairlead::gateway {

/// Thread-safe.
class FleetCore final : public AgentCore {
public:
    FleetCore(fleet::AgentService& service, audit::Witnesses& witnesses)
        : service_(service), witnesses_(witnesses) {}

    Result<std::unique_ptr<LinkState>> identify(const net::PeerCertificate& certificate) override;
    Result<Replies> hello(LinkState& link, std::string_view text) override;
    Result<Replies> message(LinkState& link, std::string_view text) override;
    Result<bool> due(LinkState& link) override;
    void closed(LinkState& link) override;
    std::string refusal(std::string_view code, std::string_view message) override;

private:
    fleet::AgentService& service_;
    audit::Witnesses& witnesses_;
};

} // namespace fairlead::gateway
