#include "controller/sso/oidc.hpp"

#include "controller/sso/grant.hpp"
#include "controller/sso/members.hpp"

namespace fairlead::sso {
namespace {

/// Says Microsoft that the address is the person's? Its `email` is whatever a tenant's
/// administrator wrote there; `xms_edov` tells that the domain's owner is that tenant.
bool owns_domain(const boost::json::object& claims) {
    const auto* said = claims.if_contains("xms_edov");
    return true_member(claims, "xms_edov") || (said && (*said == "1" || *said == 1));
}

} // namespace

void Oidc::describe(const boost::json::object& claims, Person& person) const {
    person.email = text_member(claims, "email", 254).value_or("");
    person.name = text_member(claims, "name", 300).value_or("");
    bool verified = provider_.preset == Preset::microsoft ? owns_domain(claims)
                                                          : true_member(claims, "email_verified");
    person.email_verified = !person.email.empty() && (verified || provider_.trusts_email);
}

Result<std::string> Oidc::begin(const Attempt& attempt, Timestamp now) {
    FAIRLEAD_TRY(metadata, issuer_.metadata(now));
    auto query = authorization_query(provider_, attempt);
    query.emplace_back("nonce", attempt.nonce);
    return with_query(metadata->authorize, query);
}

Result<Person> Oidc::finish(const Attempt& attempt, const Returned& returned, Timestamp now) {
    FAIRLEAD_TRY(metadata, issuer_.metadata(now));
    if (returned.issuer ? *returned.issuer != metadata->issuer : metadata->says_issuer)
        return fail(
            Errc::unauthenticated, "The answer is not that of " + provider_.name + ".",
            returned.issuer ? "iss " + returned.issuer->substr(0, 200) : "no iss"
        );
    FAIRLEAD_TRY(
        tokens,
        trade(provider_, fetch_, metadata->token, metadata->basic_secret, attempt, returned.code)
    );
    if (tokens.id.empty())
        return fail(Errc::unauthenticated, provider_.name + " answered without an ID token.");
    FAIRLEAD_TRY(token, issuer_.check(tokens.id, attempt.nonce, now));
    Person person{.issuer = token.issuer, .subject = token.subject};
    describe(token.claims, person);
    if (!person.email.empty() || metadata->userinfo.empty()) return person;

    // Many issuers tell more than the subject only here.
    FAIRLEAD_TRY(value, ask_as(provider_, fetch_, metadata->userinfo, tokens.access));
    if (!value.is_object() || text_member(value.get_object(), "sub") != person.subject)
        return fail(
            Errc::unauthenticated, provider_.name + " tells about somebody else than it signed for."
        );
    describe(value.get_object(), person);
    return person;
}

std::unique_ptr<Protocol> make_protocol(const Provider& provider, Fetch fetch) {
    if (provider.plain_oauth()) return make_plain_oauth(provider, std::move(fetch));
    return std::make_unique<Oidc>(provider, std::move(fetch));
}

} // namespace fairlead::sso
