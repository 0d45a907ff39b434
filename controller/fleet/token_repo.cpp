#include "controller/fleet/token_repo.hpp"

namespace fairlead::fleet {
namespace {

#define FAIRLEAD_TOKEN                                                                             \
    "id, org_id, name, labels, max_uses, uses, expires_ms, created_ms, created_by, "               \
    "created_by_email, revoked_ms"

} // namespace

Result<> TokenRepo::insert(const RegistrationToken& t, std::string_view hash) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO registration_token (id, org_id, name, token_hash, labels, max_uses, "
        "expires_ms, created_ms,"
        " created_by, created_by_email) VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, $10)",
        org_, t.id, t.name, hash, t.labels, t.max_uses, t.expires_ms, t.created_ms, t.created_by,
        t.created_by_email
    ));
    return {};
}

Result<RegistrationToken> TokenRepo::get(const TokenId& id) {
    return store::present(
        db_.one<RegistrationToken>(
            "SELECT " FAIRLEAD_TOKEN " FROM registration_token WHERE id = $2 AND org_id = $1", org_,
            id
        ),
        "There is no such registration token."
    );
}

Result<std::vector<RegistrationToken>> TokenRepo::list(std::string_view below, std::int64_t limit) {
    return db_.all<RegistrationToken>(
        "SELECT " FAIRLEAD_TOKEN
        " FROM registration_token WHERE org_id = $1 AND ($2 = '' OR id < $2)"
        " ORDER BY id DESC LIMIT $3",
        org_, below, limit
    );
}

Result<std::int64_t> TokenRepo::count() {
    FAIRLEAD_TRY(
        count,
        db_.one<std::int64_t>("SELECT count(*) FROM registration_token WHERE org_id = $1", org_)
    );
    return count.value_or(0);
}

Result<> TokenRepo::revoke(const TokenId& id, Timestamp at) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE registration_token SET revoked_ms = $3 WHERE id = $2 AND org_id = $1"
        " AND revoked_ms IS NULL",
        org_, id, at
    ));
    return {};
}

Result<bool> TokenRepo::use(const TokenId& id, Timestamp now) {
    FAIRLEAD_TRY(
        done, db_.run(
                  "UPDATE registration_token SET uses = uses + 1 WHERE id = $2 AND org_id = $1"
                  " AND uses < max_uses AND revoked_ms IS NULL AND expires_ms > $3",
                  org_, id, now
              )
    );
    return done > 0;
}

Result<> TokenRepo::prune(Timestamp now) {
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM registration_token WHERE org_id = $1 AND (expires_ms < $2 OR revoked_ms < $2)",
        org_, now - kept
    ));
    return {};
}

Result<std::vector<OrgId>> orgs_with_old_tokens(store::Connection& db, Timestamp now) {
    return db.all<OrgId>(
        "SELECT DISTINCT org_id FROM registration_token WHERE expires_ms < $1 OR revoked_ms < $1"
        " LIMIT 10000",
        now - TokenRepo::kept
    );
}

Result<std::optional<RegistrationToken>>
token_by_hash(store::Connection& db, std::string_view hash) {
    return db.one<RegistrationToken>(
        "SELECT " FAIRLEAD_TOKEN " FROM registration_token WHERE token_hash = $1", hash
    );
}

} // namespace fairlead::fleet
