#include "controller/authority/authority.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"

#include <fmt/core.h>

#include <arpa/inet.h>

namespace fairlead::authority {
namespace {

using namespace std::chrono_literals;

/// Clocks of servers that run a little behind.
constexpr auto backdated = 10min;

std::string key_place(std::int64_t number) {
    return "authority/" + std::to_string(number);
}
constexpr std::string_view own_key_place = "own_certificate/1";

std::string joined(const std::vector<std::string>& texts) {
    std::string all;
    for (const auto& text : texts) all += (all.empty() ? "" : ",") + text;
    return all;
}

crypto::Names names_of(const std::vector<std::string>& hosts) {
    crypto::Names names;
    for (const auto& host : hosts) {
        unsigned char bytes[16];
        bool address = ::inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
                       ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
        (address ? names.ip : names.dns).push_back(host);
    }
    return names;
}

struct Row {
    std::int64_t number = 0;
    std::string certificate;
    store::Blob sealed_key;
    Timestamp not_after;
};
BOOST_DESCRIBE_STRUCT(Row, (), (number, certificate, sealed_key, not_after))

struct OwnRow {
    std::string names;
    std::string chain;
    store::Blob sealed_key;
    std::int64_t authority = 0;
    Timestamp issued;
    Timestamp not_after;
};
BOOST_DESCRIBE_STRUCT(OwnRow, (), (names, chain, sealed_key, authority, issued, not_after))

} // namespace

/// The authority that issues now, opened.
struct Authority::Issuer {
    std::int64_t number;
    std::string certificate;
    crypto::P256Key key;
    Timestamp not_after;

    crypto::Validity valid(Timestamp now, std::chrono::hours lifetime) const {
        return {now - backdated, std::min<Timestamp>(now + lifetime, not_after)};
    }
};

Result<Authority::Issuer> Authority::issuer(store::Connection& db) {
    FAIRLEAD_TRY(
        row, store::present(
                 db.one<Row>("SELECT number, certificate, sealed_key, not_after_ms AS not_after "
                             "FROM authority WHERE stage = 'issuing'"),
                 "This controller has no certificate authority."
             )
    );
    FAIRLEAD_TRY(pem, keys_.open(row.sealed_key.bytes, key_place(row.number)));
    FAIRLEAD_TRY(key, crypto::P256Key::from_pem(pem.reveal()));
    return Issuer{row.number, std::move(row.certificate), std::move(key), row.not_after};
}

Result<> Authority::add(store::UnitOfWork& unit, std::int64_t number, Stage stage) {
    auto now = clock_.now();
    auto key = crypto::P256Key::generate();
    // The four digits keep authorities of different installations apart in logs.
    auto name =
        fmt::format("Fairlead CA {} {}", number, crypto::hex_encode(crypto::random_bytes(2)));
    auto not_after = Timestamp(now + lifetimes_.authority);
    auto certificate = crypto::self_sign_ca(key, name, {now - backdated, not_after});
    store::Blob sealed{keys_.seal(key.to_pem(), key_place(number))};
    FAIRLEAD_CHECK(unit.db().run(
        "INSERT INTO authority (number, name, certificate, sealed_key, stage, created_ms, "
        "not_after_ms)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        number, name, certificate, sealed, stage, now, not_after
    ));
    return {};
}

Result<> Authority::create_first(store::UnitOfWork& unit) {
    FAIRLEAD_TRY(count, unit.db().one<int>("SELECT count(*) FROM authority"));
    if (count != 0)
        return fail(Errc::conflict, "This controller has a certificate authority already.");
    return add(unit, 1, Stage::issuing);
}

Result<Issued> Authority::issue(
    store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server,
    std::string_view csr
) {
    auto parsed = crypto::parse_csr(csr);
    if (!parsed)
        return fail(Error(Errc::invalid, parsed.error().message()).with_code("csr_invalid"));
    FAIRLEAD_TRY(by, issuer(unit.db()));
    auto validity = by.valid(clock_.now(), lifetimes_.agent);
    FAIRLEAD_TRY(
        pem, crypto::issue(
                 by.key, by.certificate,
                 {parsed->public_der,
                  server.str(),
                  {{}, {}, {"fairlead:org:" + scope.org().str()}},
                  crypto::Usage::client,
                  validity}
             )
    );
    FAIRLEAD_TRY(facts, crypto::parse_certificate(pem));
    FAIRLEAD_TRY(ca, trusted(unit.db()));
    // With the certificate the agent gets every authority there is.
    FAIRLEAD_CHECK(unit.db().run(
        "INSERT INTO agent_certificate (server_id, org_id, authority, told, not_after_ms)"
        " VALUES ($1, $2, $3, (SELECT max(number) FROM authority), $4)"
        " ON CONFLICT (server_id) DO UPDATE SET authority = excluded.authority, told = "
        "excluded.told,"
        " not_after_ms = excluded.not_after_ms WHERE agent_certificate.org_id = excluded.org_id",
        server, scope.org(), by.number, facts.not_after
    ));
    return Issued{std::move(pem), std::move(facts.serial), facts.not_after, std::move(ca)};
}

Result<>
Authority::forget(store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server) {
    FAIRLEAD_CHECK(unit.db().run(
        "DELETE FROM agent_certificate WHERE server_id = $2 AND org_id = $1", scope.org(), server
    ));
    return {};
}

Result<> Authority::told(
    store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server, std::int64_t newest
) {
    FAIRLEAD_CHECK(unit.db().run(
        "UPDATE agent_certificate SET told = $3 WHERE server_id = $2 AND org_id = $1 AND told < $3",
        scope.org(), server, newest
    ));
    return {};
}

Result<std::int64_t> Authority::newest(store::Connection& db) {
    FAIRLEAD_TRY(number, db.one<std::int64_t>("SELECT max(number) FROM authority"));
    return number.value_or(0);
}

Result<std::vector<std::string>> Authority::accepted(store::Connection& db) {
    return db.all<std::string>(
        "SELECT certificate FROM authority WHERE stage <> 'dropped' ORDER BY number"
    );
}

Result<std::string> Authority::trusted(store::Connection& db) {
    FAIRLEAD_TRY(pems, accepted(db));
    std::string all;
    for (const auto& pem : pems) all += pem;
    return all;
}

Result<OwnCertificate>
Authority::own(store::UnitOfWork& unit, const std::vector<std::string>& names) {
    auto now = clock_.now();
    FAIRLEAD_TRY(by, issuer(unit.db()));
    FAIRLEAD_TRY(
        row, unit.db().one<OwnRow>("SELECT names, chain, sealed_key, authority, issued_ms AS "
                                   "issued, not_after_ms AS not_after"
                                   " FROM own_certificate WHERE id = 1")
    );
    bool good = row && row->names == joined(names) && row->authority == by.number &&
                now - row->issued < (row->not_after - row->issued) * 2 / 3;
    // The key stays when the certificate is renewed: people have its fingerprint in commands and
    // scripts.
    auto key = crypto::P256Key::generate();
    if (row) {
        FAIRLEAD_TRY(pem, keys_.open(row->sealed_key.bytes, own_key_place));
        FAIRLEAD_TRY(kept, crypto::P256Key::from_pem(pem.reveal()));
        key = std::move(kept);
    }
    if (good)
        return OwnCertificate{
            row->chain, key.to_pem(), key.spki_sha256(), by.certificate, row->not_after};

    auto validity = by.valid(now, lifetimes_.own);
    FAIRLEAD_TRY(
        leaf, crypto::issue(
                  by.key, by.certificate,
                  {key.public_der(), names.front().substr(0, 64), names_of(names),
                   crypto::Usage::server, validity}
              )
    );
    auto chain = leaf + by.certificate;
    store::Blob sealed{keys_.seal(key.to_pem(), own_key_place)};
    FAIRLEAD_CHECK(unit.db().run(
        "INSERT INTO own_certificate (id, names, chain, sealed_key, authority, issued_ms, "
        "not_after_ms)"
        " VALUES (1, $1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET names = "
        "excluded.names, chain = excluded.chain,"
        " sealed_key = excluded.sealed_key, authority = excluded.authority, issued_ms = "
        "excluded.issued_ms,"
        " not_after_ms = excluded.not_after_ms",
        joined(names), chain, sealed, by.number, now, validity.not_after
    ));
    return OwnCertificate{
        std::move(chain), key.to_pem(), key.spki_sha256(), by.certificate, validity.not_after};
}

Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit) {
    FAIRLEAD_TRY(
        rows, db.all<Row>("SELECT number, certificate, sealed_key, not_after_ms AS not_after FROM "
                          "authority WHERE stage <> 'dropped'")
    );
    for (const auto& row : rows)
        FAIRLEAD_CHECK(api::visit_one(
            visit, row.sealed_key, key_place(row.number),
            [&](const store::Blob& now) {
                return db.run(
                    "UPDATE authority SET sealed_key = $2 WHERE number = $1", row.number, now
                );
            }
        ));
    FAIRLEAD_TRY(own, db.one<store::Blob>("SELECT sealed_key FROM own_certificate WHERE id = 1"));
    if (!own) return {};
    return api::visit_one(visit, *own, own_key_place, [&](const store::Blob& now) {
        return db.run("UPDATE own_certificate SET sealed_key = $1 WHERE id = 1", now);
    });
}

} // namespace fairlead::authority
