#include "controller/access/passkey_proofs.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/token.hpp"
#include "controller/access/waits.hpp"
#include "controller/api/change.hpp"

namespace fairlead::access {
namespace {

// The same as that of passwords: whoever fails at one waits at the other too.
constexpr std::string_view purpose = "sign_in";
constexpr std::string_view sign_in_subject = "sign_in";

std::string second_subject(std::string_view challenge) {
    return "second_factor/" + crypto::token_hash(challenge);
}

std::string elevate_subject(const api::Principal& who) {
    return "elevate/" + (who.session ? who.session->str() : std::string());
}

Error unknown() {
    return Error(
               Errc::invalid,
               "This passkey is not known here. It was removed, or belongs to another account."
    )
        .with_code("passkey_unknown");
}

/// The same where it decides about signing in.
tl::unexpected<Error> not_signed_in(const Error& error) {
    if (error.kind() != Errc::invalid) return fail(error);
    return fail(Error(Errc::unauthenticated, error.message()).with_code(error.code()));
}

Result<std::vector<Passkey>> some_of(store::Connection& db, const UserId& user) {
    FAIRLEAD_TRY(passkeys, PasskeyRepo(db).of(user));
    if (passkeys.empty()) return api::conflict("no_passkey", "This account has no passkey.");
    return std::move(passkeys);
}

} // namespace

Result<PasskeyProofs::Claim>
PasskeyProofs::claim(store::Connection& db, const PasskeyAnswer& answer) {
    Claim claim;
    auto id = crypto::base64url_encode(answer.credential_id);
    FAIRLEAD_TRY(passkey, PasskeyRepo(db).by_credential(id));
    if (!passkey) return claim;
    FAIRLEAD_TRY(user, UserRepo(db).find(passkey->user_id));
    claim.passkey = std::move(passkey);
    claim.user = std::move(user);
    return claim;
}

Result<PasskeyState> PasskeyProofs::judge(
    std::string_view subject, const PasskeyAnswer& answer, const Claim& claim,
    UserVerification user, Timestamp now
) {
    if (!claim.passkey || !claim.user) return fail(unknown());
    if (!answer.user_handle.empty() && answer.user_handle != claim.user->id.str())
        return fail(unknown());
    return parts_.ceremony.used(subject, answer, *claim.passkey, user, now);
}

Result<> PasskeyProofs::note_copy(
    store::UnitOfWork& unit, const Caller& caller, const Claim& claim, const Error& error
) {
    if (!claim.user || !claim.passkey || error.code() != "passkey_cloned") return {};
    return parts_.accounts.record(
        unit, caller, *claim.user, "passkey.cloned", api::Act::Outcome::refused,
        boost::json::object{
            {"passkey", claim.passkey->name}, {"passkey_id", claim.passkey->id.str()}}
    );
}

// ------------------------------------------------------------------ alone

boost::json::object PasskeyProofs::begin_sign_in(Timestamp now) const {
    return parts_.ceremony.request_options(sign_in_subject, {}, UserVerification::required, now);
}

Result<OpenedSession>
PasskeyProofs::sign_in(const Caller& caller, const boost::json::object& credential) {
    FAIRLEAD_TRY(answer, PasskeyAnswer::read(credential));
    auto address = wait_of_address(purpose, caller.address);
    FAIRLEAD_TRY(found, parts_.store.read([&](store::Connection& db) -> Result<Claim> {
        FAIRLEAD_CHECK(Waits(db).check(address, caller.now));
        return claim(db, answer);
    }));
    auto state = judge(sign_in_subject, answer, found, UserVerification::required, caller.now);
    if (!state) {
        auto noted = parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
            FAIRLEAD_CHECK(Waits(unit.db()).failed(address, caller.now));
            FAIRLEAD_CHECK(note_copy(unit, caller, found, state.error()));
            if (!found.user) return {};
            return parts_.accounts.record(
                unit, caller, *found.user, "session.sign_in", api::Act::Outcome::refused
            );
        });
        FAIRLEAD_CHECK(noted);
        return not_signed_in(state.error());
    }
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<OpenedSession> {
        FAIRLEAD_CHECK(PasskeyRepo(unit.db()).used(*found.passkey, *state, caller.now));
        // Something that one has, and a PIN or a finger: that is two.
        return parts_.accounts.enter(
            unit, caller, *found.user, {.method = "passkey", .second_factor = true}
        );
    });
}

// ------------------------------------------------------------------ after a password

Result<boost::json::object>
PasskeyProofs::begin_second(const Caller& caller, std::string_view challenge) {
    return parts_.store.read([&](store::Connection& db) -> Result<boost::json::object> {
        FAIRLEAD_TRY(user, parts_.second_step.waiting(db, caller, challenge));
        FAIRLEAD_TRY(passkeys, some_of(db, user.id));
        return parts_.ceremony.request_options(
            second_subject(challenge), passkeys, UserVerification::preferred, caller.now
        );
    });
}

Result<OpenedSession> PasskeyProofs::second(
    const Caller& caller, std::string_view challenge, const boost::json::object& credential
) {
    FAIRLEAD_TRY(answer, PasskeyAnswer::read(credential));
    FAIRLEAD_TRY(found, parts_.store.read([&](store::Connection& db) -> Result<Claim> {
        FAIRLEAD_TRY(user, parts_.second_step.waiting(db, caller, challenge));
        FAIRLEAD_TRY(claimed, claim(db, answer));
        // Of somebody else: the failure is that of who gave the password.
        if (claimed.passkey && claimed.passkey->user_id != user.id) claimed.passkey.reset();
        claimed.user = std::move(user);
        return std::move(claimed);
    }));
    auto state =
        judge(second_subject(challenge), answer, found, UserVerification::preferred, caller.now);
    if (!state) {
        auto noted = parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
            FAIRLEAD_CHECK(note_copy(unit, caller, found, state.error()));
            return parts_.second_step.failed(unit, caller, *found.user, challenge);
        });
        FAIRLEAD_CHECK(noted);
        return not_signed_in(state.error());
    }
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<OpenedSession> {
        FAIRLEAD_CHECK(PasskeyRepo(unit.db()).used(*found.passkey, *state, caller.now));
        return parts_.second_step.finish(unit, caller, challenge);
    });
}

// ------------------------------------------------------------------ once more in a session

Result<boost::json::object>
PasskeyProofs::begin_elevate(const Caller& caller, const api::Principal& who) {
    return parts_.store.read([&](store::Connection& db) -> Result<boost::json::object> {
        FAIRLEAD_TRY(user, parts_.second_step.may_try(db, caller, who));
        FAIRLEAD_TRY(passkeys, some_of(db, user.id));
        return parts_.ceremony.request_options(
            elevate_subject(who), passkeys, UserVerification::preferred, caller.now
        );
    });
}

Result<Secret> PasskeyProofs::elevate(
    const Caller& caller, const api::Principal& who, const boost::json::object& credential
) {
    FAIRLEAD_TRY(answer, PasskeyAnswer::read(credential));
    FAIRLEAD_TRY(found, parts_.store.read([&](store::Connection& db) -> Result<Claim> {
        FAIRLEAD_TRY(user, parts_.second_step.may_try(db, caller, who));
        FAIRLEAD_TRY(claimed, claim(db, answer));
        if (claimed.passkey && claimed.passkey->user_id != user.id) claimed.passkey.reset();
        claimed.user = std::move(user);
        return std::move(claimed);
    }));
    auto state =
        judge(elevate_subject(who), answer, found, UserVerification::preferred, caller.now);
    if (!state) {
        auto noted = parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
            FAIRLEAD_CHECK(note_copy(unit, caller, found, state.error()));
            return parts_.second_step.not_elevated(unit, caller, *found.user);
        });
        FAIRLEAD_CHECK(noted);
        return tl::unexpected(std::move(state).error());
    }
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<Secret> {
        FAIRLEAD_CHECK(PasskeyRepo(unit.db()).used(*found.passkey, *state, caller.now));
        return parts_.second_step.elevated(unit, caller, who, *found.user, true);
    });
}

} // namespace fairlead::access
