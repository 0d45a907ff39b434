/// Connect-As: somebody of an agency works in a client's organization, for an hour at most, under
/// their own name.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/secret.hpp"
#include "common/store/store.hpp"
#include "controller/access/connect_repo.hpp"
#include "controller/access/connect_token.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/api/events.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::access {

struct OpenedConnect {
    ConnectSession session;
    Secret token;
};

/// Opens and ends sessions. Both logs get their entry in the transaction that opens or ends one:
/// where one of them cannot be written, nothing happens. There is no other way to a session.
/// Thread-safe. What an end changes counts for the very next request; open streams end with it.
class Connect {
public:
    struct Parts {
        store::Store& store;
        const ConnectTokens& tokens;
        api::AuditLog& audit;
        api::EventSink& events;
    };
    explicit Connect(Parts parts) : parts_(parts) {}

    /// `actor` is somebody of the agency who may use Connect-As. Errc::not_found for grants of
    /// others, Errc::forbidden (connect_grant_over, connect_switched_off, connect_restricted),
    /// Errc::conflict (too_many_connect_sessions).
    Result<OpenedConnect> open(
        store::UnitOfWork& unit, const api::OrgScope& agency, const api::Principal& who,
        const api::Actor& actor, const GrantId& grant, std::string_view reason, Timestamp now
    );

    /// `from` is the organization whose member `actor` is: the other one's log does not get their
    /// address. Nothing happens when it is over already.
    Result<>
    end(store::UnitOfWork& unit, const ConnectSession& session, std::string_view because,
        const OrgId& from, const api::Actor& actor, Timestamp now);
    /// Whoever is in a session leaves it.
    Result<> leave(const ConnectClaims& claims, const api::Actor& actor, Timestamp now);
    /// By either side, with all sessions that are open; an agency declines in this way. `actor` is
    /// somebody of `from`. Errc::not_found. False when it was revoked already.
    Result<bool> revoke(
        store::UnitOfWork& unit, const api::OrgScope& from, const GrantId& grant,
        const api::Actor& actor, Timestamp now
    );
    /// All that are open into or out of an organization: it was switched off there.
    Result<> end_all(
        store::UnitOfWork& unit, const api::OrgScope& from, const api::Actor& actor, Timestamp now
    );
    /// Those of somebody of this agency, who may not use it any more.
    Result<> end_those_of(
        store::UnitOfWork& unit, const api::OrgScope& agency, const UserId& user, Timestamp now
    );
    /// Those that were opened in browser sessions that end.
    Result<>
    signed_out(store::UnitOfWork& unit, const std::vector<SessionId>& sessions, Timestamp now);

    /// Ends those whose time is over, and those whose ground is gone: the grant, a switch, the
    /// membership, the browser session. Every few seconds.
    Result<> tidy(Timestamp now);

    static constexpr auto longest = std::chrono::minutes(60);
    static constexpr std::int64_t most_of_one = 20;
    static constexpr auto kept = std::chrono::hours(24 * 400);

private:
    void record(
        store::UnitOfWork& unit, const ConnectSession& session, std::string action,
        const OrgId& from, api::Actor actor, boost::json::object facts
    );

    Parts parts_;
};

} // namespace fairlead::access
