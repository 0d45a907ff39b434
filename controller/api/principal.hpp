/// Who is calling, and the key to an organization's rows.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "common/runtime/result.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::api {

/// The only key to tenant tables: a repository cannot be constructed without one. Copies are cheap
/// and fine; making one out of nothing is what only `access` (after the permission check), the
/// gateway (after the client certificate) and tests may do, through ScopeIssuer.
class OrgScope {
public:
    const OrgId& org() const { return org_; }
    /// Whose rows of `project_limit` name the projects that are seen: a person's, a key's or a
    /// grant's id. "": every project.
    const std::string& limit() const { return limit_; }

private:
    friend class ScopeIssuer;
    OrgScope(OrgId org, std::string limit) : org_(std::move(org)), limit_(std::move(limit)) {}
    OrgId org_;
    std::string limit_;
};

/// Every use of this class is a place where isolation is decided; tests/style lists the allowed
/// ones.
class ScopeIssuer {
public:
    static OrgScope scope(OrgId org, std::string limit = {}) {
        return OrgScope(std::move(org), std::move(limit));
    }
    /// The log of the installation itself, which stands beside the organizations' under an id that
    /// none of them can have.
    static OrgScope installation() {
        return scope(OrgId::parse("org_00000000000000000000000000").value());
    }
};

/// Who acts, as audit entries keep it: the label is the e-mail or name as it was at that moment.
struct Actor {
    enum class Kind { user, key, server, system };
    Kind kind = Kind::system;
    std::string id; ///< empty for the system
    std::string label = "controller";
    std::string address;
    std::string user_agent;
    std::string request_id;
    std::string on_behalf_of{};    ///< the agency that somebody acts for in a client's organization
    std::string connect_session{}; ///< the Connect-As session of it
};

/// Somebody of an agency at work in a client's organization.
struct ConnectAs {
    ConnectId session;
    GrantId grant;
    OrgId agency;
    std::string agency_name;
};

/// How long a proof counts for what asks for one: x-step-up in the contract.
inline constexpr auto proof_lasts = std::chrono::minutes(15);

/// A caller that is known: a person with a session, or a key. Without `scope` no route of an
/// organization was asked for.
struct Principal {
    UserId user; ///< of a key: whoever made it
    std::string email;
    std::optional<SessionId> session; ///< of people
    std::optional<KeyId> key;         ///< of programs; then there is no session
    std::string key_name;
    std::optional<ConnectAs> connect;
    std::optional<Timestamp> until; ///< when the key or the Connect-As session is over, if ever
    std::optional<OrgScope> scope;
    bool owner = false;
    Timestamp elevated{}; ///< when a sensitive proof was given last in this session
    /// In the organization of `scope`; null: none. Shared: one is made for each request.
    std::shared_ptr<const std::set<std::string, std::less<>>> permissions;

    bool may(std::string_view permission) const {
        return permissions && permissions->contains(permission);
    }
    /// Errc::forbidden (step_up_required) unless a proof was given within proof_lasts; for keys too
    /// (session_required).
    Result<> proved_lately(Timestamp now) const;
    /// Who it is for buckets and idempotency keys: the key's id, else the person's.
    const std::string& id() const { return key ? key->str() : user.str(); }
    /// What ends its open streams when it ends: see EventSink::end_streams.
    std::vector<std::string> bonds() const;
    /// How long a stream that opens now may stay open; unset: for ever.
    std::optional<std::chrono::milliseconds> lasts(Timestamp now) const;
};

/// The bond of a member's streams in an organization.
std::string bond_of(const OrgId& org, const UserId& user);
/// The bond of all streams that Connect-As sessions have open in an organization.
std::string bond_of_visits(const OrgId& org);

} // namespace fairlead::api
