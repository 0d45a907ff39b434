#include "controller/audit/notary.hpp"

#include "common/runtime/log.hpp"
#include "controller/audit/horizon.hpp"
#include "controller/audit/tree.hpp"

#include <stdexcept>
#include <tuple>
#include <vector>

namespace fairlead::audit {
namespace {

/// What the key is sealed to. One that was sealed to the first has signed no horizons yet and takes
/// over those that are there; whoever has only the database cannot seal it to the first again.
constexpr auto first_context = "audit_key/1";
constexpr auto context = "audit_key/1, signs horizons";

const char* context_of(std::int64_t signs_horizons) {
    return signs_horizons ? context : first_context;
}

} // namespace

struct Notary::Key {
    std::string name;
    crypto::SigningKey key;
    bool signs_horizons = false;
};

Notary::Key Notary::load(store::Store& store, const crypto::Keystore& keys, std::string_view name) {
    using Stored = std::tuple<std::string, store::Blob, std::int64_t>;
    auto stored = store.write([&](store::UnitOfWork& unit) -> Result<Stored> {
        FAIRLEAD_TRY(
            found, unit.db().one<Stored>(
                       "SELECT name, sealed_seed, signs_horizons FROM audit_key WHERE id = 1"
                   )
        );
        if (found) return *std::move(found);
        auto made = crypto::SigningKey::generate();
        Stored row{std::string(name) + "/audit", {keys.seal(made.seed(), context)}, 1};
        FAIRLEAD_CHECK(unit.db().run(
            "INSERT INTO audit_key (id, name, public_key, sealed_seed, signs_horizons)"
            " VALUES (1, $1, $2, $3, 1)",
            std::get<0>(row), store::Blob{made.verify_key().bytes()}, std::get<1>(row)
        ));
        return row;
    });
    if (!stored) throw std::runtime_error(stored.error().message());
    auto signs_horizons = std::get<2>(*stored);
    auto seed = keys.open(std::get<1>(*stored).bytes, context_of(signs_horizons));
    if (!seed)
        throw std::runtime_error(
            "the key that signs the audit log does not open with this master key: " +
            seed.error().message()
        );
    auto key = crypto::SigningKey::from_seed(*seed);
    if (!key) throw std::runtime_error(key.error().message());
    return {std::get<0>(*stored), *std::move(key), signs_horizons != 0};
}

Notary::Notary(store::Store& store, const crypto::Keystore& keys, std::string_view name)
    : Notary(store, load(store, keys, name)) {
    if (!signs_horizons_) take_horizons_over(keys);
}

Notary::Notary(store::Store& store, Key key)
    : store_(store), key_(std::move(key.key)), verifier_{key.name, key_.verify_key()},
      signs_horizons_(key.signs_horizons) {}

void Notary::take_horizons_over(const crypto::Keystore& keys) {
    using Row = std::tuple<OrgId, std::int64_t>;
    auto taken = store_.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_TRY(rows, unit.db().all<Row>("SELECT org_id, below FROM audit_horizon"));
        // What was altered by hand stays unsigned: audit verify names it, and the others go on.
        for (const auto& [org, below] : rows)
            if (auto done = sign_horizon(unit, api::ScopeIssuer::scope(org), below); !done)
                log::error(
                    "what was dropped from an audit log is not taken over",
                    {{"org", org.str()}, {"reason", done.error().message()}}
                );
        FAIRLEAD_CHECK(unit.db().run(
            "UPDATE audit_key SET sealed_seed = $1, signs_horizons = 1 WHERE id = 1",
            store::Blob{keys.seal(key_.seed(), context)}
        ));
        return {};
    });
    if (!taken) throw std::runtime_error(taken.error().message());
    signs_horizons_ = true;
}

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

Result<>
Notary::sign_horizon(store::UnitOfWork& unit, const api::OrgScope& scope, std::int64_t below) {
    FAIRLEAD_TRY(root, Tree(unit.db(), scope).root(below));
    crypto::Checkpoint dropped{
        horizon_origin(origin(scope.org())), static_cast<std::uint64_t>(below), root};
    FAIRLEAD_CHECK(unit.db().run(
        "INSERT INTO audit_horizon (org_id, below, note) VALUES ($1, $2, $3)"
        " ON CONFLICT (org_id) DO UPDATE SET below = excluded.below, note = excluded.note",
        scope.org(), below, crypto::sign_note(dropped.str(), verifier_.name, key_)
    ));
    return {};
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
    using Stored = std::tuple<store::Blob, std::int64_t>;
    FAIRLEAD_TRY(
        stored, db.one<Stored>("SELECT sealed_seed, signs_horizons FROM audit_key WHERE id = 1")
    );
    if (!stored) return {};
    const auto& [seed, signs_horizons] = *stored;
    return api::visit_one(visit, seed, context_of(signs_horizons), [&](const store::Blob& now) {
        return db.run("UPDATE audit_key SET sealed_seed = $1 WHERE id = 1", now);
    });
}

} // namespace fairlead::audit
