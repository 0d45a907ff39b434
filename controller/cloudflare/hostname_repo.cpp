#include "controller/cloudflare/hostname_repo.hpp"

#include <tuple>

namespace fairlead::cloudflare {
namespace {

#define FAIRLEAD_CUSTOM_HOSTNAME                                                                   \
    "SELECT id, org_id, name, zone, state, remote_id, asked_ms, status, ssl_status, next_ms, "     \
    "looks, looked_ms, error_code, error_message, created_ms FROM custom_hostname"

} // namespace

Result<std::optional<Hostname>> HostnameRepo::find(const CustomHostnameId& id) {
    return db_.one<Hostname>(FAIRLEAD_CUSTOM_HOSTNAME " WHERE org_id = $1 AND id = $2", org_, id);
}

Result<std::vector<Hostname>> HostnameRepo::list(std::string_view below, std::int64_t limit) {
    return db_.all<Hostname>(
        FAIRLEAD_CUSTOM_HOSTNAME
        " WHERE org_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3",
        org_, below, limit
    );
}

Result<> HostnameRepo::insert(const Hostname& h) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO custom_hostname (id, org_id, name, zone, state, next_ms, created_ms) VALUES "
        "($2, $1, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING",
        org_, h.id, h.name, h.zone, h.state, h.next_ms, h.created_ms
    ));
    return {};
}

Result<> HostnameRepo::update(const Hostname& h) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE custom_hostname SET state = $3, remote_id = $4, asked_ms = $5, status = $6, "
        "ssl_status = $7, next_ms = $8, looks = $9, looked_ms = $10, error_code = $11, "
        "error_message = $12 WHERE org_id = $1 AND id = $2",
        org_, h.id, h.state, h.remote_id, h.asked_ms, h.status, h.ssl_status, h.next_ms, h.looks,
        h.looked_ms, h.error_code, h.error_message
    ));
    return {};
}

Result<> HostnameRepo::remove(const CustomHostnameId& id) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM custom_hostname WHERE org_id = $1 AND id = $2", org_, id));
    return {};
}

Result<std::int64_t> HostnameRepo::held() {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>(
                   "SELECT count(*) FROM custom_hostname WHERE org_id = $1 AND (remote_id <> '' OR "
                   "asked_ms IS NOT NULL)",
                   org_
               )
    );
    return count.value_or(0);
}

Result<std::map<std::string, Known>> known(store::Connection& db) {
    std::map<std::string, Known> names;
    using Row = std::tuple<CustomHostnameId, OrgId, std::string, std::string>;
    FAIRLEAD_CHECK(db.each<Row>(
        [&](Row row) {
            auto& [id, org, name, zone] = row;
            names.emplace(std::move(name), Known{id, org, std::move(zone)});
        },
        "SELECT id, org_id, name, zone FROM custom_hostname"
    ));
    return names;
}

Result<std::optional<Hostname>> due(store::Connection& db, const OrgId& last, Timestamp now) {
    return db.one<Hostname>(
        FAIRLEAD_CUSTOM_HOSTNAME
        " WHERE next_ms <= $2 AND NOT EXISTS (SELECT 1 FROM custom_hostname_leaving l WHERE l.name "
        "= custom_hostname.name) ORDER BY org_id <= $1, org_id, next_ms, id LIMIT 1",
        last, now
    );
}

Result<std::optional<Timestamp>> next_due(store::Connection& db) {
    FAIRLEAD_TRY(
        next, db.one<std::optional<Timestamp>>(
                  "SELECT min(next_ms), count(org_id) FROM (SELECT next_ms, org_id FROM "
                  "custom_hostname UNION ALL SELECT next_ms, '' FROM custom_hostname_leaving)"
              )
    );
    return next.value_or(std::nullopt);
}

Result<> add_leaving(store::Connection& db, const Leaving& l) {
    FAIRLEAD_CHECK(db.run(
        "INSERT INTO custom_hostname_leaving (name, zone, remote_id, asked_ms, next_ms) VALUES "
        "($1, $2, $3, $4, $5)",
        l.name, l.zone, l.remote_id, l.asked_ms, l.next_ms
    ));
    return {};
}

Result<std::optional<Leaving>> due_leaving(store::Connection& db, Timestamp now) {
    return db.one<Leaving>(
        "SELECT number, name, zone, remote_id, asked_ms, next_ms, failures FROM "
        "custom_hostname_leaving WHERE next_ms <= $1 ORDER BY next_ms, number LIMIT 1",
        now
    );
}

Result<> update_leaving(store::Connection& db, const Leaving& l) {
    FAIRLEAD_CHECK(db.run(
        "UPDATE custom_hostname_leaving SET remote_id = $2, next_ms = $3, failures = $4 WHERE "
        "number = $1",
        l.number, l.remote_id, l.next_ms, l.failures
    ));
    return {};
}

Result<> drop_leaving(store::Connection& db, std::int64_t number) {
    FAIRLEAD_CHECK(db.run("DELETE FROM custom_hostname_leaving WHERE number = $1", number));
    return {};
}

Result<std::int64_t> held_in_all(store::Connection& db) {
    FAIRLEAD_TRY(
        count, db.one<std::int64_t>(
                   "SELECT count(org_id) FROM (SELECT org_id FROM custom_hostname WHERE remote_id "
                   "<> '' OR asked_ms IS NOT NULL UNION ALL SELECT '' FROM "
                   "custom_hostname_leaving)"
               )
    );
    return count.value_or(0);
}

} // namespace fairlead::cloudflare
