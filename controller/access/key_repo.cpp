#include "controller/access/key_repo.hpp"

namespace fairlead::access {

#define FAIRLEAD_API_KEY                                                                           \
    "SELECT id, org_id, name, kind, hint, permissions, limited, addresses, expires_ms, "           \
    "created_ms, created_by, created_by_email, last_used_ms FROM api_key"

Result<> KeyRepo::insert(const ApiKey& key, std::string_view hash) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO api_key (id, org_id, name, kind, hint, token_hash, permissions, limited,"
        " addresses, expires_ms, created_ms, created_by, created_by_email)"
        " VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        org_, key.id, key.name, key.kind, key.hint, hash, key.permissions, key.limited,
        key.addresses, key.expires_ms, key.created_ms, key.created_by, key.created_by_email
    ));
    return {};
}

Result<ApiKey> KeyRepo::get(const KeyId& id) {
    return store::present(
        db_.one<ApiKey>(FAIRLEAD_API_KEY " WHERE id = $2 AND org_id = $1", org_, id),
        "There is no such API key."
    );
}

Result<std::vector<ApiKey>> KeyRepo::list(std::string_view below, std::int64_t limit) {
    return db_.all<ApiKey>(
        FAIRLEAD_API_KEY " WHERE org_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3",
        org_, below, limit
    );
}

Result<std::int64_t> KeyRepo::count() {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>("SELECT count(*) FROM api_key WHERE org_id = $1", org_)
    );
    return count.value_or(0);
}

Result<std::vector<ApiKey>> KeyRepo::made_by(const UserId& maker) {
    return db_.all<ApiKey>(
        FAIRLEAD_API_KEY " WHERE org_id = $1 AND created_by = $2 ORDER BY id", org_, maker
    );
}

Result<> KeyRepo::remove(const KeyId& id) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM project_limit WHERE org_id = $1 AND holder = $2", org_, id)
    );
    FAIRLEAD_CHECK(db_.run("DELETE FROM api_key WHERE org_id = $1 AND id = $2", org_, id));
    return {};
}

Result<std::vector<ProjectId>> KeyRepo::projects(const KeyId& id) {
    return db_.all<ProjectId>(
        "SELECT project_id FROM project_limit WHERE org_id = $1 AND holder = $2"
        " ORDER BY project_id LIMIT 1000",
        org_, id
    );
}

Result<> KeyRepo::limit_to(const KeyId& id, const std::vector<ProjectId>& projects) {
    for (const auto& project : projects)
        FAIRLEAD_CHECK(db_.run(
            "INSERT INTO project_limit (org_id, holder, project_id) VALUES ($1, $2, $3)"
            " ON CONFLICT DO NOTHING",
            org_, id, project
        ));
    return {};
}

Result<bool> KeyRepo::maker_is_member(const ApiKey& key) {
    FAIRLEAD_TRY(
        found,
        db_.one<std::int64_t>(
            "SELECT 1 FROM membership WHERE org_id = $1 AND user_id = $2", org_, key.created_by
        )
    );
    return found.has_value();
}

Result<std::optional<ApiKey>> key_by_hash(store::Connection& db, std::string_view hash) {
    return db.one<ApiKey>(FAIRLEAD_API_KEY " WHERE token_hash = $1", hash);
}

} // namespace fairlead::access
