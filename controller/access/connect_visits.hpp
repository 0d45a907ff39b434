/// What a Connect-As session may in the client's organization at this moment, for each request.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/store/store.hpp"
#include "controller/access/connect_token.hpp"
#include "controller/access/members.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>

namespace fairlead::access {

/// What a grant can give at most: nobody from outside decides who belongs to an organization, what
/// they may, how it is secured, or what it pays.
const Rights& connect_permissions();

/// What a grant gives: what the role says, or the list; with `limited`, what is about projects. Of
/// a built-in role all but logging in to Odoo, which has to be named.
Rights granted(
    const std::string& role, const std::optional<std::string>& role_permissions,
    const std::string& permissions, bool limited
);

struct Visit {
    /// The client, and what counts in it; `standing.limited` is the grant's.
    Member member;
    std::string agency_name;
    std::string over; ///< why it has ended; "" while it is open
    Timestamp expires;
};

/// Thread-safe. What is kept counts until something is committed, and for five seconds.
class ConnectVisits {
public:
    explicit ConnectVisits(store::Store& store) : store_(store) {}

    /// Null when there is no such session.
    Result<std::shared_ptr<const Visit>> find(const ConnectClaims& claims, Timestamp now);

private:
    struct Known {
        std::shared_ptr<const Visit> visit;
        std::uint64_t commits = 0;
        Timestamp read;
    };

    store::Store& store_;
    std::mutex lock_;
    std::unordered_map<std::string, Known> known_; ///< by session
};

} // namespace fairlead::access
