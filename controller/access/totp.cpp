#include "controller/access/totp.hpp"

#include "common/crypto/totp.hpp"

#include <boost/describe.hpp>

#include <chrono>
#include <string>

namespace fairlead::access {
namespace {

constexpr auto begun_for = std::chrono::hours(1);

std::string place_of(const UserId& user) {
    return "totp/" + user.str();
}

tl::unexpected<Error> enabled() {
    return fail(Error(
                    Errc::conflict, "An authenticator app is set up already. Remove it first, then "
                                    "set up the new one."
    )
                    .with_code("totp_enabled"));
}

struct Row {
    store::Blob sealed;
    Timestamp created;
    std::optional<Timestamp> confirmed;
    std::int64_t last_step = 0;
};
BOOST_DESCRIBE_STRUCT(Row, (), (sealed, created, confirmed, last_step))

struct SealedSecret {
    std::int64_t row = 0;
    UserId user_id;
    store::Blob sealed;
};
BOOST_DESCRIBE_STRUCT(SealedSecret, (), (row, user_id, sealed))

Result<std::optional<Row>> find(store::Connection& db, const UserId& user) {
    return db.one<Row>(
        "SELECT sealed, created_ms AS created, confirmed_ms AS confirmed, last_step FROM totp"
        " WHERE user_id = $1",
        user
    );
}

/// The code of a step counts once.
Result<bool>
use(store::Connection& db, const UserId& user, const Secret& key, std::int64_t last_step,
    std::string_view code, Timestamp now) {
    auto step = crypto::match_totp(key, code, now, last_step);
    if (!step) return false;
    FAIRLEAD_CHECK(db.run("UPDATE totp SET last_step = $2 WHERE user_id = $1", user, *step));
    return true;
}

} // namespace

Result<std::optional<Timestamp>> TotpRepo::since(const UserId& user) {
    return db_.one<Timestamp>(
        "SELECT confirmed_ms FROM totp WHERE user_id = $1 AND confirmed_ms IS NOT NULL", user
    );
}

Result<Secret> TotpRepo::begin(const UserId& user, Timestamp now) {
    FAIRLEAD_TRY(row, find(db_, user));
    if (row && row->confirmed) return enabled();
    auto key = crypto::make_totp_key();
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO totp (user_id, sealed, created_ms, last_step) VALUES ($1, $2, $3, 0)"
        " ON CONFLICT (user_id) DO UPDATE SET sealed = $2, created_ms = $3, last_step = 0",
        user, store::Blob{keys_.seal(key, place_of(user))}, now
    ));
    return key;
}

Result<bool> TotpRepo::confirm(const UserId& user, std::string_view code, Timestamp now) {
    FAIRLEAD_TRY(row, find(db_, user));
    if (row && row->confirmed) return enabled();
    if (!row || now - row->created > begun_for)
        return fail(Error(
                        Errc::conflict, "Setting up an authenticator app was not begun, or more "
                                        "than an hour ago. Begin again, with a new key."
        )
                        .with_code("totp_not_begun"));
    FAIRLEAD_TRY(key, keys_.open(row->sealed.bytes, place_of(user)));
    FAIRLEAD_TRY(good, use(db_, user, key, row->last_step, code, now));
    if (!good) return false;
    FAIRLEAD_CHECK(db_.run("UPDATE totp SET confirmed_ms = $2 WHERE user_id = $1", user, now));
    return true;
}

Result<bool> TotpRepo::check(const UserId& user, std::string_view code, Timestamp now) {
    FAIRLEAD_TRY(row, find(db_, user));
    if (!row || !row->confirmed) return false;
    FAIRLEAD_TRY(key, keys_.open(row->sealed.bytes, place_of(user)));
    return use(db_, user, key, row->last_step, code, now);
}

Result<bool> TotpRepo::remove(const UserId& user) {
    FAIRLEAD_TRY(
        gone, db_.run("DELETE FROM totp WHERE user_id = $1 AND confirmed_ms IS NOT NULL", user)
    );
    FAIRLEAD_CHECK(db_.run("DELETE FROM totp WHERE user_id = $1", user));
    return gone > 0;
}

Result<> visit_totp(store::Connection& db, const api::SealedVisitor& visit) {
    return api::each_row<SealedSecret>(
        db,
        "SELECT rowid AS row, user_id, sealed FROM totp WHERE rowid > $1 ORDER BY rowid LIMIT $2",
        [&](const SealedSecret& secret) {
            auto put = [&](const store::Blob& now) {
                return db.run(
                    "UPDATE totp SET sealed = $2 WHERE user_id = $1", secret.user_id, now
                );
            };
            return api::visit_one(visit, secret.sealed, place_of(secret.user_id), put);
        }
    );
}

} // namespace fairlead::access
