// Somebody of an agency in a client's organization.
#include "controller/access/guard.hpp"
#include "controller/access/guard_parts.hpp"

#include <algorithm>

namespace fairlead::access {
namespace {

tl::unexpected<Error> over(std::string why) {
    return fail(Error(
                    Errc::unauthenticated, "This Connect-As session has ended. " + why +
                                               " Your agency's page can begin another."
    )
                    .with_code("connect_ended"));
}

} // namespace

Result<> Guard::visit(
    api::Principal& principal, const Session& session, const api::Request& request,
    const OrgId& org, const api::Route& route
) {
    auto sent = request.header(connect_header);
    auto claims = parts_.tokens.verify(sent.empty() ? request.cookie(connect_cookie) : sent);
    if (!claims && !sent.empty()) return fail(std::move(claims).error());
    if (!claims || claims->client != org)
        return fail(Errc::not_found, "There is no such organization.");
    if (claims->user != session.user_id || claims->session != session.id)
        return fail(
            Error(
                Errc::unauthenticated,
                "This Connect-As token was made in another session. It counts in that one alone."
            )
                .with_code("connect_invalid")
        );
    FAIRLEAD_TRY(visit, parts_.visits.find(*claims, request.at));
    if (!visit) return over("It is unknown.");
    if (!visit->over.empty()) return over(visit->over);
    auto expires = std::min(visit->expires, claims->expires);
    if (expires <= request.at) return over("Its time is over.");

    FAIRLEAD_TRY(home, members_.find(claims->agency, session.user_id, request.at));
    if (!home || !home->standing.connect_as || !home->rights->contains("connect.use"))
        return over("You may not use Connect-As for \"" + visit->agency_name + "\" any more.");
    FAIRLEAD_CHECK(parts_.plans.require(home->standing.plan, orgs::feature::connect_as));
    FAIRLEAD_CHECK(addresses_allow(*home, request));
    FAIRLEAD_CHECK(session_suffices(*home, session));
    FAIRLEAD_CHECK(addresses_allow(visit->member, request));
    FAIRLEAD_CHECK(session_suffices(visit->member, session));

    principal.connect =
        api::ConnectAs{claims->connect, claims->grant, claims->agency, visit->agency_name};
    principal.until = expires;
    principal.permissions = visit->member.rights;
    FAIRLEAD_CHECK(
        permit(principal, route, visit->member.standing.plan, "what was granted to your agency")
    );
    principal.scope =
        api::ScopeIssuer::scope(org, visit->member.limited() ? claims->grant.str() : std::string());
    return {};
}

} // namespace fairlead::access
