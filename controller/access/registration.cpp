#include "controller/access/registration.hpp"

#include "common/crypto/token.hpp"
#include "common/json/json.hpp"
#include "controller/access/challenges.hpp"
#include "controller/access/waits.hpp"
#include "controller/orgs/orgs.hpp"

namespace fairlead::access {
namespace {

constexpr std::string_view verify_kind = "verify_email", change_kind = "change_email",
                           reset_kind = "reset_password";
constexpr auto unconfirmed_for = std::chrono::hours(24 * 7);
constexpr std::int64_t most_unconfirmed = 10'000;

tl::unexpected<Error> link_invalid() {
    return fail(Error(
                    Errc::not_found, "This link is not good any more: it was used, a newer one was "
                                     "sent, or it has run out. Ask for a new one."
    )
                    .with_code("link_invalid"));
}

/// A challenge that came by mail has its own words.
template <class T>
Result<T> by_link(Result<T> found) {
    if (!found && found.error().code() == "challenge_invalid") return link_invalid();
    return found;
}

Result<> check_room(store::Connection& db) {
    FAIRLEAD_TRY(
        count, db.one<std::int64_t>("SELECT count(*) FROM app_user WHERE verified_ms IS NULL")
    );
    if (count.value_or(0) < most_unconfirmed) return {};
    return fail(
        Error(Errc::unavailable, "Too many people are registering at this moment. Try again later.")
            .with_fact("retry_after_s", "3600")
    );
}

} // namespace

Result<> Registration::count(
    store::UnitOfWork& unit, const Caller& caller, std::string_view purpose, std::string_view email
) {
    Waits waits(unit.db());
    for (const auto& subject :
         {wait_of_address(purpose, caller.address), wait_of_account(purpose, email)}) {
        FAIRLEAD_CHECK(waits.check(subject, caller.now));
        FAIRLEAD_CHECK(waits.failed(subject, caller.now));
    }
    return parts_.outbox.check_room(unit.db());
}

Result<> Registration::send_verification(store::UnitOfWork& unit, const User& user, Timestamp now) {
    Challenges challenges(unit.db(), parts_.keys);
    FAIRLEAD_CHECK(challenges.drop(verify_kind, user.id));
    FAIRLEAD_TRY(
        token,
        challenges.make(
            verify_kind, {user.id, std::nullopt, Secret(user.email)}, Letters::verify_lasts, now
        )
    );
    return parts_.outbox.put(unit, parts_.letters.verify(user.email, token, now), now);
}

Result<> Registration::send_reset(store::UnitOfWork& unit, const User& user, Timestamp now) {
    Challenges challenges(unit.db(), parts_.keys);
    FAIRLEAD_CHECK(challenges.drop(reset_kind, user.id));
    FAIRLEAD_TRY(
        token,
        challenges.make(
            reset_kind, {user.id, std::nullopt, Secret(user.email)}, Letters::reset_lasts, now
        )
    );
    return parts_.outbox.put(unit, parts_.letters.reset(user.email, token, now), now);
}

Result<> Registration::enter(
    const Caller& caller, std::string_view text, std::string_view name, const Secret& password
) {
    if (parts_.openness != Openness::open)
        return fail(Error(
                        Errc::forbidden,
                        parts_.openness == Openness::invitation
                            ? "Accounts come by invitation here: ask somebody of your organization "
                              "to invite you."
                            : "No new accounts are made here."
        )
                        .with_code("registration_closed"));
    FAIRLEAD_TRY(email, normal_email(text));
    FAIRLEAD_CHECK(check_new_password("password", password, email));
    // Counted first, so that the slow hash is not for the asking; done for known addresses too.
    FAIRLEAD_CHECK(parts_.store.write([&](store::UnitOfWork& unit) {
        return count(unit, caller, "register", email);
    }));
    FAIRLEAD_TRY(before, parts_.store.read([&](store::Connection& db) {
        return UserRepo(db).by_email(email);
    }));
    // Two who typed one address: the mailbox tells whose it is, not which password is theirs. So
    // neither one counts, whichever came first, and whoever reads the mail chooses a new one.
    auto nobodys = crypto::make_token("");
    FAIRLEAD_TRY(hash, parts_.hasher.hash(before ? nobodys : password));
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        UserRepo users(unit.db());
        FAIRLEAD_TRY(known, users.by_email(email));
        // Without a password: a command made it, and its link, or a new one, sets it up.
        if (known && (known->verified || known->password_hash.empty()))
            return parts_.outbox.put(
                unit, parts_.letters.known_already(email, caller.now), caller.now
            );
        if (known.has_value() != before.has_value())
            return fail(Errc::unavailable, "Somebody did the same at this moment. Try again.");
        if (known) {
            FAIRLEAD_CHECK(parts_.accounts.record(unit, caller, *known, "user.register"));
            FAIRLEAD_CHECK(users.set_password(known->id, hash));
            FAIRLEAD_CHECK(Challenges(unit.db(), parts_.keys).drop(verify_kind, known->id));
            FAIRLEAD_CHECK(parts_.outbox.withdraw(unit, verify_kind, email));
            return send_reset(unit, *known, caller.now);
        }
        FAIRLEAD_CHECK(check_room(unit.db()));
        FAIRLEAD_TRY(made, users.create(email, name, caller.now));
        FAIRLEAD_CHECK(users.set_password(made.id, hash));
        FAIRLEAD_CHECK(parts_.accounts.record(unit, caller, made, "user.register"));
        return send_verification(unit, made, caller.now);
    });
}

Result<> Registration::resend(const Caller& caller, std::string_view text) {
    FAIRLEAD_TRY(email, normal_email(text));
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_CHECK(count(unit, caller, "verify", email));
        FAIRLEAD_TRY(user, UserRepo(unit.db()).by_email(email));
        // Invited people and those that a command made come by other links.
        if (!user || user->verified || user->password_hash.empty()) return {};
        FAIRLEAD_CHECK(parts_.accounts.record(unit, caller, *user, "user.resend_verification"));
        return send_verification(unit, *user, caller.now);
    });
}

Result<> Registration::forgot(const Caller& caller, std::string_view text) {
    FAIRLEAD_TRY(email, normal_email(text));
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_CHECK(count(unit, caller, "reset", email));
        FAIRLEAD_TRY(user, UserRepo(unit.db()).by_email(email));
        if (!user) return {};
        FAIRLEAD_CHECK(parts_.accounts.record(unit, caller, *user, "user.forgot_password"));
        return send_reset(unit, *user, caller.now);
    });
}

Result<std::optional<User>> Registration::welcome(
    store::UnitOfWork& unit, const Caller& caller, const std::string& email, const std::string& name
) {
    if (parts_.openness != Openness::open) return std::optional<User>();
    UserRepo users(unit.db());
    FAIRLEAD_TRY(known, users.by_email(email));
    if (!known) {
        FAIRLEAD_TRY(made, users.create(email, name, caller.now));
        known = std::move(made);
    }
    // Somebody may have registered with it before and never have proven that it is theirs.
    if (!known->verified) FAIRLEAD_CHECK(users.set_password(known->id, ""));
    FAIRLEAD_CHECK(confirmed(unit, caller, *known));
    return known;
}

Result<> Registration::confirmed(store::UnitOfWork& unit, const Caller& caller, User& user) {
    if (user.verified) return {};
    FAIRLEAD_CHECK(UserRepo(unit.db()).set_verified(user.id, caller.now));
    user.verified = caller.now;
    FAIRLEAD_CHECK(parts_.outbox.withdraw(unit, verify_kind, user.email));
    FAIRLEAD_CHECK(Challenges(unit.db(), parts_.keys).drop(verify_kind, user.id));
    orgs::Memberships memberships(unit.db());
    FAIRLEAD_TRY(theirs, memberships.of(user.id));
    if (theirs.empty() && parts_.openness == Openness::open) {
        auto name = user.name.empty() ? user.email.substr(0, user.email.find('@')) : user.name;
        FAIRLEAD_TRY(org, memberships.create(name, orgs::Plan::free, caller.now));
        FAIRLEAD_CHECK(memberships.add(org.id, user.id, "admin", true, caller.now));
        api::Act act{
            .action = "org.create",
            .target_type = "org",
            .target_id = org.id.str(),
            .target_name = org.name};
        parts_.audit.record(
            unit, api::ScopeIssuer::scope(org.id), actor_of(caller, user), std::move(act)
        );
    }
    return parts_.accounts.record(unit, caller, user, "user.verify_email");
}

Result<Registration::Verified> Registration::verify(const Caller& caller, std::string_view token) {
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<Verified> {
        Challenges challenges(unit.db(), parts_.keys);
        UserRepo users(unit.db());
        auto first = challenges.take(verify_kind, token, caller.now);
        bool changes = !first && first.error().code() == "challenge_invalid";
        if (changes) first = challenges.take(change_kind, token, caller.now);
        FAIRLEAD_TRY(asked, by_link(std::move(first)));
        FAIRLEAD_TRY(
            user,
            store::present(users.find(asked.user.value_or(UserId())), "There is no such account.")
        );
        std::string email(asked.data.reveal());
        if (!changes) {
            // The address was changed since, by a link of its own.
            if (email != user.email) return link_invalid();
            FAIRLEAD_CHECK(confirmed(unit, caller, user));
            return Verified{email, false};
        }
        FAIRLEAD_TRY(other, users.by_email(email));
        if (other && other->id != user.id)
            return fail(Error(
                            Errc::conflict, "Another account has the address " + email +
                                                " by now. Yours keeps the one it has."
            )
                            .with_code("email_taken"));
        auto before = user.email;
        FAIRLEAD_CHECK(users.set_email(user.id, email));
        FAIRLEAD_CHECK(challenges.drop(change_kind, user.id));
        FAIRLEAD_CHECK(challenges.drop(reset_kind, user.id));
        FAIRLEAD_CHECK(parts_.outbox.withdraw(unit, reset_kind, before));
        FAIRLEAD_CHECK(parts_.accounts.record(unit, caller, user, "user.change_email"));
        FAIRLEAD_CHECK(parts_.outbox.put(
            unit, parts_.letters.address_changed(before, email, caller.now), caller.now
        ));
        parts_.sessions.changed(unit, user.id);
        return Verified{email, true};
    });
}

Result<> Registration::reset(const Caller& caller, std::string_view token, const Secret& password) {
    auto look = [&](store::Connection& db) -> Result<Challenge> {
        FAIRLEAD_TRY(
            asked, by_link(Challenges(db, parts_.keys).look(reset_kind, token, caller.now))
        );
        return std::move(asked);
    };
    FAIRLEAD_TRY(asked, parts_.store.read(look));
    FAIRLEAD_CHECK(check_new_password("password", password, asked.data.reveal()));
    FAIRLEAD_TRY(hash, parts_.hasher.hash(password));
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        Challenges challenges(unit.db(), parts_.keys);
        UserRepo users(unit.db());
        FAIRLEAD_TRY(taken, by_link(challenges.take(reset_kind, token, caller.now)));
        FAIRLEAD_TRY(
            user,
            store::present(users.find(taken.user.value_or(UserId())), "There is no such account.")
        );
        FAIRLEAD_CHECK(users.set_password(user.id, hash));
        // Half done sign-ins and other links of before are void.
        FAIRLEAD_CHECK(challenges.drop_all(user.id));
        FAIRLEAD_CHECK(parts_.sessions.end_all(unit, user.id, std::nullopt));
        FAIRLEAD_CHECK(Waits(unit.db()).succeeded(wait_of_account("sign_in", user.email)));
        FAIRLEAD_CHECK(Waits(unit.db()).succeeded(wait_of_account("reset", user.email)));
        // Whoever has the link has the mailbox.
        FAIRLEAD_CHECK(confirmed(unit, caller, user));
        FAIRLEAD_CHECK(parts_.accounts.record(unit, caller, user, "user.reset_password"));
        return parts_.outbox.put(
            unit, parts_.letters.password_was_reset(user.email, caller.now), caller.now
        );
    });
}

Result<>
Registration::change_email(const Caller& caller, const User& user, std::string_view email) {
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_CHECK(count(unit, caller, "change_email", user.id.str()));
        FAIRLEAD_TRY(other, UserRepo(unit.db()).by_email(email));
        FAIRLEAD_CHECK(parts_.accounts.record(unit, caller, user, "user.ask_email_change"));
        Challenges challenges(unit.db(), parts_.keys);
        FAIRLEAD_CHECK(challenges.drop(change_kind, user.id));
        // Whether somebody has the address is theirs to tell.
        if (other) return {};
        FAIRLEAD_TRY(
            token, challenges.make(
                       change_kind, {user.id, std::nullopt, Secret(std::string(email))},
                       Letters::verify_lasts, caller.now
                   )
        );
        return parts_.outbox.put(unit, parts_.letters.change(email, token, caller.now), caller.now);
    });
}

Result<> Registration::tidy(Timestamp now) {
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_TRY(
            old, unit.db().all<UserId>(
                     "SELECT id FROM app_user WHERE verified_ms IS NULL AND password_hash <> ''"
                     " AND created_ms <= $1 AND operator = 0 AND NOT EXISTS (SELECT 1 FROM"
                     " membership m WHERE m.user_id = app_user.id) LIMIT 100",
                     now - unconfirmed_for
                 )
        );
        for (const auto& id : old) FAIRLEAD_CHECK(UserRepo(unit.db()).remove(id));
        return {};
    });
}

} // namespace fairlead::access
