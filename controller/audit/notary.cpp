#include "controller/audit/notary.hpp"

#include "common/runtime/log.hpp"
#include "controller/audit/tree.hpp"

#include <stdexcept>
#include <tuple>
#include <vector>

namespace fairlead::audit {
namespace {

constexpr auto context = "audit_key/1";

} // namespace

struct Notary::Key {
    std::string name;
    crypto::SigningKey key;
};

Notary::Key Notary::load(store::Store& store, const crypto::Keystore& keys, std::string_view name) {
    using Stored = std::tuple<std::string, store::Blob>;
    auto stored = store.write([&](store::UnitOfWork& unit) -> Result<Stored> {
        FAIRLEAD_TRY(
            found, unit.db().one<Stored>("SELECT name, sealed_seed FROM audit_key WHERE id = 1")
        );
        if (found) return *std::move(found);
        auto made = crypto::SigningKey::generate();
        Stored row{std::string(name) + "/audit", {keys.seal(made.seed(), context)}};
        FAIRLEAD_CHECK(unit.db().run(
            "INSERT INTO audit_key (id, name, public_key, sealed_seed) VALUES (1, $1, $2, $3)",
            std::get<0>(row), store::Blob{made.verify_key().bytes()}, std::get<1>(row)
        ));
        return row;
    });
    if (!stored) throw std::runtime_error(stored.error().message());
    auto seed = keys.open(std::get<1>(*stored).bytes, context);
    if (!seed)
        throw std::runtime_error(
            "the key that signs the audit log does not open with this master key: " +
            seed.error().message()
        );
    auto key = crypto::SigningKey::from_seed(*seed);
    if (!key) throw std::runtime_error(key.error().message());
    return {std::get<0>(*stored), *std::move(key)};
}

Notary::Notary(store::Store& store, const crypto::Keystore& keys, std::string_view name)
    : Notary(store, load(store, keys, name)) {}

Notary::Notary(store::Store& store, Key key)
    : store_(store), key_(std::move(key.key)), verifier_{key.name, key_.verify_key()} {}

Result<> Notary::sign_news(Timestamp now) {
    FAIRLEAD_TRY(grown, store_.read([](store::Connection& db) {
        return db.all<OrgId>(
            "SELECT id FROM (SELECT id FROM org UNION ALL SELECT $1) AS log"
            " WHERE (SELECT max(seq) + 1 FROM audit_leaf WHERE org_id = log.id) >"
            " coalesce((SELECT max(size) FROM audit_checkpoint WHERE org_id = log.id), 0)"
            " ORDER BY id LIMIT 10000",
            api::ScopeIssuer::installation().org()
        );
    }));
    for (const auto& org : grown) {
        auto signed_one = sign_now(api::ScopeIssuer::scope(org), now);
        if (!signed_one)
            log::error(
                "the audit log cannot be signed",
                {{"org", org.str()}, {"reason", signed_one.error().message()}}
            );
    }
    return {};
}

Result<SignedCheckpoint> Notary::sign_now(const api::OrgScope& scope, Timestamp now) {
    return store_.write([&](store::UnitOfWork& unit) { return sign(unit, scope, now); });
}

Result<SignedCheckpoint>
Notary::sign(store::UnitOfWork& unit, const api::OrgScope& scope, Timestamp now) {
    Tree tree(unit.db(), scope);
    FAIRLEAD_TRY(size, tree.size());
    if (size == 0) return fail(Errc::not_found, "The log has no entries yet.");
    FAIRLEAD_TRY(last, newest(unit.db(), scope));
    if (last && last->size == size) return *std::move(last);
    FAIRLEAD_TRY(root, tree.root(size));
    if (last) {
        FAIRLEAD_TRY(text, crypto::open_note(last->note, verifier_));
        FAIRLEAD_TRY(before, crypto::Checkpoint::parse(text));
        bool follows = last->size < size;
        if (follows) {
            FAIRLEAD_TRY(proof, tree.consistency(last->size, size));
            follows = crypto::merkle::verify_consistency(
                static_cast<std::uint64_t>(last->size), static_cast<std::uint64_t>(size),
                before.root, root, proof
            );
        }
        if (!follows)
            return fail(
                Errc::conflict,
                "The log does not go on from its last checkpoint: entries were altered or cut off. "
                "fairlead-controller audit verify names them."
            );
    }
    crypto::Checkpoint checkpoint{origin(scope.org()), static_cast<std::uint64_t>(size), root};
    SignedCheckpoint made{size, now, crypto::sign_note(checkpoint.str(), verifier_.name, key_)};
    FAIRLEAD_CHECK(unit.db().run(
        "INSERT INTO audit_checkpoint (org_id, size, at_ms, note) VALUES ($1, $2, $3, $4)",
        scope.org(), made.size, made.at, made.note
    ));
    unit.after_commit([this, org = scope.org()] { told_(org); });
    FAIRLEAD_CHECK(announcements_.announce(
        unit, scope,
        {"audit.checkpoint", std::to_string(made.size), {{"size", made.size}, {"note", made.note}}}
    ));
    return made;
}

Result<std::optional<SignedCheckpoint>>
Notary::newest(store::Connection& db, const api::OrgScope& scope) {
    return db.one<SignedCheckpoint>(
        "SELECT size, at_ms AS at, note FROM audit_checkpoint WHERE org_id = $1"
        " ORDER BY size DESC LIMIT 1",
        scope.org()
    );
}

Result<std::vector<SignedCheckpoint>> Notary::between(
    store::Connection& db, const api::OrgScope& scope, std::int64_t from, std::int64_t to
) {
    return db.all<SignedCheckpoint>(
        "SELECT size, at_ms AS at, note FROM audit_checkpoint WHERE org_id = $1 AND size > $2"
        " AND size <= $3 ORDER BY size",
        scope.org(), from, to
    );
}

Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit) {
    FAIRLEAD_TRY(seed, db.one<store::Blob>("SELECT sealed_seed FROM audit_key WHERE id = 1"));
    if (!seed) return {};
    return api::visit_one(visit, *seed, context, [&](const store::Blob& now) {
        return db.run("UPDATE audit_key SET sealed_seed = $1 WHERE id = 1", now);
    });
}

} // namespace fairlead::audit
