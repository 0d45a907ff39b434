/// The way through fairlead-egress, which holds every connection against the rules once more.
#pragma once

#include "controller/outbound/way.hpp"

namespace fairlead::outbound {

class EgressWay final : public Way {
public:
    /// `socket`: of the egress program. Empty: there is none, and every call is "egress_missing".
    explicit EgressWay(std::string socket) : socket_(std::move(socket)) {}

    Result<std::vector<IpAddress>> addresses(const std::string& host, Deadline deadline) override;
    Result<Descriptor> connect(
        const egress::Place& place, const std::optional<IpAddress>& address, Deadline deadline
    ) override;

private:
    std::string socket_;
};

} // namespace fairlead::outbound
