#include "controller/access/guard.hpp"

#include "controller/access/permissions.hpp"
#include "controller/orgs/orgs.hpp"

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

} // namespace

bool Guard::knows(std::string_view permission) const {
    return permission == api::open_to_all || permission == api::signed_in ||
           is_permission(permission);
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

Result<std::optional<Guard::Known>>
Guard::membership(const OrgId& org, const UserId& user, Timestamp now) {
    auto key = org.str() + user.str();
    // Before the read: a COMMIT during it counts as later.
    auto commits = parts_.store.commits();
    {
        std::lock_guard held(lock_);
        auto found = known_.find(key);
        if (found != known_.end() && found->second.commits == commits &&
            now - found->second.read < reread_after)
            return found->second;
    }
    FAIRLEAD_TRY(row, parts_.store.read([&](store::Connection& db) {
        return orgs::Memberships(db).find(org, user);
    }));
    std::lock_guard held(lock_);
    if (!row) {
        known_.erase(key);
        return std::nullopt;
    }
    if (known_.size() >= most_known) known_.clear();
    return known_[key] = Known{std::move(row->role), row->owner, commits, now};
}

Result<> Guard::authorize(
    api::Principal& principal, std::string_view org, std::string_view permission, Timestamp now
) {
    FAIRLEAD_TRY(id, OrgId::parse(org));
    FAIRLEAD_TRY(membership, this->membership(id, principal.user, now));
    if (!membership) return fail(Errc::not_found, "There is no such organization.");
    principal.owner = membership->owner;
    principal.permissions = permissions_of(membership->role, membership->owner);
    if (!principal.may(permission))
        return fail(
            Error(
                Errc::forbidden,
                "This needs the permission " + std::string(permission) + ", which the role \"" +
                    membership->role +
                    "\" does not hold. An administrator of the organization can change that."
            )
                .with_code("permission_denied")
                .with_fact("permission", std::string(permission))
        );
    principal.scope = api::ScopeIssuer::scope(std::move(id));
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
    if (route.permission != api::signed_in)
        FAIRLEAD_CHECK(authorize(principal, org, route.permission, request.at));
    return std::optional(std::move(principal));
}

} // namespace fairlead::access
