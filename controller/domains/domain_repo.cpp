#include "controller/domains/domain_repo.hpp"

#include "common/json/json.hpp"
#include "controller/domains/names.hpp"

namespace fairlead::domains {
namespace {

#define FAIRLEAD_DOMAIN                                                                            \
    "SELECT id, name, state, token, method, tries, created_ms, created_by, created_by_email, "     \
    "expires_ms, verified_ms, checked_ms, failing_ms, failed_ms, next_check_ms, asked_ms, "        \
    "error_code, error_message FROM domains WHERE org_id = $1 "

/// The end of the range of what starts with `tree`.
std::string after(std::string tree) {
    tree.back() = '.' + 1;
    return tree;
}

} // namespace

Result<> DomainRepo::insert(const Domain& d) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO domains (id, org_id, name, tree, state, token, method, tries, created_ms, "
        "created_by, created_by_email, expires_ms, next_check_ms) VALUES ($2, $1, $3, $4, $5, $6, "
        "$7, $8, $9, $10, $11, $12, $13)",
        org_, d.id, d.name, tree_of(d.name), d.state, d.token, d.method, d.tries, d.created_ms,
        d.created_by, d.created_by_email, d.expires_ms, d.next_check_ms
    ));
    return {};
}

Result<std::optional<Domain>> DomainRepo::find(const DomainId& id) {
    return db_.one<Domain>(FAIRLEAD_DOMAIN "AND id = $2", org_, id);
}

Result<Domain> DomainRepo::get(const DomainId& id) {
    return store::present(find(id), "There is no such domain.");
}

Result<std::optional<Domain>> DomainRepo::find_by_name(std::string_view name) {
    return db_.one<Domain>(FAIRLEAD_DOMAIN "AND name = $2", org_, name);
}

Result<std::vector<Domain>>
DomainRepo::list(const Filter& filter, std::string_view below, std::int64_t limit) {
    return db_.all<Domain>(
        FAIRLEAD_DOMAIN "AND ($2 = '' OR state = $2) AND ($3 = '' OR id < $3) ORDER BY id DESC "
                        "LIMIT $4",
        org_, filter.state, below, limit
    );
}

Result<std::int64_t> DomainRepo::count() {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>("SELECT count(*) FROM domains WHERE org_id = $1", org_)
    );
    return count.value_or(0);
}

Result<> DomainRepo::update(const Domain& d) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE domains SET state = $3, method = $4, tries = $5, expires_ms = $6, verified_ms = "
        "$7, checked_ms = $8, failing_ms = $9, failed_ms = $10, next_check_ms = $11, asked_ms = "
        "$12, error_code = $13, error_message = $14 WHERE org_id = $1 AND id = $2",
        org_, d.id, d.state, d.method, d.tries, d.expires_ms, d.verified_ms, d.checked_ms,
        d.failing_ms, d.failed_ms, d.next_check_ms, d.asked_ms, d.error_code, d.error_message
    ));
    return {};
}

Result<> DomainRepo::remove(const DomainId& id) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM domains WHERE org_id = $1 AND id = $2", org_, id));
    return {};
}

Result<bool> DomainRepo::taken_by_others(std::string_view name) {
    auto tree = tree_of(name);
    FAIRLEAD_TRY(
        found,
        db_.one<int>(
            "SELECT 1 FROM domains WHERE org_id <> $1 AND state = 'verified' AND ((tree >= $2 AND "
            "tree < $3) OR tree IN (SELECT value FROM json_each($4))) LIMIT 1",
            org_, tree, after(tree), json::encode(trees_above(name))
        )
    );
    return found.has_value();
}

Result<std::vector<Claimed>> DomainRepo::covering(std::string_view host) {
    return db_.all<Claimed>(
        "SELECT id, name, state FROM domains WHERE org_id = $1 AND name IN (SELECT value FROM "
        "json_each($2)) ORDER BY length(tree) DESC, name DESC",
        org_, json::encode(domains::covering(host))
    );
}

Result<> DomainRepo::note_look(std::string_view name, Timestamp at) {
    FAIRLEAD_CHECK(
        db_.run("INSERT INTO domain_look (org_id, name, at_ms) VALUES ($1, $2, $3)", org_, name, at)
    );
    return {};
}

Result<Looks> DomainRepo::looks(std::string_view name, Timestamp since) {
    FAIRLEAD_TRY(
        found, db_.one<Looks>(
                   "SELECT count(CASE WHEN name = $2 THEN 1 END) AS of_name, count(*) AS of_all "
                   "FROM domain_look WHERE org_id = $1 AND at_ms > $3",
                   org_, name, since
               )
    );
    return found.value_or(Looks());
}

Result<std::optional<Domain>> DomainRepo::due(Timestamp now) {
    return db_.one<Domain>(
        FAIRLEAD_DOMAIN "AND next_check_ms <= $2 ORDER BY next_check_ms, id LIMIT 1", org_, now
    );
}

Result<std::optional<Owner>> owner_of(store::Connection& db, std::string_view host) {
    return db.one<Owner>(
        "SELECT org_id, id, name FROM domains WHERE state = 'verified' AND name IN (SELECT value "
        "FROM json_each($1)) ORDER BY length(tree) DESC, name DESC LIMIT 1",
        json::encode(covering(host))
    );
}

Result<std::vector<Awaiting>> awaiting(store::Connection& db, Timestamp now, std::int64_t limit) {
    return db.all<Awaiting>(
        "SELECT org_id, min(next_check_ms) AS next_check_ms FROM domains WHERE next_check_ms <= $1 "
        "GROUP BY org_id ORDER BY 2, 1 LIMIT $2",
        now, limit
    );
}

Result<std::optional<Timestamp>> next_due(store::Connection& db) {
    return db.one<Timestamp>(
        "SELECT next_check_ms FROM domains WHERE next_check_ms IS NOT NULL ORDER BY next_check_ms "
        "LIMIT 1"
    );
}

Result<> forget_looks(store::Connection& db, Timestamp before) {
    FAIRLEAD_CHECK(db.run("DELETE FROM domain_look WHERE at_ms <= $1 AND org_id <> ''", before));
    return {};
}

Result<> erase(store::Connection& db, const api::OrgScope& scope) {
    FAIRLEAD_CHECK(db.run("DELETE FROM domains WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(db.run("DELETE FROM domain_look WHERE org_id = $1", scope.org()));
    return {};
}

} // namespace fairlead::domains
