#include "controller/access/guard.hpp"

#include "common/json/json.hpp"
#include "controller/access/address_list.hpp"
#include "controller/access/permissions.hpp"
#include "controller/orgs/standing.hpp"

#include <algorithm>
#include <chrono>

namespace fairlead::access {
namespace {

constexpr auto reread_after = std::chrono::seconds(5);
constexpr std::size_t most_known = 20'000;

bool changes_nothing(api::Method method) {
    return method == api::Method::get || method == api::Method::head;
}

tl::unexpected<Error> other_site() {
    return fail(
        Error(
            Errc::forbidden,
            "This request does not come from the controller's own pages. Programs send the header "
            "\"Origin\" with the controller's address."
        )
            .with_code("cross_site_request")
    );
}

tl::unexpected<Error> refused(std::string code, std::string message) {
    return fail(Error(Errc::forbidden, std::move(message)).with_code(std::move(code)));
}

} // namespace

bool Guard::knows(std::string_view permission) const {
    return permission == api::open_to_all || permission == api::signed_in ||
           permission == api::owners_alone || is_permission(permission);
}

Result<> Guard::same_origin(const api::Request& request, bool needed) const {
    if (changes_nothing(request.method)) return {};
    auto site = request.header("sec-fetch-site");
    if (!site.empty()) {
        if (site == "same-origin") return {};
        return other_site();
    }
    auto origin = request.header("origin");
    if (origin.empty()) {
        if (needed) return other_site();
        return {};
    }
    // The Host of a browser's request is the name in its address bar; another site's Origin differs
    // from it.
    auto host = request.header("host");
    bool own =
        (!host.empty() && origin == "https://" + std::string(host)) ||
        std::find(parts_.origins.begin(), parts_.origins.end(), origin) != parts_.origins.end();
    if (!own) return other_site();
    return {};
}

Result<Guard::Membership> Guard::membership(const OrgId& org, const UserId& user, Timestamp now) {
    auto key = org.str() + user.str();
    // Before the read: a COMMIT during it counts as later.
    auto commits = parts_.store.commits();
    {
        std::lock_guard held(lock_);
        auto found = known_.find(key);
        if (found != known_.end() && found->second->commits == commits &&
            now - found->second->read < reread_after)
            return found->second;
    }
    FAIRLEAD_TRY(row, parts_.store.read([&](store::Connection& db) {
        return orgs::standing_of(db, org, user);
    }));
    if (!row) {
        std::lock_guard held(lock_);
        known_.erase(key);
        return Membership();
    }
    auto known = std::make_shared<Known>();
    known->standing = *std::move(row);
    known->rights = rights_of(
        known->standing, parts_.plans.has(known->standing.plan, orgs::feature::granular_permissions)
    );
    FAIRLEAD_TRY(
        addresses,
        json::decode<std::vector<std::string>>(known->standing.addresses, json::Strictness::lenient)
    );
    known->addresses = std::move(addresses);
    known->commits = commits;
    known->read = now;
    std::lock_guard held(lock_);
    if (known_.size() >= most_known) known_.clear();
    return known_[key] = std::move(known);
}

Result<>
Guard::org_rules(const Known& member, const Session& session, const api::Request& request) const {
    const auto& asked = member.standing;
    if (!member.addresses.empty() && !holds(member.addresses, request.address))
        return refused(
            "address_not_allowed", "\"" + asked.org_name +
                                       "\" is entered from certain addresses alone, and " +
                                       request.address + " is not one of them."
        );
    if (!asked.sso_required.empty() && session.issuer != asked.sso_required)
        return fail(Error(
                        Errc::forbidden,
                        "\"" + asked.org_name + "\" asks its members to sign in with " +
                            asked.sso_required + ". Sign out, and in again with it."
        )
                        .with_code("sso_required")
                        .with_fact("provider", asked.sso_required));
    if (asked.two_factor_required && !session.second_factor)
        return refused(
            "second_factor_required_here",
            "\"" + asked.org_name +
                "\" asks its members for a second factor. Add one in your account, and sign in "
                "with it."
        );
    return {};
}

Result<> Guard::authorize(
    api::Principal& principal, const Session& session, const api::Request& request,
    std::string_view org, const api::Route& route
) {
    FAIRLEAD_TRY(id, OrgId::parse(org));
    FAIRLEAD_TRY(member, membership(id, principal.user, request.at));
    if (!member) return fail(Errc::not_found, "There is no such organization.");
    FAIRLEAD_CHECK(org_rules(*member, session, request));
    const auto& standing = member->standing;
    principal.owner = standing.owner;
    principal.permissions = member->rights;
    if (route.permission == api::owners_alone) {
        if (!principal.owner)
            return refused("owner_required", "Only an owner of the organization can do this.");
    } else if (!principal.may(route.permission)) {
        return fail(Error(
                        Errc::forbidden,
                        "This needs the permission " + route.permission + ", which the role \"" +
                            standing.role_name +
                            "\" does not hold. An administrator of the organization can "
                            "change that."
        )
                        .with_code("permission_denied")
                        .with_fact("permission", route.permission));
    }
    if (!route.marks.feature.empty())
        FAIRLEAD_CHECK(parts_.plans.require(standing.plan, route.marks.feature));
    principal.scope = api::ScopeIssuer::scope(
        std::move(id), standing.limited && !standing.owner ? principal.user.str() : std::string()
    );
    return {};
}

Result<std::optional<api::Principal>> Guard::admit(
    const api::Request& request, const api::Route& route, std::string_view org,
    std::optional<api::Rate>& rate
) {
    if (route.permission == api::open_to_all) {
        // Agents and curl call these too; but another site must not sign a visitor in or out.
        FAIRLEAD_CHECK(same_origin(request, false));
        return std::optional<api::Principal>();
    }
    FAIRLEAD_TRY(session, parts_.sessions.use(request.cookie(cookie_name), request.at));
    FAIRLEAD_CHECK(same_origin(request, true));
    auto kind =
        changes_nothing(request.method) ? RateLimiter::Kind::read : RateLimiter::Kind::write;
    FAIRLEAD_CHECK(parts_.rates.take(session.id.str(), kind, request.at, rate));

    api::Principal principal;
    principal.user = session.user_id;
    principal.email = session.email;
    principal.session = session.id;
    principal.elevated = session.elevated;
    if (route.permission != api::signed_in)
        FAIRLEAD_CHECK(authorize(principal, session, request, org, route));
    if (route.marks.step_up && request.at - session.elevated >= elevation_lasts)
        return refused(
            "step_up_required",
            "Prove once more that it is you: this needs a second factor, or the password where the "
            "account has none, given within the last 15 minutes."
        );
    return std::optional(std::move(principal));
}

} // namespace fairlead::access
