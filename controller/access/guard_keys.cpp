// Programs: whose key it is, and what it opens.
#include "controller/access/address_list.hpp"
#include "controller/access/guard.hpp"
#include "controller/access/guard_parts.hpp"
#include "controller/access/permissions.hpp"

#include <algorithm>
#include <iterator>
#include <memory>

namespace fairlead::access {

Result<> Guard::unlock(
    api::Principal& principal, const KeyInUse& used, const api::Request& request,
    const api::Route& route
) {
    const auto& key = used.key;
    FAIRLEAD_TRY(maker, members_.find(key.org_id, key.created_by, request.at));
    if (!maker)
        return fail(Error(
                        Errc::unauthenticated,
                        "This API key is of no use any more: " + key.created_by_email +
                            ", who made it, has left the organization."
        )
                        .with_code("key_refused"));
    FAIRLEAD_CHECK(addresses_allow(*maker, request));
    FAIRLEAD_CHECK(parts_.plans.require(maker->standing.plan, orgs::feature::api));
    if (route.permission == api::owners_alone || route.permission == api::operators_alone ||
        route.marks.step_up || (route.permission == api::signed_in && !route.marks.key_alone))
        return refused(
            "session_required", "This is for people who are signed in, not for API keys."
        );
    // What is said over a socket is no reading.
    if (key.kind == KeyKind::read_only && (!changes_nothing(request.method) || route.marks.socket))
        return refused(
            "read_only_key",
            "The API key \"" + key.name + "\" is read-only: it asks by GET and HEAD alone."
        );
    if (maker->limited() && key.limited && !used.within_maker)
        return refused(
            "key_beyond_maker", "The API key \"" + key.name + "\" names projects that " +
                                    key.created_by_email +
                                    ", who made it, does not reach any more. Make a new one."
        );
    Rights rights;
    std::set_intersection(
        used.permissions.begin(), used.permissions.end(), maker->rights->begin(),
        maker->rights->end(), std::inserter(rights, rights.end())
    );
    if (key.limited)
        std::erase_if(rights, [](const auto& code) {
            return !limited_permissions().contains(code);
        });
    principal.permissions = std::make_shared<const Rights>(std::move(rights));
    if (!route.marks.key_alone)
        FAIRLEAD_CHECK(
            permit(principal, route, maker->standing.plan, "the API key \"" + key.name + "\"")
        );
    principal.scope = api::ScopeIssuer::scope(
        key.org_id, key.limited        ? key.id.str()
                    : maker->limited() ? key.created_by.str()
                                       : std::string()
    );
    return {};
}

Result<api::Principal> Guard::program(
    std::string_view token, const api::Request& request, const api::Route& route,
    std::string_view org, std::optional<api::Rate>& rate
) {
    FAIRLEAD_CHECK(refusals_.check(request.address, request.at));
    FAIRLEAD_TRY(used, keys_.use(token, request.at));
    bool from_there = used && (used->addresses.empty() || holds(used->addresses, request.address));
    if (!from_there) {
        FAIRLEAD_CHECK(refusals_.count(request.address, request.at));
        if (used)
            return refused(
                "address_not_allowed", "The API key \"" + used->key.name +
                                           "\" is used from certain addresses alone, and " +
                                           request.address + " is not one of them."
            );
        return fail(Error(
                        Errc::unauthenticated,
                        "This is no API key: it is mistyped, revoked, or its time is over."
        )
                        .with_code("key_refused"));
    }
    FAIRLEAD_CHECK(parts_.rates.take(
        RateLimiter::Who::key, used->key.id.str(), kind_of(request.method), request.at, rate
    ));
    if (!org.empty() && org != used->key.org_id.str())
        return fail(Errc::not_found, "There is no such organization.");
    api::Principal principal;
    principal.user = used->key.created_by;
    principal.email = used->key.created_by_email;
    principal.key = used->key.id;
    principal.key_name = used->key.name;
    principal.until = used->key.expires_ms;
    FAIRLEAD_CHECK(unlock(principal, *used, request, route));
    return principal;
}

} // namespace fairlead::access
