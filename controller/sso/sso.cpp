#include "controller/sso/sso.hpp"

#include "controller/access/waits.hpp"
#include "controller/api/checks.hpp"

#include <utility>

namespace fairlead::sso {
namespace {

constexpr std::string_view purpose = "sso";

tl::unexpected<Error> refused(Errc kind, const char* code, std::string detail = {}) {
    return fail(Error(kind, code, std::move(detail)).with_code(code));
}

/// RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6.
tl::unexpected<Error> said(const std::string& error) {
    auto detail = "error " + error.substr(0, 60);
    for (std::string_view away : {"server_error", "temporarily_unavailable"})
        if (error == away) return refused(Errc::unavailable, "sso_unavailable", detail);
    for (std::string_view ours :
         {"invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope",
          "request_not_supported", "redirect_uri_mismatch"})
        if (error == ours) return refused(Errc::forbidden, "sso_misconfigured", detail);
    return refused(Errc::forbidden, "sso_cancelled", detail);
}

/// What an account may be called; "" where the provider's is no such thing.
std::string shown_name(const std::string& name) {
    api::Checks checks;
    checks.length("name", name, 1, 100);
    return checks.result() ? name : std::string();
}

} // namespace

Sso::Sso(Parts parts, std::vector<Provider> providers)
    : parts_(std::move(parts)), providers_(std::move(providers)) {
    for (const auto& provider : providers_)
        protocols_[provider.slug] = make_protocol(provider, parts_.fetch);
}

Result<const Provider*> Sso::find(std::string_view slug) const {
    for (const auto& provider : providers_)
        if (provider.slug == slug) return &provider;
    return fail(Errc::not_found, "There is no such provider to sign in with.");
}

std::string Sso::redirect_uri(const Provider& provider) const {
    return parts_.url + "/api/v1/sso/" + provider.slug + "/callback";
}

Result<Sso::Start> Sso::start(
    const Provider& provider, std::string back, const std::optional<SessionId>& linking,
    Timestamp now
) {
    auto begun = begin_attempt(provider.slug, std::move(back), linking, now);
    Attempt attempt{redirect_uri(provider), begun.state, begun.nonce, begun.verifier};
    FAIRLEAD_TRY(location, protocols_.find(provider.slug)->second->begin(attempt, now));
    return Start{std::move(location), seal_attempt(parts_.keys, begun)};
}

Result<Person>
Sso::ask(const Begun& begun, const Provider& provider, const Return& given, Timestamp now) {
    if (!given.error.empty()) return said(given.error);
    if (given.code.empty()) return refused(Errc::unauthenticated, "sso_refused", "no code");
    Attempt attempt{redirect_uri(provider), begun.state, begun.nonce, begun.verifier};
    return protocols_.find(provider.slug)->second->finish(attempt, {given.code, given.issuer}, now);
}

Result<> Sso::failed(const access::Caller& caller) {
    return parts_.store.write([&](store::UnitOfWork& unit) {
        return access::Waits(unit.db()).failed(
            access::wait_of_address(purpose, caller.address), caller.now
        );
    });
}

Result<Sso::Arrival>
Sso::arrive(const access::Caller& caller, const Provider& provider, const Return& given) {
    FAIRLEAD_TRY(
        begun, open_attempt(parts_.keys, given.attempt, provider.slug, given.state, caller.now)
    );
    auto once = parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        auto address = access::wait_of_address(purpose, caller.address);
        FAIRLEAD_CHECK(access::Waits(unit.db()).check(address, caller.now));
        FAIRLEAD_TRY(first, IdentityRepo(unit.db()).first_use(begun.state, begun.expires));
        if (!first) return refused(Errc::unauthenticated, "sso_expired", "used before");
        return {};
    });
    FAIRLEAD_CHECK(std::move(once));
    std::optional<UserId> owner;
    if (begun.session) {
        auto session = parts_.sessions.use(caller.cookie, caller.now);
        if (!session || session->id != *begun.session)
            return refused(Errc::unauthenticated, "link_session_ended");
        owner = session->user_id;
    }
    auto person = ask(begun, provider, given, caller.now);
    if (!person) {
        // Forged codes and tokens make an address wait; a provider that is away does not.
        if (person.error().kind() == Errc::unauthenticated) FAIRLEAD_CHECK(failed(caller));
        return fail(person.error());
    }
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<Arrival> {
        if (owner) {
            FAIRLEAD_CHECK(link(unit, caller, *owner, provider, *person));
            return Arrival{begun.back, std::nullopt};
        }
        FAIRLEAD_TRY(entered, sign_in(unit, caller, provider, *person));
        return Arrival{begun.back, std::move(entered)};
    });
}

Result<access::User> Sso::owner_of(
    store::UnitOfWork& unit, const access::Caller& caller, const Provider& provider,
    const Person& person
) {
    auto email = access::normal_email(person.email);
    if (!email || !person.email_verified)
        return refused(Errc::forbidden, "sso_email_unverified", provider.slug);
    FAIRLEAD_TRY(user, access::UserRepo(unit.db()).by_email(*email));
    // Whoever registered with the address first need not be the one who has it.
    if (user && !user->verified) return refused(Errc::forbidden, "sso_account_unverified");
    if (user) return *std::move(user);
    FAIRLEAD_TRY(made, parts_.door.welcome(unit, caller, *email, shown_name(person.name)));
    if (!made) return refused(Errc::forbidden, "sso_no_account");
    return *std::move(made);
}

Result<Entered> Sso::sign_in(
    store::UnitOfWork& unit, const access::Caller& caller, const Provider& provider,
    const Person& person
) {
    access::Proof proof{"sso", provider.slug, provider.trusts_second_factor};
    IdentityRepo identities(unit.db());
    FAIRLEAD_TRY(known, identities.find(person));
    if (known) {
        FAIRLEAD_TRY(user, access::UserRepo(unit.db()).find(known->user_id));
        if (!user) return refused(Errc::forbidden, "sso_no_such_user");
        FAIRLEAD_CHECK(identities.used(known->id, person, caller.now));
        return parts_.door.enter(unit, caller, *user, proof);
    }
    FAIRLEAD_TRY(user, owner_of(unit, caller, provider, person));
    FAIRLEAD_TRY(entered, parts_.door.enter(unit, caller, user, proof));
    // With the second factor still to come nothing is joined: the address proves itself next time
    // too, and who has only the address gets no further.
    if (std::holds_alternative<Waiting>(entered)) return std::move(entered);
    FAIRLEAD_CHECK(identities.add(user.id, provider.slug, person, caller.now));
    FAIRLEAD_CHECK(parts_.accounts.record(unit, caller, user, "identity.add"));
    return std::move(entered);
}

Result<> Sso::link(
    store::UnitOfWork& unit, const access::Caller& caller, const UserId& owner,
    const Provider& provider, const Person& person
) {
    IdentityRepo identities(unit.db());
    FAIRLEAD_TRY(known, identities.find(person));
    if (known && known->user_id == owner) return identities.used(known->id, person, caller.now);
    FAIRLEAD_CHECK(identities.add(owner, provider.slug, person, caller.now));
    FAIRLEAD_TRY(
        user, store::present(access::UserRepo(unit.db()).find(owner), "There is no such user.")
    );
    return parts_.accounts.record(unit, caller, user, "identity.add");
}

Result<std::vector<Identity>> Sso::identities(const UserId& user) {
    return parts_.store.read([&](store::Connection& db) { return IdentityRepo(db).of(user); });
}

Result<> Sso::remove(const access::Caller& caller, const UserId& who, const IdentityId& id) {
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        IdentityRepo identities(unit.db());
        FAIRLEAD_TRY(
            user, store::present(access::UserRepo(unit.db()).find(who), "There is no such user.")
        );
        FAIRLEAD_CHECK(identities.remove(who, id));
        FAIRLEAD_TRY(left, identities.of(who));
        FAIRLEAD_TRY(other, parts_.door.has_other_way(unit.db(), user));
        if (left.empty() && !other)
            return fail(Error(
                            Errc::conflict,
                            "Without it you could not sign in any more. Choose a password or add a "
                            "passkey first."
            )
                            .with_code("last_way_in"));
        return parts_.accounts.record(unit, caller, user, "identity.remove");
    });
}

Result<> Sso::tidy(Timestamp now) {
    return parts_.store.write([&](store::UnitOfWork& unit) {
        return IdentityRepo(unit.db()).tidy(now);
    });
}

} // namespace fairlead::sso
