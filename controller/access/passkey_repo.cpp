#include "controller/access/passkey_repo.hpp"

#include <sstream>

namespace fairlead::access {

#define FAIRLEAD_PASSKEY                                                                           \
    "SELECT id, user_id, name, credential_id, public_key, sign_count, aaguid, transports,"         \
    " user_verified, backup_eligible, backed_up, created_ms AS created, last_used_ms AS last_used" \
    " FROM passkey"

constexpr auto unknown = "There is no such passkey.";

std::vector<std::string> Passkey::transport_list() const {
    std::vector<std::string> list;
    std::istringstream words(transports);
    for (std::string word; words >> word;) list.push_back(word);
    return list;
}

Result<std::vector<Passkey>> PasskeyRepo::of(const UserId& user) {
    return db_.all<Passkey>(
        FAIRLEAD_PASSKEY " WHERE user_id = $1 ORDER BY created_ms, id LIMIT 100", user
    );
}

Result<Passkey> PasskeyRepo::find(const UserId& user, const PasskeyId& id) {
    return store::present(
        db_.one<Passkey>(FAIRLEAD_PASSKEY " WHERE user_id = $1 AND id = $2", user, id), unknown
    );
}

Result<std::optional<Passkey>> PasskeyRepo::by_credential(std::string_view credential_id) {
    return db_.one<Passkey>(FAIRLEAD_PASSKEY " WHERE credential_id = $1", credential_id);
}

Result<std::int64_t> PasskeyRepo::count(const UserId& user) {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>("SELECT count(*) FROM passkey WHERE user_id = $1", user)
    );
    return count.value_or(0);
}

Result<> PasskeyRepo::add(const Passkey& p) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO passkey (id, user_id, name, credential_id, public_key, sign_count, aaguid,"
        " transports, user_verified, backup_eligible, backed_up, created_ms)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        p.id, p.user_id, p.name, p.credential_id, p.public_key, p.sign_count, p.aaguid,
        p.transports, p.user_verified, p.backup_eligible, p.backed_up, p.created
    ));
    return {};
}

Result<> PasskeyRepo::rename(const UserId& user, const PasskeyId& id, std::string_view name) {
    FAIRLEAD_TRY(
        changed,
        db_.run("UPDATE passkey SET name = $3 WHERE user_id = $1 AND id = $2", user, id, name)
    );
    if (changed == 0) return fail(Errc::not_found, unknown);
    return {};
}

Result<> PasskeyRepo::used(const Passkey& passkey, const PasskeyState& state, Timestamp now) {
    FAIRLEAD_TRY(
        changed, db_.run(
                     "UPDATE passkey SET sign_count = $3, backup_eligible = $4, backed_up = $5,"
                     " user_verified = $6, last_used_ms = $7 WHERE id = $1 AND sign_count = $2",
                     passkey.id, passkey.sign_count, state.sign_count, state.backup_eligible,
                     state.backed_up, passkey.user_verified || state.user_verified, now
                 )
    );
    if (changed == 0)
        return fail(Errc::conflict, "The passkey was used or removed at this moment. Begin again.");
    return {};
}

Result<> PasskeyRepo::remove(const UserId& user, const PasskeyId& id) {
    FAIRLEAD_TRY(gone, db_.run("DELETE FROM passkey WHERE user_id = $1 AND id = $2", user, id));
    if (gone == 0) return fail(Errc::not_found, unknown);
    return {};
}

Result<> PasskeyRepo::remove_all(const UserId& user) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM passkey WHERE user_id = $1", user));
    return {};
}

} // namespace fairlead::access
