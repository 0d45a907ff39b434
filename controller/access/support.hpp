/// Support access: whoever runs the installation sees an organization's metadata, no more, and only
/// while one of its owners lets them.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/store/store.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/api/principal.hpp"
#include "controller/orgs/orgs.hpp"

#include <boost/describe.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::access {

struct SupportAccess {
    SupportId id;
    OrgId org_id;
    std::string org_name;
    std::string reason;
    std::string ticket; ///< "" where there is none
    Timestamp created_ms;
    UserId created_by;
    std::string created_by_email;
    Timestamp expires_ms;
    std::optional<Timestamp> ended_ms;
    std::optional<Timestamp> used_ms; ///< last
};
BOOST_DESCRIBE_STRUCT(
    SupportAccess, (),
    (id, org_id, org_name, reason, ticket, created_ms, created_by, created_by_email, expires_ms,
     ended_ms, used_ms)
)

class SupportRepo {
public:
    SupportRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    /// Ends the one before it; the oldest beyond 100 go.
    Result<> insert(const SupportAccess& access);
    Result<std::vector<SupportAccess>> list(std::string_view below, std::int64_t limit);
    Result<std::optional<SupportAccess>> open(Timestamp now);
    Result<> end(Timestamp now);
    Result<> used(const SupportId& id, Timestamp now);

private:
    store::Connection& db_;
    OrgId org_;
};

/// Names and states of one subject's things.
using Inventory =
    std::function<Result<boost::json::array>(store::Connection&, const api::OrgScope&)>;

/// What an operator sees. The organization's log, and the installation's, say each time that they
/// looked.
class Support {
public:
    struct Parts {
        store::Store& store;
        api::AuditLog& audit;
        std::vector<orgs::Counter> counters;
        Inventory servers, environments;
    };
    explicit Support(Parts parts) : parts_(std::move(parts)) {}

    /// Organizations that let support in now.
    Result<std::vector<SupportAccess>> open(Timestamp now);
    /// Errc::forbidden (support_not_granted, also where there is no such organization).
    Result<boost::json::object> look(const OrgId& org, const api::Actor& actor, Timestamp now);

    static constexpr auto longest = std::chrono::hours(7 * 24);

private:
    Result<boost::json::object> metadata(store::Connection& db, const api::OrgScope& scope);

    Parts parts_;
};

boost::json::object to_json(const SupportAccess& access, Timestamp now);

} // namespace fairlead::access
