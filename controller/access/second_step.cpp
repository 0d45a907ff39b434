#include "controller/access/second_step.hpp"

#include "controller/access/challenges.hpp"
#include "controller/access/recovery_codes.hpp"
#include "controller/access/totp.hpp"
#include "controller/access/waits.hpp"

namespace fairlead::access {
namespace {

constexpr std::string_view purpose = "second_factor";

std::string wait_of(const User& user) {
    return wait_of_account(purpose, user.id.str());
}

tl::unexpected<Error> proof_wrong(std::string_view field) {
    return fail(Error(
                    Errc::invalid, field == "password"
                                       ? "The password is wrong."
                                       : "The code is wrong, too old, or was used already."
    )
                    .with_code("proof_wrong")
                    .with_fields({{std::string(field), "is wrong"}}));
}

std::string_view field_of(const SecondStep::Answer& answer) {
    return answer.code.empty() ? "recovery_code" : "code";
}

} // namespace

Result<bool> SecondStep::right(
    store::UnitOfWork& unit, const UserId& user, const Answer& answer, Timestamp now
) {
    if (!answer.code.empty()) return TotpRepo(unit.db(), parts_.keys).check(user, answer.code, now);
    // They stand in for another factor, and are none by themselves.
    FAIRLEAD_TRY(methods, parts_.factors.of(unit.db(), user));
    if (methods.empty()) return false;
    return RecoveryCodes(unit.db()).use(user, answer.recovery_code, now);
}

Result<> SecondStep::wait_longer(store::UnitOfWork& unit, const Caller& caller, const User& user) {
    Waits waits(unit.db());
    FAIRLEAD_CHECK(waits.failed(wait_of(user), caller.now));
    return waits.failed(wait_of_address(purpose, caller.address), caller.now);
}

// ------------------------------------------------------------------ signing in

Result<User>
SecondStep::waiting(store::Connection& db, const Caller& caller, std::string_view challenge) const {
    FAIRLEAD_TRY(asked, Challenges(db, parts_.keys).look(kind, challenge, caller.now));
    FAIRLEAD_TRY(
        user,
        store::present(UserRepo(db).find(asked.user.value_or(UserId())), "There is no such user.")
    );
    Waits waits(db);
    FAIRLEAD_CHECK(waits.check(wait_of_address(purpose, caller.address), caller.now));
    FAIRLEAD_CHECK(waits.check(wait_of(user), caller.now));
    return std::move(user);
}

Result<OpenedSession>
SecondStep::finish(store::UnitOfWork& unit, const Caller& caller, std::string_view challenge) {
    FAIRLEAD_TRY(user, waiting(unit.db(), caller, challenge));
    FAIRLEAD_CHECK(Waits(unit.db()).succeeded(wait_of(user)));
    return parts_.accounts.complete(unit, caller, user, challenge);
}

Result<> SecondStep::failed(
    store::UnitOfWork& unit, const Caller& caller, const User& user, std::string_view challenge
) {
    FAIRLEAD_CHECK(Challenges(unit.db(), parts_.keys).failed(challenge));
    FAIRLEAD_CHECK(wait_longer(unit, caller, user));
    return parts_.accounts.record(
        unit, caller, user, "session.second_factor", api::Act::Outcome::refused
    );
}

Result<OpenedSession>
SecondStep::sign_in(const Caller& caller, std::string_view challenge, const Answer& answer) {
    using Opened = std::optional<OpenedSession>;
    // One transaction from the count of failures to the used code: two answers at the same moment
    // are two answers.
    FAIRLEAD_TRY(opened, parts_.store.write([&](store::UnitOfWork& unit) -> Result<Opened> {
        FAIRLEAD_TRY(user, waiting(unit.db(), caller, challenge));
        FAIRLEAD_TRY(good, right(unit, user.id, answer, caller.now));
        if (!good) {
            FAIRLEAD_CHECK(failed(unit, caller, user, challenge));
            return Opened();
        }
        FAIRLEAD_TRY(session, finish(unit, caller, challenge));
        return Opened(std::move(session));
    }));
    if (opened) return *std::move(opened);
    return fail(Error(
                    Errc::unauthenticated,
                    "The code is wrong, too old, or was used already. Wait for the next one."
    )
                    .with_code("second_factor_wrong"));
}

// ------------------------------------------------------------------ step-up

Result<User>
SecondStep::may_try(store::Connection& db, const Caller& caller, const api::Principal& who) const {
    FAIRLEAD_TRY(user, store::present(UserRepo(db).find(who.user), "There is no such user."));
    FAIRLEAD_CHECK(Waits(db).check(wait_of(user), caller.now));
    return std::move(user);
}

Result<Secret> SecondStep::elevated(
    store::UnitOfWork& unit, const Caller& caller, const api::Principal& who, const User& user,
    bool second_factor
) {
    if (!who.session)
        return fail(Errc::forbidden, "Only somebody who is signed in can do this, no key.");
    FAIRLEAD_CHECK(Waits(unit.db()).succeeded(wait_of(user)));
    FAIRLEAD_CHECK(parts_.accounts.record(unit, caller, user, "session.elevate"));
    return parts_.sessions.elevate(unit, user.id, *who.session, second_factor, caller.now);
}

Result<> SecondStep::not_elevated(store::UnitOfWork& unit, const Caller& caller, const User& user) {
    FAIRLEAD_CHECK(wait_longer(unit, caller, user));
    return parts_.accounts.record(
        unit, caller, user, "session.elevate", api::Act::Outcome::refused
    );
}

Result<Secret>
SecondStep::elevate(const Caller& caller, const api::Principal& who, const Answer& answer) {
    if (!answer.password.empty()) return elevate_by_password(caller, who, answer.password);
    using Token = std::optional<Secret>;
    FAIRLEAD_TRY(token, parts_.store.write([&](store::UnitOfWork& unit) -> Result<Token> {
        FAIRLEAD_TRY(user, may_try(unit.db(), caller, who));
        FAIRLEAD_TRY(good, right(unit, user.id, answer, caller.now));
        if (!good) {
            FAIRLEAD_CHECK(not_elevated(unit, caller, user));
            return Token();
        }
        FAIRLEAD_TRY(made, elevated(unit, caller, who, user, true));
        return Token(std::move(made));
    }));
    if (token) return *std::move(token);
    return proof_wrong(field_of(answer));
}

Result<Secret> SecondStep::elevate_by_password(
    const Caller& caller, const api::Principal& who, const Secret& password
) {
    auto account = wait_of_account("sign_in", who.email);
    FAIRLEAD_TRY(user, parts_.store.write([&](store::UnitOfWork& unit) -> Result<User> {
        FAIRLEAD_TRY(found, may_try(unit.db(), caller, who));
        FAIRLEAD_TRY(methods, parts_.factors.of(unit.db(), found.id));
        if (!methods.empty())
            return fail(Error(
                            Errc::invalid, "This account has a second factor: give that one, the "
                                           "password is not enough."
            )
                            .with_code("second_factor_needed")
                            .with_fields({{"password", "is not enough for this account"}}));
        if (found.password_hash.empty())
            return fail(Error(
                            Errc::invalid, "This account has no password. Sign in again, as you "
                                           "did before, then go on."
            )
                            .with_code("no_password")
                            .with_fields({{"password", "this account has none"}}));
        // Counted before it is looked at, as signing in does.
        FAIRLEAD_CHECK(Waits(unit.db()).check(account, caller.now));
        FAIRLEAD_CHECK(Waits(unit.db()).failed(account, caller.now));
        return std::move(found);
    }));
    FAIRLEAD_TRY(good, parts_.hasher.verify(user.password_hash, password));
    if (!good) {
        FAIRLEAD_CHECK(parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
            return parts_.accounts.record(
                unit, caller, user, "session.elevate", api::Act::Outcome::refused
            );
        }));
        return proof_wrong("password");
    }
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<Secret> {
        FAIRLEAD_CHECK(Waits(unit.db()).succeeded(account));
        return elevated(unit, caller, who, user, false);
    });
}

} // namespace fairlead::access
