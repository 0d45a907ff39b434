/// Challenges through fairlead-egress.
#pragma once

#include "controller/egress/allow.hpp"
#include "controller/outbound/challenges.hpp"
#include "controller/outbound/egress_way.hpp"

namespace fairlead::outbound {

class EgressChallenges final : public Challenges {
public:
    /// `socket` as EgressWay has it; `allow`: the operator's exceptions.
    EgressChallenges(std::string socket, egress::Allow allow)
        : socket_(std::move(socket)), allow_(std::move(allow)), way_(socket_) {}

    Result<std::vector<std::string>> records(const std::string& host, Deadline deadline) override;
    Result<Answer>
    plain_file(const std::string& host, const std::string& token, Deadline deadline) override;

private:
    std::string socket_;
    egress::Allow allow_;
    EgressWay way_;
};

} // namespace fairlead::outbound
