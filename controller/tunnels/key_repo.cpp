#include "controller/tunnels/key_repo.hpp"

namespace fairlead::tunnels {
namespace {

#define FAIRLEAD_TUNNEL_KEY                                                                        \
    "SELECT id, state, public_key, created_ms, created_by_email, ends_ms FROM tunnel_keys "        \
    "WHERE org_id = $1"

} // namespace

std::string seed_context(const TunnelKeyId& id) {
    return "tunnel_key/" + id.str();
}

Result<> KeyRepo::insert(const TunnelKey& key, const store::Blob& sealed_seed) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO tunnel_keys (id, org_id, state, public_key, sealed_seed, created_ms, "
        "created_by_email) VALUES ($2, $1, $3, $4, $5, $6, $7)",
        org_, key.id, key.state, key.public_key, sealed_seed, key.created_ms, key.created_by_email
    ));
    return {};
}

Result<> KeyRepo::update(const TunnelKey& key) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE tunnel_keys SET state = $3, ends_ms = $4, sealed_seed = NULL WHERE org_id = $1 AND "
        "id = $2",
        org_, key.id, key.state, key.ends_ms
    ));
    return {};
}

Result<TunnelKey> KeyRepo::get(const TunnelKeyId& id) {
    return store::present(
        db_.one<TunnelKey>(FAIRLEAD_TUNNEL_KEY " AND id = $2", org_, id),
        "There is no such tunnel key."
    );
}

Result<std::optional<TunnelKey>> KeyRepo::current() {
    return db_.one<TunnelKey>(FAIRLEAD_TUNNEL_KEY " AND state = 'current'", org_);
}

Result<bool> KeyRepo::any() {
    FAIRLEAD_TRY(one, db_.one<int>("SELECT 1 FROM tunnel_keys WHERE org_id = $1 LIMIT 1", org_));
    return one.has_value();
}

Result<std::vector<TunnelKey>> KeyRepo::list() {
    return db_.all<TunnelKey>(FAIRLEAD_TUNNEL_KEY " ORDER BY id DESC LIMIT $2", org_, max_kept);
}

Result<std::vector<TunnelKey>> KeyRepo::counting(Timestamp now) {
    return db_.all<TunnelKey>(
        FAIRLEAD_TUNNEL_KEY " AND (state = 'current' OR (state = 'previous' AND ends_ms > $2)) "
                            "ORDER BY state = 'current' DESC, id DESC",
        org_, now
    );
}

Result<std::vector<TunnelKey>> KeyRepo::overdue(Timestamp now) {
    return db_.all<TunnelKey>(
        FAIRLEAD_TUNNEL_KEY " AND state = 'previous' AND ends_ms <= $2 ORDER BY id", org_, now
    );
}

Result<std::optional<store::Blob>> KeyRepo::sealed_seed(const TunnelKeyId& id) {
    return db_.one<store::Blob>(
        "SELECT sealed_seed FROM tunnel_keys WHERE org_id = $1 AND id = $2 AND state = 'current'",
        org_, id
    );
}

Result<> KeyRepo::prune() {
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM tunnel_keys WHERE org_id = $1 AND state IN ('ended', 'revoked') AND id NOT IN "
        "(SELECT id FROM tunnel_keys WHERE org_id = $1 ORDER BY id DESC LIMIT $2)",
        org_, max_kept
    ));
    return {};
}

Result<std::vector<OrgId>> orgs_with_overdue_keys(store::Connection& db, Timestamp now) {
    return db.all<OrgId>(
        "SELECT DISTINCT org_id FROM tunnel_keys WHERE state = 'previous' AND ends_ms <= $1 "
        "ORDER BY org_id LIMIT 10000",
        now
    );
}

} // namespace fairlead::tunnels
