#include "controller/access/accounts.hpp"

#include "common/crypto/token.hpp"
#include "controller/access/waits.hpp"
#include "controller/orgs/orgs.hpp"

namespace fairlead::access {
namespace {

constexpr std::string_view purpose = "sign_in";

tl::unexpected<Error> sign_in_failed() {
    return fail(Error(Errc::unauthenticated, "E-mail address or password is wrong.")
                    .with_code("sign_in_failed"));
}

} // namespace

Result<> Accounts::record(
    store::UnitOfWork& unit, const Caller& caller, const User& user, std::string action,
    api::Act::Outcome outcome
) {
    FAIRLEAD_TRY(memberships, orgs::Memberships(unit.db()).of(user.id));
    api::Actor actor{api::Actor::Kind::user,           user.id.str(),    user.email, caller.address,
                     caller.user_agent.substr(0, 300), caller.request_id};
    for (const auto& membership : memberships)
        parts_.audit.record(
            unit, api::ScopeIssuer::scope(membership.org_id), actor,
            api::Act{
                .action = action,
                .target_type = "user",
                .target_id = user.id.str(),
                .target_name = user.email,
                .outcome = outcome}
        );
    return {};
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

Result<OpenedSession>
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
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<OpenedSession> {
        // The password may have been changed while this one was checked.
        FAIRLEAD_TRY(now, UserRepo(unit.db()).find(user->id));
        if (!now || now->password_hash != user->password_hash) return sign_in_failed();
        FAIRLEAD_CHECK(Waits(unit.db()).succeeded(account));
        if (!rehashed.empty()) FAIRLEAD_CHECK(UserRepo(unit.db()).set_password(user->id, rehashed));
        return enter(unit, caller, *user, {});
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

Result<OpenedSession> Accounts::set_up(
    const Caller& caller, std::string_view token, const Secret& password,
    const std::optional<std::string>& name
) {
    FAIRLEAD_TRY(facts, look_at_link(token, caller.now));
    FAIRLEAD_CHECK(check_new_password("password", password, facts.email));
    FAIRLEAD_TRY(hash, parts_.hasher.hash(password));
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<OpenedSession> {
        UserRepo users(unit.db());
        FAIRLEAD_TRY(link, users.take_link(token, caller.now));
        FAIRLEAD_CHECK(users.set_password(link.user_id, hash));
        if (name) FAIRLEAD_CHECK(users.set_name(link.user_id, *name));
        FAIRLEAD_TRY(user, store::present(users.find(link.user_id), "There is no such user."));
        FAIRLEAD_CHECK(parts_.sessions.end_all(unit, user.id, std::nullopt));
        FAIRLEAD_CHECK(Waits(unit.db()).succeeded(wait_of_account(purpose, user.email)));
        FAIRLEAD_CHECK(record(unit, caller, user, "user.set_up"));
        return parts_.sessions.open(
            unit, user, {.method = "link"}, caller.address, caller.user_agent, caller.now
        );
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
