/// The SQL of Connect-As: what clients granted to agencies, and the sessions in which agencies
/// work.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "controller/orgs/plans.hpp"

#include <boost/describe.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::access {

/// With the names of both organizations as they are now.
struct ConnectGrant {
    GrantId id;
    OrgId org_id; ///< the client, who gave it
    std::string org_name;
    OrgId agency_id;
    std::string agency_name;
    std::string role;                            ///< of the client; "": the permissions below
    std::string role_name;                       ///< "" without a role
    std::optional<std::string> role_permissions; ///< of a custom role: JSON list
    std::string permissions = "[]";              ///< JSON list
    bool limited = false;                        ///< to the projects of `project_limit`
    std::string note;
    Timestamp expires_ms;
    Timestamp created_ms;
    UserId created_by;
    std::string created_by_email;
    std::optional<Timestamp> revoked_ms;

    bool open(Timestamp now) const { return !revoked_ms && now < expires_ms; }
};
BOOST_DESCRIBE_STRUCT(
    ConnectGrant, (),
    (id, org_id, org_name, agency_id, agency_name, role, role_name, role_permissions, permissions,
     limited, note, expires_ms, created_ms, created_by, created_by_email, revoked_ms)
)

struct ConnectSession {
    ConnectId id;
    GrantId grant_id;
    OrgId org_id; ///< the client
    std::string org_name;
    OrgId agency_id;
    std::string agency_name;
    UserId user_id;
    std::string user_email; ///< as it was
    SessionId session_id;
    std::string reason;
    Timestamp started_ms;
    Timestamp expires_ms;
    std::optional<Timestamp> ended_ms;
    std::string ended_because; ///< "" while it is open
};
BOOST_DESCRIBE_STRUCT(
    ConnectSession, (),
    (id, grant_id, org_id, org_name, agency_id, agency_name, user_id, user_email, session_id,
     reason, started_ms, expires_ms, ended_ms, ended_because)
)

/// What one organization sees: as the client what it gave, as the agency what it was given.
class ConnectRepo {
public:
    ConnectRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    /// As the client. Old ones that are over make room for it.
    Result<> insert(const ConnectGrant& grant);
    Result<std::vector<ConnectGrant>> given(std::string_view below, std::int64_t limit);
    /// Grants that are open now.
    Result<std::int64_t> count_open(Timestamp now);
    /// As the agency.
    Result<std::vector<ConnectGrant>> received(std::string_view below, std::int64_t limit);
    /// As either.
    Result<ConnectGrant> grant(const GrantId& id);
    Result<> revoke(const GrantId& id, Timestamp now);
    Result<std::vector<ProjectId>> projects(const ConnectGrant& grant);
    Result<> limit_to(const GrantId& id, const std::vector<ProjectId>& projects);

    /// As the agency.
    Result<> insert(const ConnectSession& session);
    Result<std::int64_t> count_open(const UserId& user);
    /// As either; `grant` "": of all.
    Result<std::vector<ConnectSession>>
    sessions(std::string_view below, std::int64_t limit, bool open_only);
    Result<ConnectSession> session(const ConnectId& id);
    Result<std::vector<ConnectSession>> open_sessions(const GrantId& grant);
    Result<std::vector<ConnectSession>> open_sessions();
    /// False when it was over already.
    Result<bool> end(const ConnectId& id, std::string_view because, Timestamp now);

    static constexpr std::int64_t most_read = 1000;

private:
    store::Connection& db_;
    OrgId org_;
};

/// The organization that is meant by an id or a slug.
struct NamedOrg {
    OrgId id;
    std::string name;
    std::string slug;
};
BOOST_DESCRIBE_STRUCT(NamedOrg, (), (id, name, slug))
Result<std::optional<NamedOrg>> org_named(store::Connection& db, std::string_view id_or_slug);

/// Both ends of a grant as they stand: whether each lets Connect-As happen.
struct BothEnds {
    bool client_on = true;
    bool agency_on = true;
    bool member_may = true; ///< of the agency's member
};
BOOST_DESCRIBE_STRUCT(BothEnds, (), (client_on, agency_on, member_may))
Result<BothEnds> both_ends(store::Connection& db, const ConnectGrant& grant, const UserId& user);

/// Open sessions that must not go on, of all organizations, with why in `ended_because`.
Result<std::vector<ConnectSession>> connect_sessions_over(store::Connection& db, Timestamp now);
/// Open sessions of a person's browser session.
Result<std::vector<ConnectSession>>
connect_sessions_of(store::Connection& db, const SessionId& session);
/// Forgets what ended long ago; the audit logs keep it.
Result<> forget_connect_sessions(store::Connection& db, Timestamp before);

} // namespace fairlead::access
