#include "controller/tunnels/tunnel_keys.hpp"

#include "common/runtime/log.hpp"
#include "common/runtime/try_each.hpp"
#include "controller/tunnels/view.hpp"
#include "proto/capability.hpp"

#include <boost/json.hpp>

namespace fairlead::tunnels {
namespace {

Result<std::string> signed_by(
    const Signer& signer, const ServerId& server, boost::json::object purpose, Timestamp now
) {
    return proto::sign_capability(
        std::move(purpose), server.str(), signer.id.str(), signer.key, now
    );
}

void end(TunnelKey& key, KeyState state, Timestamp at) {
    key.state = state;
    key.ends_ms = at;
}

struct Sealed {
    std::int64_t row = 0;
    OrgId org_id;
    TunnelKeyId id;
    store::Blob sealed_seed;
};
BOOST_DESCRIBE_STRUCT(Sealed, (), (row, org_id, id, sealed_seed))

} // namespace

// ---- what opens a stream

boost::json::object tunnel_purpose(const EnvironmentId& environment, std::uint16_t port) {
    return {{"kind", "tunnel"}, {"environment", environment.str()}, {"port", port}};
}

Result<std::string>
TunnelKeys::sign(const api::OrgScope& scope, const ServerId& server, boost::json::object purpose) {
    auto now = parts_.clock.now();
    auto signer = ring_.find(scope.org(), now);
    if (!signer) {
        FAIRLEAD_TRY(unsealed, unseal(scope, now));
        signer = std::move(unsealed);
    }
    return signed_by(*signer, server, std::move(purpose), now);
}

std::optional<std::string>
TunnelKeys::sign_at_once(const OrgId& org, const ServerId& server, boost::json::object purpose) {
    auto now = parts_.clock.now();
    auto signer = ring_.find(org, now);
    if (!signer) return {};
    auto text = signed_by(*signer, server, std::move(purpose), now);
    if (!text) return {};
    return *std::move(text);
}

Result<std::shared_ptr<const Signer>>
TunnelKeys::unseal(const api::OrgScope& scope, Timestamp now) {
    FAIRLEAD_CHECK(ensure(scope));
    auto epoch = ring_.epoch();
    FAIRLEAD_TRY(
        signer,
        parts_.store.read([&](store::Connection& db) -> Result<std::shared_ptr<const Signer>> {
            KeyRepo repo(db, scope);
            FAIRLEAD_TRY(key, repo.current());
            if (!key) return std::shared_ptr<const Signer>();
            return open_seed(repo, key->id);
        })
    );
    if (!signer)
        return fail(Error(
                        Errc::unavailable,
                        "The organization has no tunnel key: its last one was revoked. Make a new "
                        "one in the console under Settings, Tunnel keys."
        )
                        .with_code("tunnel_key_missing"));
    ring_.keep(scope.org(), signer, now, epoch);
    return signer;
}

Result<std::shared_ptr<const Signer>> TunnelKeys::open_seed(KeyRepo& repo, const TunnelKeyId& id) {
    FAIRLEAD_TRY(sealed, repo.sealed_seed(id));
    FAIRLEAD_TRY(seed, parts_.keys.open(sealed.value_or(store::Blob()).bytes, seed_context(id)));
    FAIRLEAD_TRY(key, crypto::SigningKey::from_seed(seed));
    return std::make_shared<const Signer>(Signer{id, std::move(key)});
}

// ---- what servers are told

Result<proto::TunnelKeys> TunnelKeys::told(const api::OrgScope& scope) {
    auto now = parts_.clock.now();
    auto counting = [&](store::Connection& db) { return KeyRepo(db, scope).counting(now); };
    FAIRLEAD_TRY(keys, parts_.store.read(counting));
    if (keys.empty()) {
        FAIRLEAD_CHECK(ensure(scope));
        FAIRLEAD_TRY(now_there, parts_.store.read(counting));
        keys = std::move(now_there);
    }
    proto::TunnelKeys message;
    for (const auto& key : keys)
        message.keys.push_back({key.id.str(), key.public_key, key.ends_ms ? to_ms(*key.ends_ms) : 0}
        );
    return message;
}

/// Organizations from before there were keys get their first one when they need it.
Result<> TunnelKeys::ensure(const api::OrgScope& scope) {
    FAIRLEAD_TRY(there, parts_.store.read([&](store::Connection& db) {
        return KeyRepo(db, scope).any();
    }));
    if (there) return {};
    return parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_TRY(meanwhile, KeyRepo(unit.db(), scope).any());
        if (meanwhile) return {};
        FAIRLEAD_TRY(key, make(unit.db(), scope, "", parts_.clock.now()));
        auto act = act_on(key, "tunnel_key.create");
        act.after = boost::json::object{{"public_key", key.public_key}};
        parts_.audit.record(unit, scope, api::Actor(), std::move(act));
        return tell(unit, scope);
    });
}

Result<TunnelKey> TunnelKeys::make(
    store::Connection& db, const api::OrgScope& scope, std::string_view by, Timestamp now
) {
    auto pair = crypto::SigningKey::generate();
    TunnelKey key;
    key.id = TunnelKeyId::make(now);
    key.public_key = pair.verify_key().str();
    key.created_ms = now;
    key.created_by_email = by;
    auto sealed = parts_.keys.seal(pair.seed(), seed_context(key.id));
    FAIRLEAD_CHECK(KeyRepo(db, scope).insert(key, store::Blob{std::move(sealed)}));
    return key;
}

Result<> TunnelKeys::tell(
    store::UnitOfWork& unit, const api::OrgScope& scope, std::shared_ptr<const Signer> leaving,
    Timestamp until
) {
    FAIRLEAD_TRY(servers, parts_.online(unit.db(), scope));
    unit.after_commit([this, org = scope.org(), servers = std::move(servers),
                       leaving = std::move(leaving), until] {
        if (leaving)
            ring_.leave(org, leaving, until);
        else
            ring_.forget(org);
        ++changes_;
        for (const auto& server : servers) parts_.links.wake(server);
    });
    return {};
}

// ---- what people ask

Result<TunnelKey> TunnelKeys::rotate(
    api::Change& change, std::chrono::seconds grace, std::string_view by_email, Timestamp now
) {
    KeyRepo repo(change.db(), change.scope());
    FAIRLEAD_TRY(before, repo.current());
    std::shared_ptr<const Signer> leaving;
    if (before && grace > hand_over) {
        // One that cannot be opened is a reason to replace it, not one against.
        if (auto opened = open_seed(repo, before->id))
            leaving = *std::move(opened);
        else
            log::warning(
                "a tunnel key that is replaced cannot be opened",
                {{"key", before->id.str()}, {"reason", opened.error().message()}}
            );
    }
    if (before) {
        end(*before, grace.count() > 0 ? KeyState::previous : KeyState::ended, now + grace);
        FAIRLEAD_CHECK(repo.update(*before));
    }
    FAIRLEAD_TRY(key, make(change.db(), change.scope(), by_email, now));
    // Whoever rotates in haste is not held up: the oldest one that still counts makes room.
    FAIRLEAD_TRY(counting, repo.counting(now));
    for (auto place = max_previous + 1; place < counting.size(); ++place) {
        end(counting[place], KeyState::ended, now);
        FAIRLEAD_CHECK(repo.update(counting[place]));
    }
    FAIRLEAD_CHECK(repo.prune());
    auto act = act_on(key, "tunnel_key.rotate");
    act.after = boost::json::object{{"public_key", key.public_key}, {"grace_s", grace.count()}};
    if (before) act.before = boost::json::object{{"current", before->id.str()}};
    change.record(std::move(act));
    FAIRLEAD_CHECK(tell(change.unit(), change.scope(), std::move(leaving), now + hand_over));
    return key;
}

Result<TunnelKey> TunnelKeys::revoke(api::Change& change, TunnelKey key, Timestamp now) {
    if (key.state == KeyState::ended || key.state == KeyState::revoked)
        return api::conflict(
            "tunnel_key_over",
            "This tunnel key does not count any more: there is nothing to revoke."
        );
    auto act = act_on(key, "tunnel_key.revoke");
    act.before = boost::json::object{{"state", state_name(key.state)}};
    end(key, KeyState::revoked, now);
    FAIRLEAD_CHECK(KeyRepo(change.db(), change.scope()).update(key));
    change.record(std::move(act));
    FAIRLEAD_CHECK(tell(change.unit(), change.scope()));
    return key;
}

Result<> TunnelKeys::tick() {
    auto now = parts_.clock.now();
    ring_.sweep(now);
    FAIRLEAD_TRY(orgs, parts_.store.read([&](store::Connection& db) {
        return orgs_with_overdue_keys(db, now);
    }));
    return try_each(orgs, [&](const OrgId& org) {
        auto scope = api::ScopeIssuer::scope(org);
        auto work = [&](store::UnitOfWork& unit) { return end_overdue(unit, scope, now); };
        return parts_.store.write(work);
    });
}

Result<>
TunnelKeys::end_overdue(store::UnitOfWork& unit, const api::OrgScope& scope, Timestamp now) {
    KeyRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(overdue, repo.overdue(now));
    for (auto& key : overdue) {
        end(key, KeyState::ended, *key.ends_ms);
        FAIRLEAD_CHECK(repo.update(key));
        parts_.audit.record(unit, scope, api::Actor(), act_on(key, "tunnel_key.end"));
    }
    return tell(unit, scope);
}

Result<> TunnelKeys::erase(store::Connection& db, const api::OrgScope& scope) {
    FAIRLEAD_CHECK(db.run("DELETE FROM tunnel_keys WHERE org_id = $1", scope.org()));
    ring_.forget(scope.org()
    ); // its servers are gone: what may be kept until the commit opens nothing
    return {};
}

Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit) {
    auto one = [&](const Sealed& key) {
        auto put = [&](const store::Blob& now) {
            return db.run(
                "UPDATE tunnel_keys SET sealed_seed = $3 WHERE org_id = $1 AND id = $2", key.org_id,
                key.id, now
            );
        };
        return api::visit_one(visit, key.sealed_seed, seed_context(key.id), put);
    };
    return api::each_row<Sealed>(
        db,
        "SELECT rowid AS row, org_id, id, sealed_seed FROM tunnel_keys WHERE sealed_seed IS NOT "
        "NULL "
        "AND rowid > $1 ORDER BY rowid LIMIT $2",
        one
    );
}

} // namespace fairlead::tunnels
