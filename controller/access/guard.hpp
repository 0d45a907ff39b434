/// The one place where a request's caller is identified and permitted.
#pragma once

#include "common/store/store.hpp"
#include "controller/access/rates.hpp"
#include "controller/access/rights.hpp"
#include "controller/access/sessions.hpp"
#include "controller/api/guard.hpp"
#include "controller/orgs/plans.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace fairlead::access {

/// The cookie that holds the session's token.
inline constexpr std::string_view cookie_name = "__Host-fairlead";

/// How long a proof counts for routes that step up.
inline constexpr auto elevation_lasts = std::chrono::minutes(15);

class Guard final : public api::Guard {
public:
    struct Parts {
        store::Store& store;
        Sessions& sessions;
        RateLimiter& rates;
        const orgs::Plans& plans;
        /// "https://fairlead.example:8443": where the console is reached, beside the Host of each
        /// request.
        std::vector<std::string> origins;
    };
    explicit Guard(Parts parts) : parts_(std::move(parts)) {}

    Result<std::optional<api::Principal>> admit(
        const api::Request& request, const api::Route& route, std::string_view org,
        std::optional<api::Rate>& rate
    ) override;
    bool knows(std::string_view permission) const override;

private:
    /// A browser says where a request comes from; somebody else's page must not act with the
    /// visitor's cookie.
    Result<> same_origin(const api::Request& request, bool needed) const;
    /// What somebody is in an organization, as it stood after so many COMMITs. After one more it is
    /// read again, so nothing that was changed is missed, whoever changed it; after a few seconds
    /// too, as another process may have.
    struct Known {
        orgs::Standing standing;
        std::shared_ptr<const Rights> rights;
        std::vector<std::string> addresses; ///< that members must come from; empty: any
        std::uint64_t commits = 0;
        Timestamp read;
    };
    using Membership = std::shared_ptr<const Known>;
    /// Null when the person is no member.
    Result<Membership> membership(const OrgId& org, const UserId& user, Timestamp now);

    /// Errc::not_found for organizations that are not the caller's, Errc::forbidden
    /// (permission_denied with the fact permission, plan_required, and what the organization asks
    /// of its members: sso_required, second_factor_required, address_not_allowed).
    Result<> authorize(
        api::Principal& principal, const Session& session, const api::Request& request,
        std::string_view org, const api::Route& route
    );
    Result<>
    org_rules(const Known& member, const Session& session, const api::Request& request) const;

    Parts parts_;
    std::mutex lock_;
    std::unordered_map<std::string, Membership> known_; ///< by organization and user
};

} // namespace fairlead::access
