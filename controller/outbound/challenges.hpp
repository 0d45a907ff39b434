/// What proves host names, looked for outside by the egress program alone. Blocking, for worker
/// threads.
#pragma once

#include "controller/outbound/outbound.hpp"
#include "controller/outbound/way.hpp"

#include <string>
#include <vector>

namespace fairlead::outbound {

/// Thread-safe, over at the deadline. Codes: "egress_missing", "outbound_busy",
/// "outbound_unreachable".
class Challenges {
public:
    virtual ~Challenges() = default;
    /// The TXT records of `_fairlead-challenge.<host>` that begin with `fairlead-domain=`; empty
    /// when the name servers say that there are none. "resolver_failed": they say neither.
    virtual Result<std::vector<std::string>>
    records(const std::string& host, Deadline deadline) = 0;
    /// `http://host/.well-known/fairlead-challenge/token`: its status and the first 512 bytes of
    /// its body. "address_refused": leads to what is not on the internet.
    virtual Result<Answer>
    plain_file(const std::string& host, const std::string& token, Deadline deadline) = 0;
};

} // namespace fairlead::outbound
