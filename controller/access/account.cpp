#include "controller/access/account.hpp"

#include "controller/access/recovery_codes.hpp"
#include "controller/access/totp.hpp"
#include "controller/access/waits.hpp"
#include "controller/orgs/orgs.hpp"

namespace fairlead::access {
namespace {

constexpr std::string_view purpose = "totp_setup";

/// The organization that would have no owner without this person, "" where there is none.
Result<std::string> orphan_of(store::Connection& db, const UserId& user) {
    FAIRLEAD_TRY(
        name, db.one<std::string>(
                  "SELECT o.name FROM membership m JOIN org o ON o.id = m.org_id"
                  " WHERE m.user_id = $1 AND m.owner = 1 AND NOT EXISTS (SELECT 1 FROM membership "
                  "other WHERE other.org_id = m.org_id AND other.owner = 1 AND other.user_id <> $1)"
                  " ORDER BY o.name LIMIT 1",
                  user
              )
    );
    return name.value_or("");
}

Result<> check_last_operator(store::Connection& db, const User& user) {
    if (!user.is_operator) return {};
    FAIRLEAD_TRY(
        other, db.one<int>("SELECT 1 FROM app_user WHERE operator = 1 AND id <> $1", user.id)
    );
    if (other) return {};
    return fail(Error(
                    Errc::conflict, "You are the only one who looks after this installation, so "
                                    "this account has to stay."
    )
                    .with_code("last_operator"));
}

} // namespace

Result<User> Account::find(store::Connection& db, const UserId& user) {
    return store::present(UserRepo(db).find(user), "There is no such user.");
}

Result<Account::View> Account::view(const UserId& id) {
    return parts_.store.read([&](store::Connection& db) -> Result<View> {
        FAIRLEAD_TRY(user, find(db, id));
        FAIRLEAD_TRY(since, TotpRepo(db, parts_.keys).since(id));
        FAIRLEAD_TRY(methods, parts_.factors.of(db, id));
        FAIRLEAD_TRY(left, RecoveryCodes(db).left(id));
        return View{std::move(user), since, std::move(methods), left};
    });
}

Result<> Account::rename(const Caller& caller, const UserId& id, std::string_view name) {
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_CHECK(UserRepo(unit.db()).set_name(id, name));
        FAIRLEAD_TRY(user, find(unit.db(), id));
        parts_.sessions.changed(unit, id);
        return parts_.accounts.record(unit, caller, user, "user.rename");
    });
}

Result<Secret> Account::begin_totp(const Caller& caller, const UserId& id) {
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<Secret> {
        FAIRLEAD_TRY(user, find(unit.db(), id));
        FAIRLEAD_TRY(key, TotpRepo(unit.db(), parts_.keys).begin(id, caller.now));
        FAIRLEAD_CHECK(parts_.accounts.record(unit, caller, user, "user.begin_totp"));
        return std::move(key);
    });
}

Result<Account::Confirmed>
Account::confirm_totp(const Caller& caller, const api::Principal& who, std::string_view code) {
    if (!who.session)
        return fail(Errc::forbidden, "Only somebody who is signed in can do this, no key.");
    using Done = std::optional<Confirmed>;
    FAIRLEAD_TRY(done, parts_.store.write([&](store::UnitOfWork& unit) -> Result<Done> {
        auto& db = unit.db();
        FAIRLEAD_TRY(user, find(db, who.user));
        auto waiting = wait_of_account(purpose, who.user.str());
        FAIRLEAD_CHECK(Waits(db).check(waiting, caller.now));
        FAIRLEAD_TRY(good, TotpRepo(db, parts_.keys).confirm(who.user, code, caller.now));
        if (!good) {
            FAIRLEAD_CHECK(Waits(db).failed(waiting, caller.now));
            return Done();
        }
        FAIRLEAD_CHECK(Waits(db).succeeded(waiting));
        Confirmed result;
        FAIRLEAD_TRY(left, RecoveryCodes(db).left(who.user));
        if (left == 0) {
            FAIRLEAD_TRY(codes, RecoveryCodes(db).make(who.user));
            result.recovery_codes = std::move(codes);
        }
        FAIRLEAD_CHECK(parts_.accounts.record(unit, caller, user, "user.enable_totp"));
        FAIRLEAD_TRY(
            token, parts_.sessions.elevate(unit, who.user, *who.session, true, caller.now)
        );
        result.token = std::move(token);
        return Done(std::move(result));
    }));
    if (done) return *std::move(done);
    return fail(Error(
                    Errc::invalid, "The code is wrong. Look whether the clock of the device with "
                                   "the app is right, and type the code that it shows now."
    )
                    .with_code("proof_wrong")
                    .with_fields({{"code", "is wrong"}}));
}

Result<> Account::remove_totp(const Caller& caller, const UserId& id) {
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_TRY(user, find(unit.db(), id));
        FAIRLEAD_TRY(gone, TotpRepo(unit.db(), parts_.keys).remove(id));
        if (!gone) return fail(Errc::not_found, "No authenticator app is set up.");
        FAIRLEAD_CHECK(parts_.factors.removed(unit, parts_.sessions, id));
        return parts_.accounts.record(unit, caller, user, "user.disable_totp");
    });
}

Result<std::vector<Secret>> Account::new_recovery_codes(const Caller& caller, const UserId& id) {
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<std::vector<Secret>> {
        FAIRLEAD_TRY(user, find(unit.db(), id));
        FAIRLEAD_TRY(methods, parts_.factors.of(unit.db(), id));
        if (methods.empty())
            return fail(Error(
                            Errc::conflict, "Recovery codes stand in for a second factor, and this "
                                            "account has none yet."
            )
                            .with_code("no_second_factor"));
        FAIRLEAD_TRY(codes, RecoveryCodes(unit.db()).make(id));
        FAIRLEAD_CHECK(parts_.accounts.record(unit, caller, user, "user.new_recovery_codes"));
        return std::move(codes);
    });
}

Result<> Account::remove(const Caller& caller, const UserId& id) {
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_TRY(user, find(unit.db(), id));
        FAIRLEAD_TRY(orphan, orphan_of(unit.db(), id));
        if (!orphan.empty())
            return fail(Error(
                            Errc::conflict, "You are the only owner of \"" + orphan +
                                                "\". Make somebody else an owner, or delete the "
                                                "organization, then delete the account."
            )
                            .with_code("sole_owner")
                            .with_fact("organization", orphan));
        FAIRLEAD_CHECK(check_last_operator(unit.db(), user));
        FAIRLEAD_CHECK(parts_.accounts.record(unit, caller, user, "user.delete"));
        FAIRLEAD_CHECK(parts_.sessions.end_all(unit, id, std::nullopt));
        for (const auto& departure : departures_) FAIRLEAD_CHECK(departure(unit, id));
        return UserRepo(unit.db()).remove(id);
    });
}

Result<std::vector<Account::Pending>>
Account::pending(const Caller& caller, const UserId& id, const api::Page& page) {
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<std::vector<Pending>> {
        FAIRLEAD_TRY(user, find(unit.db(), id));
        FAIRLEAD_TRY(mails, parts_.outbox.list(unit.db(), page.after, page.limit + 1));
        bool by_hand = parts_.outbox.delivery() == mail::Delivery::by_hand;
        std::vector<Pending> result;
        for (auto& mail : mails) {
            Pending one{std::move(mail), {}};
            if (by_hand) {
                FAIRLEAD_TRY(link, parts_.outbox.link_of(unit.db(), one.mail.id));
                if (link) one.link = *std::move(link);
            }
            result.push_back(std::move(one));
        }
        if (by_hand && !result.empty())
            parts_.accounts.record_of_installation(unit, caller, user, "installation.view_links");
        return result;
    });
}

} // namespace fairlead::access
