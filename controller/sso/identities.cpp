#include "controller/sso/identities.hpp"

#include "common/crypto/hash.hpp"

namespace fairlead::sso {

#define FAIRLEAD_IDENTITY                                                                          \
    "id, user_id, provider, issuer, subject, email, created_ms AS created, last_used_ms AS "       \
    "last_used"

Result<std::optional<Identity>> IdentityRepo::find(const Person& person) {
    return db_.one<Identity>(
        "SELECT " FAIRLEAD_IDENTITY " FROM sign_in_identity WHERE issuer = $1 AND subject = $2",
        person.issuer, person.subject
    );
}

Result<std::vector<Identity>> IdentityRepo::of(const UserId& user) {
    return db_.all<Identity>(
        "SELECT " FAIRLEAD_IDENTITY " FROM sign_in_identity WHERE user_id = $1"
        " ORDER BY created_ms, id LIMIT 100",
        user
    );
}

Result<Identity> IdentityRepo::add(
    const UserId& user, std::string_view provider, const Person& person, Timestamp now
) {
    FAIRLEAD_TRY(theirs, of(user));
    if (theirs.size() >= static_cast<std::size_t>(most))
        return fail(Error(Errc::conflict, "This account has 20 identities, which is the most.")
                        .with_code("identities_full"));
    Identity made{
        IdentityId::make(now),
        user,
        std::string(provider),
        person.issuer,
        person.subject,
        person.email,
        now,
        now};
    FAIRLEAD_TRY(
        added, db_.run(
                   "INSERT INTO sign_in_identity (id, user_id, provider, issuer, subject, email,"
                   " created_ms, last_used_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)"
                   " ON CONFLICT (issuer, subject) DO NOTHING",
                   made.id, made.user_id, made.provider, made.issuer, made.subject, made.email,
                   made.created
               )
    );
    if (added == 0)
        return fail(Error(Errc::conflict, "This identity belongs to another account already.")
                        .with_code("identity_taken"));
    return made;
}

Result<> IdentityRepo::used(const IdentityId& id, const Person& person, Timestamp now) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE sign_in_identity SET last_used_ms = $2, email = $3 WHERE id = $1", id, now,
        person.email
    ));
    return {};
}

Result<Identity> IdentityRepo::remove(const UserId& user, const IdentityId& id) {
    return store::present(
        db_.one<Identity>(
            "DELETE FROM sign_in_identity WHERE user_id = $1 AND id = $2"
            " RETURNING " FAIRLEAD_IDENTITY,
            user, id
        ),
        "There is no such identity."
    );
}

Result<bool> IdentityRepo::first_use(std::string_view state, Timestamp expires) {
    FAIRLEAD_TRY(
        added, db_.run(
                   "INSERT INTO sign_in_attempt (state_hash, expires_ms) VALUES ($1, $2)"
                   " ON CONFLICT (state_hash) DO NOTHING",
                   crypto::sha256(state).hex(), expires
               )
    );
    return added == 1;
}

Result<> IdentityRepo::tidy(Timestamp now) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM sign_in_attempt WHERE expires_ms <= $1", now));
    return {};
}

} // namespace fairlead::sso
