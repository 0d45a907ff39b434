#include "controller/access/accounts.hpp"

#include "common/crypto/token.hpp"
#include "common/json/json.hpp"
#include "controller/access/challenges.hpp"
#include "controller/access/second_step.hpp"
#include "controller/access/waits.hpp"
#include "controller/orgs/orgs.hpp"

namespace fairlead::access {
namespace {

constexpr std::string_view purpose = "sign_in";
constexpr auto second_step_lasts = std::chrono::minutes(5);

/// What a sign-in that waits for its second factor remembers of the first.
struct First {
    std::string method;
    std::string issuer;
};
BOOST_DESCRIBE_STRUCT(First, (), (method, issuer))

tl::unexpected<Error> sign_in_failed() {
    return fail(Error(Errc::unauthenticated, "E-mail address or password is wrong.")
                    .with_code("sign_in_failed"));
}

tl::unexpected<Error> email_unverified() {
    return fail(Error(
                    Errc::forbidden, "Your e-mail address is not confirmed yet. Open the link that "
                                     "was sent to it, or ask for another one."
    )
                    .with_code("email_unverified"));
}

} // namespace

api::Actor actor_of(const Caller& caller, const User& user) {
    api::Actor actor;
    actor.kind = api::Actor::Kind::user;
    actor.id = user.id.str();
    actor.label = user.email;
    actor.address = caller.address;
    actor.user_agent = caller.user_agent.substr(0, 300);
    actor.request_id = caller.request_id;
    return actor;
}

Result<> Accounts::record(
    store::UnitOfWork& unit, const Caller& caller, const User& user, std::string action,
    api::Act::Outcome outcome, const std::optional<boost::json::object>& after
) {
    FAIRLEAD_TRY(memberships, orgs::Memberships(unit.db()).of(user.id));
    auto actor = actor_of(caller, user);
    api::Act act{
        .action = std::move(action),
        .target_type = "user",
        .target_id = user.id.str(),
        .target_name = user.email,
        .outcome = outcome,
        .after = after};
    for (const auto& membership : memberships)
        parts_.audit.record(unit, api::ScopeIssuer::scope(membership.org_id), actor, act);
    if (memberships.empty())
        parts_.audit.record(unit, api::ScopeIssuer::installation(), actor, std::move(act));
    return {};
}

void Accounts::record_of_installation(
    store::UnitOfWork& unit, const Caller& caller, const User& operator_, std::string action
) {
    parts_.audit.record(
        unit, api::ScopeIssuer::installation(), actor_of(caller, operator_),
        {std::move(action), "", "", ""}
    );
}

Result<SignIn> Accounts::proceed(
    store::UnitOfWork& unit, const Caller& caller, const User& user, const Proof& first
) {
    if (!first.second_factor) {
        FAIRLEAD_TRY(methods, parts_.factors.of(unit.db(), user.id));
        if (!methods.empty()) {
            FAIRLEAD_TRY(
                challenge, Challenges(unit.db(), parts_.keys)
                               .make(
                                   SecondStep::kind,
                                   {user.id, std::nullopt,
                                    Secret(json::encode(First{first.method, first.issuer}))},
                                   second_step_lasts, caller.now
                               )
            );
            return SignIn(SecondStepAsked{std::move(challenge), std::move(methods)});
        }
    }
    FAIRLEAD_TRY(opened, enter(unit, caller, user, first));
    return SignIn(std::move(opened));
}

Result<OpenedSession> Accounts::complete(
    store::UnitOfWork& unit, const Caller& caller, const User& user, std::string_view challenge
) {
    FAIRLEAD_TRY(
        asked, Challenges(unit.db(), parts_.keys).take(SecondStep::kind, challenge, caller.now)
    );
    FAIRLEAD_TRY(first, json::decode<First>(asked.data.reveal(), json::Strictness::exact));
    return enter(unit, caller, user, {first.method, first.issuer, true});
}

Result<OpenedSession> Accounts::enter(
    store::UnitOfWork& unit, const Caller& caller, const User& user, const Proof& proof
) {
    FAIRLEAD_CHECK(record(unit, caller, user, "session.sign_in"));
    if (crypto::well_formed_token(Sessions::token_prefix, caller.cookie)) {
        FAIRLEAD_TRY(
            old, unit.db().one<SessionId>(
                     "SELECT id FROM session WHERE token_hash = $1 AND user_id = $2",
                     crypto::token_hash(caller.cookie), user.id
                 )
        );
        if (old) FAIRLEAD_CHECK(parts_.sessions.end(unit, user.id, *old));
    }
    return parts_.sessions.open(unit, user, proof, caller.address, caller.user_agent, caller.now);
}

Result<>
Accounts::failed(const Caller& caller, const std::optional<User>& user, std::string action) {
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_CHECK(Waits(unit.db()).failed(wait_of_address(purpose, caller.address), caller.now)
        );
        if (user) FAIRLEAD_CHECK(record(unit, caller, *user, action, api::Act::Outcome::refused));
        return {};
    });
}

Result<SignIn>
Accounts::sign_in(const Caller& caller, std::string_view text, const Secret& password) {
    // What cannot be an address has a wait of its own too, so that nothing is learnt from a quick
    // answer.
    auto email = normal_email(text).value_or(std::string(text.substr(0, 254)));
    auto account = wait_of_account(purpose, email);
    FAIRLEAD_TRY(
        user, parts_.store.write([&](store::UnitOfWork& unit) -> Result<std::optional<User>> {
            Waits waits(unit.db());
            FAIRLEAD_CHECK(waits.check(wait_of_address(purpose, caller.address), caller.now));
            FAIRLEAD_CHECK(waits.check(account, caller.now));
            // Counted before the password is looked at: a hundred attempts at the same moment are a
            // hundred attempts.
            FAIRLEAD_CHECK(waits.failed(account, caller.now));
            return UserRepo(unit.db()).by_email(email);
        })
    );

    FAIRLEAD_TRY(right, parts_.hasher.verify(user ? user->password_hash : "", password));
    if (!right) {
        FAIRLEAD_CHECK(failed(caller, user, "session.sign_in"));
        return sign_in_failed();
    }
    std::string rehashed;
    if (parts_.hasher.needs_rehash(user->password_hash)) {
        FAIRLEAD_TRY(hash, parts_.hasher.hash(password));
        rehashed = std::move(hash);
    }
    if (!user->verified) {
        FAIRLEAD_CHECK(parts_.store.write([&](store::UnitOfWork& unit) {
            return Waits(unit.db()).succeeded(account);
        }));
        return email_unverified();
    }
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<SignIn> {
        // The password may have been changed while this one was checked.
        FAIRLEAD_TRY(now, UserRepo(unit.db()).find(user->id));
        if (!now || now->password_hash != user->password_hash) return sign_in_failed();
        FAIRLEAD_CHECK(Waits(unit.db()).succeeded(account));
        if (!rehashed.empty()) FAIRLEAD_CHECK(UserRepo(unit.db()).set_password(user->id, rehashed));
        return proceed(unit, caller, *user, {});
    });
}

Result<Accounts::LinkFacts> Accounts::look_at_link(std::string_view token, Timestamp now) {
    return parts_.store.read([&](store::Connection& db) -> Result<LinkFacts> {
        UserRepo users(db);
        FAIRLEAD_TRY(link, users.find_link(token, now));
        FAIRLEAD_TRY(user, store::present(users.find(link.user_id), "There is no such user."));
        return LinkFacts{user.email, link.expires};
    });
}

Result<SignIn> Accounts::set_up(
    const Caller& caller, std::string_view token, const Secret& password,
    const std::optional<std::string>& name
) {
    FAIRLEAD_TRY(facts, look_at_link(token, caller.now));
    FAIRLEAD_CHECK(check_new_password("password", password, facts.email));
    FAIRLEAD_TRY(hash, parts_.hasher.hash(password));
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<SignIn> {
        UserRepo users(unit.db());
        FAIRLEAD_TRY(link, users.take_link(token, caller.now));
        FAIRLEAD_CHECK(users.set_verified(link.user_id, caller.now));
        FAIRLEAD_CHECK(Challenges(unit.db(), parts_.keys).drop_all(link.user_id));
        FAIRLEAD_CHECK(users.set_password(link.user_id, hash));
        if (name) FAIRLEAD_CHECK(users.set_name(link.user_id, *name));
        FAIRLEAD_TRY(user, store::present(users.find(link.user_id), "There is no such user."));
        FAIRLEAD_CHECK(parts_.sessions.end_all(unit, user.id, std::nullopt));
        FAIRLEAD_CHECK(Waits(unit.db()).succeeded(wait_of_account(purpose, user.email)));
        FAIRLEAD_CHECK(record(unit, caller, user, "user.set_up"));
        return proceed(unit, caller, user, {.method = "link"});
    });
}

Result<> Accounts::change_password(
    const Caller& caller, const api::Principal& who, const Secret& current, const Secret& chosen
) {
    auto account = wait_of_account(purpose, who.email);
    FAIRLEAD_CHECK(check_new_password("new", chosen, who.email));
    FAIRLEAD_TRY(
        user, parts_.store.write([&](store::UnitOfWork& unit) -> Result<std::optional<User>> {
            FAIRLEAD_CHECK(Waits(unit.db()).check(account, caller.now));
            FAIRLEAD_CHECK(Waits(unit.db()).failed(account, caller.now));
            return UserRepo(unit.db()).find(who.user);
        })
    );
    FAIRLEAD_TRY(right, parts_.hasher.verify(user ? user->password_hash : "", current));
    if (!right) {
        FAIRLEAD_CHECK(failed(caller, user, "user.change_password"));
        return fail(Error(Errc::invalid, "The current password is wrong.")
                        .with_code("password_wrong")
                        .with_fields({{"current", "is wrong"}}));
    }
    FAIRLEAD_TRY(hash, parts_.hasher.hash(chosen));
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_CHECK(UserRepo(unit.db()).set_password(who.user, hash));
        FAIRLEAD_CHECK(Waits(unit.db()).succeeded(account));
        FAIRLEAD_CHECK(parts_.sessions.end_all(unit, who.user, who.session));
        FAIRLEAD_CHECK(Challenges(unit.db(), parts_.keys).drop_all(who.user));
        return record(unit, caller, *user, "user.change_password");
    });
}

Result<>
Accounts::sign_out(const Caller& caller, const api::Principal& who, const SessionId& session) {
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_CHECK(parts_.sessions.end(unit, who.user, session));
        FAIRLEAD_TRY(
            user, store::present(UserRepo(unit.db()).find(who.user), "There is no such user.")
        );
        return record(
            unit, caller, user, who.session == session ? "session.sign_out" : "session.revoke"
        );
    });
}

} // namespace fairlead::access
