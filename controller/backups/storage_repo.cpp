#include "controller/backups/storage_repo.hpp"

namespace fairlead::backups {
namespace {

// Whoever is limited to projects is told how many of theirs use it.
#define FAIRLEAD_STORAGE                                                                           \
    "SELECT s.id, s.name, s.provider, s.endpoint, s.region, s.bucket, s.prefix, s.addressing, "    \
    "s.access_key, s.ca, s.object_lock, s.object_lock_days, s.state, s.checks, s.tested_ms, "      \
    "s.tested_on, s.test_operation, s.created_ms, s.created_by, s.created_by_email, "              \
    "(s.sealed_token IS NOT NULL) AS has_session_token, (SELECT count(*) FROM backup_policy p "    \
    "JOIN environment e ON e.id = p.environment_id AND e.org_id = p.org_id WHERE p.org_id = $1 "   \
    "AND p.storage_id = s.id AND ($2 = '' OR EXISTS (SELECT 1 FROM project_limit l WHERE "         \
    "l.org_id = $1 AND l.holder = $2 AND l.project_id = e.project_id))) AS environments, "         \
    "(SELECT count(*) FROM backup b WHERE b.org_id = $1 AND b.storage_id = s.id AND b.state IN "   \
    "('running', 'succeeded') AND ($2 = '' OR EXISTS (SELECT 1 FROM project_limit l WHERE "        \
    "l.org_id = $1 AND l.holder = $2 AND l.project_id = b.project_id))) AS backups FROM storage "  \
    "s "                                                                                           \
    "WHERE s.org_id = $1"

} // namespace

std::string secret_context(const StorageId& id) {
    return "storage/" + id.str();
}
std::string token_context(const StorageId& id) {
    return "storage_token/" + id.str();
}

Result<> StorageRepo::insert(const Storage& s, const SealedKeys& keys) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO storage (id, org_id, name, provider, endpoint, region, bucket, prefix, "
        "addressing, access_key, sealed, sealed_token, ca, object_lock, object_lock_days, "
        "created_ms, created_by, created_by_email) VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, "
        "$10, $11, $12, $13, $14, $15, $16, $17, $18)",
        org_, s.id, s.name, s.provider, s.endpoint, s.region, s.bucket, s.prefix, s.addressing,
        s.access_key, keys.sealed, keys.sealed_token, s.ca, s.object_lock, s.object_lock_days,
        s.created_ms, s.created_by, s.created_by_email
    ));
    return {};
}

Result<std::optional<Storage>> StorageRepo::find(const StorageId& id) {
    return db_.one<Storage>(FAIRLEAD_STORAGE " AND s.id = $3", org_, limit_, id);
}

Result<Storage> StorageRepo::get(const StorageId& id) {
    return store::present(find(id), "There is no such storage.");
}

Result<std::vector<Storage>> StorageRepo::list(std::string_view below, std::int64_t limit) {
    return db_.all<Storage>(
        FAIRLEAD_STORAGE " AND ($3 = '' OR s.id < $3) ORDER BY s.id DESC LIMIT $4", org_, limit_,
        below, limit
    );
}

Result<std::int64_t> StorageRepo::count() {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>("SELECT count(*) FROM storage WHERE org_id = $1", org_)
    );
    return count.value_or(0);
}

Result<> StorageRepo::update(const Storage& s) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE storage SET name = $3, provider = $4, endpoint = $5, region = $6, bucket = $7, "
        "prefix = $8, addressing = $9, access_key = $10, ca = $11, object_lock = $12, "
        "object_lock_days = $13, state = $14, checks = $15, tested_ms = $16, tested_on = $17, "
        "test_operation = $18 WHERE id = $2 AND org_id = $1",
        org_, s.id, s.name, s.provider, s.endpoint, s.region, s.bucket, s.prefix, s.addressing,
        s.access_key, s.ca, s.object_lock, s.object_lock_days, s.state, s.checks, s.tested_ms,
        s.tested_on, s.test_operation
    ));
    return {};
}

Result<> StorageRepo::put_keys(const StorageId& id, const SealedKeys& keys) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE storage SET sealed = $3, sealed_token = $4 WHERE id = $2 AND org_id = $1", org_, id,
        keys.sealed, keys.sealed_token
    ));
    return {};
}

Result<std::optional<SealedKeys>> StorageRepo::sealed(const StorageId& id) {
    return db_.one<SealedKeys>(
        "SELECT sealed, sealed_token FROM storage WHERE id = $2 AND org_id = $1", org_, id
    );
}

Result<> StorageRepo::remove(const StorageId& id) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM storage WHERE id = $2 AND org_id = $1", org_, id));
    return {};
}

Result<std::vector<std::string>> StorageRepo::used_by(const StorageId& id, std::int64_t limit) {
    return db_.all<std::string>(
        "SELECT e.name FROM backup_policy p JOIN environment e ON e.id = p.environment_id AND "
        "e.org_id = p.org_id WHERE p.org_id = $1 AND p.storage_id = $2 ORDER BY e.name LIMIT $3",
        org_, id, limit
    );
}

} // namespace fairlead::backups
