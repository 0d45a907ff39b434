/// Who is calling, and the key to an organization's rows.
#pragma once

#include "common/runtime/id.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>

namespace fairlead::api {

/// The only key to tenant tables: a repository cannot be constructed without one. Copies are cheap
/// and fine; making one out of nothing is what only `access` (after the permission check), the
/// gateway (after the client certificate) and tests may do, through ScopeIssuer.
class OrgScope {
public:
    const OrgId& org() const { return org_; }

private:
    friend class ScopeIssuer;
    explicit OrgScope(OrgId org) : org_(std::move(org)) {}
    OrgId org_;
};

/// Every use of this class is a place where isolation is decided; tests/style lists the allowed
/// ones.
class ScopeIssuer {
public:
    static OrgScope scope(OrgId org) { return OrgScope(std::move(org)); }
};

/// Who acts, as audit entries keep it: the label is the e-mail or name as it was at that moment.
struct Actor {
    enum class Kind { user, server, system };
    Kind kind = Kind::system;
    std::string id; ///< empty for the system
    std::string label = "controller";
    std::string address;
    std::string user_agent;
    std::string request_id;
};

/// A signed-in caller. Without `scope` no route of an organization was asked for.
struct Principal {
    UserId user;
    std::string email;
    SessionId session;
    std::optional<OrgScope> scope;
    bool owner = false;
    /// In the organization of `scope`; null: none. Shared: one is made for each request.
    std::shared_ptr<const std::set<std::string, std::less<>>> permissions;

    bool may(std::string_view permission) const {
        return permissions && permissions->contains(permission);
    }
};

} // namespace fairlead::api
