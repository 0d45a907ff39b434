/// The one place where a request's caller is identified and permitted.
#pragma once

#include "common/store/store.hpp"
#include "controller/access/connect_visits.hpp"
#include "controller/access/keys.hpp"
#include "controller/access/members.hpp"
#include "controller/access/rates.hpp"
#include "controller/access/refusals.hpp"
#include "controller/access/sessions.hpp"
#include "controller/api/guard.hpp"
#include "controller/orgs/plans.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::access {

/// The cookie that holds the session's token.
inline constexpr std::string_view cookie_name = "__Host-fairlead";

/// How long a proof counts for routes that step up.
inline constexpr auto elevation_lasts = api::proof_lasts;

/// A request with "Authorization: Bearer" is that key's, whatever cookies it has; others are those
/// of a person with a session. Where the person is no member, or says so by a header, a Connect-As
/// token opens the organization.
class Guard final : public api::Guard {
public:
    struct Parts {
        store::Store& store;
        Sessions& sessions;
        RateLimiter& rates;
        const orgs::Plans& plans;
        const ConnectTokens& tokens;
        ConnectVisits& visits;
        /// "https://fairlead.example:8443": where the console is reached, beside the Host of each
        /// request.
        std::vector<std::string> origins;
    };
    explicit Guard(Parts parts);

    Result<std::optional<api::Principal>> admit(
        const api::Request& request, const api::Route& route, std::string_view org,
        std::optional<api::Rate>& rate
    ) override;
    bool knows(std::string_view permission) const override;

private:
    /// A browser says where a request comes from; somebody else's page must not act with the
    /// visitor's cookie.
    Result<> same_origin(const api::Request& request, bool needed, bool for_socket = false) const;

    Result<api::Principal> person(
        const api::Request& request, const api::Route& route, std::string_view org,
        std::optional<api::Rate>& rate
    );
    /// What a member may; Errc::not_found for organizations that are not the caller's.
    /// Errc::forbidden (operator_required).
    Result<> look_after(api::Principal& principal);
    Result<> enter(
        api::Principal& principal, const Session& session, const api::Request& request,
        std::string_view org, const api::Route& route
    );

    /// What somebody of an agency may in a client's organization. Errc::not_found without a token
    /// for it, Errc::unauthenticated (connect_invalid, connect_ended).
    Result<> visit(
        api::Principal& principal, const Session& session, const api::Request& request,
        const OrgId& org, const api::Route& route
    );

    Result<api::Principal> program(
        std::string_view token, const api::Request& request, const api::Route& route,
        std::string_view org, std::optional<api::Rate>& rate
    );
    /// What a key may: never more than its maker at this moment.
    Result<> unlock(
        api::Principal& principal, const KeyInUse& key, const api::Request& request,
        const api::Route& route
    );

    /// The organization's addresses, and what it asks of sessions. Errc::forbidden
    /// (address_not_allowed, sso_required, second_factor_required_here).
    static Result<> addresses_allow(const Member& member, const api::Request& request);
    static Result<> session_suffices(const Member& member, const Session& session);
    /// Errc::forbidden (permission_denied with the fact permission, owner_required, plan_required).
    /// `who` says whose permissions they are: `the role "developer"`.
    Result<> permit(
        const api::Principal& principal, const api::Route& route, orgs::Plan plan,
        const std::string& who
    ) const;

    Parts parts_;
    Members members_;
    Keys keys_;
    Refusals refusals_;
};

} // namespace fairlead::access
