/// What people are in organizations, for each request anew and mostly without the store.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/store/store.hpp"
#include "controller/access/rights.hpp"
#include "controller/orgs/plans.hpp"
#include "controller/orgs/standing.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace fairlead::access {

struct Member {
    orgs::Standing standing;
    std::shared_ptr<const Rights> rights;
    std::vector<std::string> addresses; ///< that members must come from; empty: any

    bool limited() const { return standing.limited && !standing.owner; }
};

/// Thread-safe. Kept is what somebody is as it stood after so many COMMITs. After one more it is
/// read again, so nothing that was changed is missed, whoever changed it; after a few seconds too,
/// as another process may have.
class Members {
public:
    Members(store::Store& store, const orgs::Plans& plans) : store_(store), plans_(plans) {}

    /// Null when the person is no member.
    Result<std::shared_ptr<const Member>> find(const OrgId& org, const UserId& user, Timestamp now);

private:
    struct Known {
        std::shared_ptr<const Member> member;
        std::uint64_t commits = 0;
        Timestamp read;
    };

    store::Store& store_;
    const orgs::Plans& plans_;
    std::mutex lock_;
    std::unordered_map<std::string, Known> known_; ///< by organization and user
};

} // namespace fairlead::access
