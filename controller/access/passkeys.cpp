#include "controller/access/passkeys.hpp"

#include "common/crypto/encoding.hpp"
#include "controller/api/change.hpp"

#include <algorithm>

namespace fairlead::access {
namespace {

std::string subject_of(const api::Principal& who) {
    return "register/" + (who.session ? who.session->str() : std::string());
}

Result<> check_room(PasskeyRepo& passkeys, const UserId& user) {
    FAIRLEAD_TRY(count, passkeys.count(user));
    if (count < PasskeyRepo::most_per_user) return {};
    return api::conflict(
        "too_many_passkeys", "This account has " + std::to_string(count) +
                                 " passkeys, which is the most. Remove one that is not used."
    );
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

Result<User> present_user(store::Connection& db, const UserId& id) {
    return store::present(UserRepo(db).find(id), "There is no such user.");
}

boost::json::object told(const Passkey& passkey) {
    return {{"passkey", passkey.name}, {"passkey_id", passkey.id.str()}};
}

} // namespace

Result<Passkeys::Listed> Passkeys::list(const UserId& user) {
    return parts_.store.read([&](store::Connection& db) -> Result<Listed> {
        FAIRLEAD_TRY(passkeys, PasskeyRepo(db).of(user));
        FAIRLEAD_TRY(methods, parts_.factors.of(db, user));
        bool other = std::any_of(methods.begin(), methods.end(), [](const std::string& method) {
            return method != "passkey" && method != "recovery_code";
        });
        bool last = passkeys.size() == 1 && !other;
        return Listed{std::move(passkeys), last};
    });
}

Result<boost::json::object> Passkeys::begin(const api::Principal& who, Timestamp now) {
    return parts_.store.read([&](store::Connection& db) -> Result<boost::json::object> {
        PasskeyRepo passkeys(db);
        FAIRLEAD_CHECK(check_room(passkeys, who.user));
        FAIRLEAD_TRY(user, present_user(db, who.user));
        FAIRLEAD_TRY(others, passkeys.of(who.user));
        return parts_.ceremony.creation_options(subject_of(who), user, others, now);
    });
}

Result<Passkeys::Made> Passkeys::add(
    const Caller& caller, const api::Principal& who, std::string_view name,
    const boost::json::object& credential
) {
    if (!who.session)
        return fail(Errc::forbidden, "Only somebody who is signed in can do this, no key.");
    FAIRLEAD_TRY(offer, PasskeyOffer::read(credential));
    auto made = parts_.ceremony.registered(subject_of(who), offer, caller.now);
    if (!made) {
        FAIRLEAD_CHECK(parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
            FAIRLEAD_TRY(user, present_user(unit.db(), who.user));
            return parts_.accounts.record(
                unit, caller, user, "passkey.register", api::Act::Outcome::refused
            );
        }));
        return tl::unexpected(std::move(made).error());
    }
    Passkey passkey{
        PasskeyId::make(caller.now),
        who.user,
        std::string(name),
        crypto::base64url_encode(offer.credential_id),
        {made->public_key},
        made->state.sign_count,
        made->aaguid,
        joined(offer.transports),
        made->state.user_verified,
        made->state.backup_eligible,
        made->state.backed_up,
        caller.now,
        std::nullopt};
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<Made> {
        PasskeyRepo passkeys(unit.db());
        FAIRLEAD_TRY(user, present_user(unit.db(), who.user));
        FAIRLEAD_CHECK(check_room(passkeys, user.id));
        auto added = passkeys.add(passkey);
        if (!added && added.error().kind() == Errc::conflict)
            return api::conflict("passkey_known", "This passkey is registered already.");
        FAIRLEAD_CHECK(added);
        FAIRLEAD_CHECK(parts_.accounts.record(
            unit, caller, user, "passkey.register", api::Act::Outcome::ok, told(passkey)
        ));
        // Whoever made it just now has shown it.
        FAIRLEAD_TRY(token, parts_.sessions.elevate(unit, user.id, *who.session, true, caller.now));
        return Made{passkey, std::move(token)};
    });
}

Result<Passkey> Passkeys::rename(
    const Caller& caller, const UserId& id, const PasskeyId& passkey, std::string_view name
) {
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<Passkey> {
        PasskeyRepo passkeys(unit.db());
        FAIRLEAD_TRY(user, present_user(unit.db(), id));
        FAIRLEAD_CHECK(passkeys.rename(id, passkey, name));
        FAIRLEAD_TRY(renamed, passkeys.find(id, passkey));
        FAIRLEAD_CHECK(parts_.accounts.record(
            unit, caller, user, "passkey.rename", api::Act::Outcome::ok, told(renamed)
        ));
        return std::move(renamed);
    });
}

Result<> Passkeys::remove(const Caller& caller, const UserId& id, const PasskeyId& passkey) {
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        PasskeyRepo passkeys(unit.db());
        FAIRLEAD_TRY(user, present_user(unit.db(), id));
        FAIRLEAD_TRY(removed, passkeys.find(id, passkey));
        FAIRLEAD_CHECK(passkeys.remove(id, passkey));
        FAIRLEAD_CHECK(parts_.factors.removed(unit, parts_.sessions, id));
        return parts_.accounts.record(
            unit, caller, user, "passkey.remove", api::Act::Outcome::ok, told(removed)
        );
    });
}

void join_passkeys(SecondFactors& factors, Account& account) {
    factors.add("passkey", [](store::Connection& db, const UserId& user) -> Result<bool> {
        FAIRLEAD_TRY(count, PasskeyRepo(db).count(user));
        return count > 0;
    });
    account.on_remove([](store::UnitOfWork& unit, const UserId& user) {
        return PasskeyRepo(unit.db()).remove_all(user);
    });
}

} // namespace fairlead::access
