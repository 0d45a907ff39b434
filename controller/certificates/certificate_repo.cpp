#include "controller/certificates/certificate_repo.hpp"

#include "controller/certificates/schedule.hpp"

#include <tuple>

namespace fairlead::certificates {
namespace {

#define FAIRLEAD_CERTIFICATE                                                                       \
    "SELECT c.id, c.org_id, c.name, c.state, c.running, c.asked, c.issuer, c.serial, "             \
    "c.not_before_ms, "                                                                            \
    "c.not_after_ms, c.next_ms, c.failures, c.failing_since_ms, c.error_code, c.error_message, "   \
    "c.told_failing, c.told_ending, c.created_ms FROM certificate c"

} // namespace

std::string key_context(const CertificateId& id) {
    return "certificate/" + id.str();
}

Result<std::optional<Certificate>> CertificateRepo::find(const CertificateId& id) {
    return db_.one<Certificate>(
        FAIRLEAD_CERTIFICATE " WHERE c.org_id = $1 AND c.id = $2", org_, id
    );
}

Result<Certificate> CertificateRepo::get(const CertificateId& id) {
    return store::present(find(id), "There is no such certificate.");
}

Result<std::vector<Certificate>> CertificateRepo::list(std::string_view below, std::int64_t limit) {
    return db_.all<Certificate>(
        FAIRLEAD_CERTIFICATE
        " WHERE c.org_id = $1 AND ($2 = '' OR c.id < $2) ORDER BY c.id DESC LIMIT $3",
        org_, below, limit
    );
}

Result<> CertificateRepo::insert(const Certificate& c) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO certificate (id, org_id, name, state, next_ms, created_ms) VALUES ($2, $1, "
        "$3, $4, $5, $6) ON CONFLICT (name) DO NOTHING",
        org_, c.id, c.name, c.state, c.next_ms, c.created_ms
    ));
    return {};
}

Result<> CertificateRepo::update(const Certificate& c) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE certificate SET state = $3, running = $4, issuer = $5, serial = $6, not_before_ms "
        "= $7, not_after_ms = $8, next_ms = $9, failures = $10, failing_since_ms = $11, error_code "
        "= $12, error_message = $13, told_failing = $14, told_ending = $15, asked = $16 WHERE "
        "org_id = $1 AND id = $2",
        org_, c.id, c.state, c.running, c.issuer, c.serial, c.not_before_ms, c.not_after_ms,
        c.next_ms, c.failures, c.failing_since_ms, c.error_code, c.error_message, c.told_failing,
        c.told_ending, c.asked
    ));
    return {};
}

Result<> CertificateRepo::set_chain(
    const CertificateId& id, const std::string& chain, const store::Blob& key
) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE certificate SET chain = $3, sealed_key = $4 WHERE org_id = $1 AND id = $2", org_,
        id, chain, key
    ));
    return {};
}

Result<> CertificateRepo::remove(const CertificateId& id) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM certificate WHERE org_id = $1 AND id = $2", org_, id));
    return {};
}

Result<> CertificateRepo::note_attempt(const std::string& name, Timestamp at) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO certificate_attempt (org_id, name, at_ms) VALUES ($1, $2, $3)", org_, name, at
    ));
    return {};
}

Result<std::int64_t> CertificateRepo::attempts(const std::string& name, Timestamp since) {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>(
                   "SELECT count(*) FROM certificate_attempt WHERE org_id = $1 AND name = $2 AND "
                   "at_ms > $3",
                   org_, name, since
               )
    );
    return count.value_or(0);
}

Result<std::map<std::string, Known>> known(store::Connection& db) {
    std::map<std::string, Known> names;
    using Row = std::tuple<CertificateId, OrgId, std::string>;
    FAIRLEAD_CHECK(db.each<Row>(
        [&](Row row) {
            names.emplace(std::get<2>(row), Known{std::get<0>(row), std::get<1>(row)});
        },
        "SELECT id, org_id, name FROM certificate"
    ));
    return names;
}

Result<std::optional<Certificate>> due(store::Connection& db, Timestamp now, Among among) {
    auto since = now - counted_for;
    FAIRLEAD_TRY(
        all, db.one<std::int64_t>(
                 "SELECT count(org_id) FROM certificate_attempt WHERE at_ms > $1", since
             )
    );
    if (all.value_or(0) >= most_in_all) return std::optional<Certificate>();
    return db.one<Certificate>(
        FAIRLEAD_CERTIFICATE
        " LEFT JOIN (SELECT org_id, count(*) AS spent FROM certificate_attempt WHERE at_ms > $2 "
        "GROUP BY org_id) o ON o.org_id = c.org_id LEFT JOIN (SELECT org_id, name, count(*) AS "
        "spent FROM certificate_attempt WHERE at_ms > $2 GROUP BY org_id, name) n ON n.org_id = "
        "c.org_id AND n.name = c.name WHERE c.next_ms <= $1 AND c.asked >= $5 AND "
        "coalesce(o.spent, 0) < $3 AND coalesce(n.spent, 0) < $4 ORDER BY c.error_code = "
        "'acme_rate_limited', coalesce(o.spent, 0), c.next_ms, c.id LIMIT 1",
        now, since, most_of_org, most_for_name, among == Among::asked
    );
}

Result<std::optional<Timestamp>> next_due(store::Connection& db, Among among) {
    FAIRLEAD_TRY(
        next, db.one<std::optional<Timestamp>>(
                  "SELECT min(next_ms), count(org_id) FROM certificate WHERE asked >= $1",
                  among == Among::asked
              )
    );
    return next.value_or(std::nullopt);
}

Result<std::vector<Certificate>> troubled(store::Connection& db, Timestamp now) {
    return db.all<Certificate>(
        FAIRLEAD_CERTIFICATE
        " WHERE (c.told_failing = 0 AND c.failing_since_ms <= $1) OR (c.told_ending = 0 AND "
        "c.not_after_ms < $2 AND (c.failing_since_ms IS NOT NULL OR c.next_ms <= $1)) ORDER BY "
        "c.org_id, c.id LIMIT $3",
        now - told_after, now + told_before_end, told_at_once
    );
}

Result<std::int64_t> resume(store::Connection& db, Timestamp now) {
    return db.run(
        "UPDATE certificate SET running = 0, next_ms = $1 WHERE running = 1 AND org_id <> ''", now
    );
}

Result<> forget_attempts(store::Connection& db, Timestamp before) {
    FAIRLEAD_CHECK(
        db.run("DELETE FROM certificate_attempt WHERE at_ms <= $1 AND org_id <> ''", before)
    );
    return {};
}

Result<std::vector<Served>>
served(store::Connection& db, const CertificateId& after, std::int64_t limit) {
    return db.all<Served>(
        "SELECT id, org_id, name, chain, sealed_key FROM certificate WHERE id > $1 AND sealed_key "
        "IS NOT NULL ORDER BY id LIMIT $2",
        after, limit
    );
}

} // namespace fairlead::certificates
