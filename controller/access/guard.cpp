#include "controller/access/guard.hpp"

#include "controller/access/address_list.hpp"
#include "controller/access/guard_parts.hpp"
#include "controller/access/permissions.hpp"

#include <algorithm>

namespace fairlead::access {
namespace {

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

/// The key of "Authorization: Bearer …". Other kinds of authorization are a proxy's business.
std::optional<std::string_view> bearer(const api::Request& request) {
    auto value = request.header("authorization");
    constexpr std::string_view scheme = "bearer ";
    bool is = value.size() >= scheme.size() &&
              std::equal(scheme.begin(), scheme.end(), value.begin(), [](char want, char c) {
                  return want == (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
              });
    if (!is) return std::nullopt;
    value.remove_prefix(scheme.size());
    while (value.starts_with(' ')) value.remove_prefix(1);
    while (value.ends_with(' ')) value.remove_suffix(1);
    return value;
}

} // namespace

Guard::Guard(Parts parts)
    : parts_(std::move(parts)), members_(parts_.store, parts_.plans), keys_(parts_.store),
      refusals_(parts_.store) {}

bool Guard::knows(std::string_view permission) const {
    return permission == api::open_to_all || permission == api::signed_in ||
           permission == api::owners_alone || permission == api::operators_alone ||
           is_permission(permission);
}

Result<> Guard::same_origin(const api::Request& request, bool needed, bool for_socket) const {
    // What is said over a socket afterwards does change something.
    if (changes_nothing(request.method) && !for_socket) return {};
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

Result<> Guard::addresses_allow(const Member& member, const api::Request& request) {
    if (member.addresses.empty() || holds(member.addresses, request.address)) return {};
    return refused(
        "address_not_allowed", "\"" + member.standing.org_name +
                                   "\" is entered from certain addresses alone, and " +
                                   request.address + " is not one of them."
    );
}

Result<> Guard::session_suffices(const Member& member, const Session& session) {
    const auto& asked = member.standing;
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

Result<> Guard::permit(
    const api::Principal& principal, const api::Route& route, orgs::Plan plan,
    const std::string& who
) const {
    if (route.permission == api::owners_alone) {
        if (!principal.owner)
            return refused("owner_required", "Only an owner of the organization can do this.");
    } else if (!principal.may(route.permission)) {
        return fail(Error(
                        Errc::forbidden,
                        "This needs the permission " + route.permission + ", which " + who +
                            " does not hold. An administrator of the organization can "
                            "change that."
        )
                        .with_code("permission_denied")
                        .with_fact("permission", route.permission));
    }
    if (!route.marks.feature.empty())
        FAIRLEAD_CHECK(parts_.plans.require(plan, route.marks.feature));
    return {};
}

Result<> Guard::enter(
    api::Principal& principal, const Session& session, const api::Request& request,
    std::string_view org, const api::Route& route
) {
    FAIRLEAD_TRY(id, OrgId::parse(org));
    FAIRLEAD_TRY(member, members_.find(id, principal.user, request.at));
    if (!member || !request.header(connect_header).empty())
        return visit(principal, session, request, id, route);
    FAIRLEAD_CHECK(addresses_allow(*member, request));
    FAIRLEAD_CHECK(session_suffices(*member, session));
    const auto& standing = member->standing;
    principal.owner = standing.owner;
    principal.permissions = member->rights;
    FAIRLEAD_CHECK(
        permit(principal, route, standing.plan, "the role \"" + standing.role_name + "\"")
    );
    principal.scope = api::ScopeIssuer::scope(
        std::move(id), member->limited() ? principal.user.str() : std::string()
    );
    return {};
}

Result<> Guard::look_after(api::Principal& principal) {
    FAIRLEAD_TRY(found, parts_.store.read([&](store::Connection& db) {
        return db.one<int>("SELECT 1 FROM app_user WHERE id = $1 AND operator = 1", principal.user);
    }));
    if (!found)
        return refused(
            "operator_required", "This is for whoever looks after this installation of Fairlead."
        );
    principal.scope = api::ScopeIssuer::installation();
    return {};
}

Result<api::Principal> Guard::person(
    const api::Request& request, const api::Route& route, std::string_view org,
    std::optional<api::Rate>& rate
) {
    FAIRLEAD_TRY(session, parts_.sessions.use(request.cookie(cookie_name), request.at));
    FAIRLEAD_CHECK(same_origin(request, true, route.marks.socket));
    FAIRLEAD_CHECK(parts_.rates.take(
        RateLimiter::Who::session, session.id.str(), kind_of(request.method), request.at, rate
    ));
    api::Principal principal;
    principal.user = session.user_id;
    principal.email = session.email;
    principal.session = session.id;
    principal.elevated = session.elevated;
    if (route.permission == api::operators_alone)
        FAIRLEAD_CHECK(look_after(principal));
    else if (route.permission != api::signed_in)
        FAIRLEAD_CHECK(enter(principal, session, request, org, route));
    if (route.marks.key_alone)
        return refused("key_required", "This tells an API key about itself: send one as a bearer.");
    if (route.marks.step_up) FAIRLEAD_CHECK(principal.proved_lately(request.at));
    return principal;
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
    auto token = bearer(request);
    auto principal =
        token ? program(*token, request, route, org, rate) : person(request, route, org, rate);
    if (!principal) return fail(std::move(principal).error());
    return std::optional(*std::move(principal));
}

} // namespace fairlead::access
