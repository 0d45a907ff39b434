#include "controller/access/keys.hpp"

#include "common/crypto/token.hpp"
#include "common/json/json.hpp"

#include <chrono>

namespace fairlead::access {
namespace {

using namespace std::chrono_literals;

constexpr auto reread_after = 5s;
constexpr auto save_after = 60s;
constexpr std::size_t most_known = 20'000;

constexpr std::string_view read_only_prefix = "flk_ro_";
constexpr std::string_view read_write_prefix = "flk_rw_";

Result<std::optional<KeyInUse>> fetch(store::Connection& db, const std::string& hash) {
    FAIRLEAD_TRY(key, key_by_hash(db, hash));
    if (!key) return std::optional<KeyInUse>();
    KeyInUse found;
    FAIRLEAD_TRY(
        codes, json::decode<std::vector<std::string>>(key->permissions, json::Strictness::lenient)
    );
    found.permissions.insert(codes.begin(), codes.end());
    FAIRLEAD_TRY(
        addresses, json::decode<std::vector<std::string>>(key->addresses, json::Strictness::lenient)
    );
    found.addresses = std::move(addresses);
    FAIRLEAD_TRY(
        beyond, db.one<std::int64_t>(
                    "SELECT 1 FROM project_limit WHERE org_id = $1 AND holder = $2 AND project_id"
                    " NOT IN (SELECT project_id FROM project_limit WHERE org_id = $1 AND"
                    " holder = $3) LIMIT 1",
                    key->org_id, key->id, key->created_by
                )
    );
    found.within_maker = !beyond;
    found.key = *std::move(key);
    return std::optional(std::move(found));
}

} // namespace

Secret make_key(KeyKind kind) {
    return crypto::make_token(kind == KeyKind::read_only ? read_only_prefix : read_write_prefix);
}

Result<> end_keys_of(
    store::UnitOfWork& unit, const api::OrgScope& scope, const UserId& maker, api::AuditLog& audit,
    api::EventSink& events
) {
    KeyRepo keys(unit.db(), scope);
    FAIRLEAD_TRY(theirs, keys.made_by(maker));
    for (const auto& key : theirs) {
        FAIRLEAD_CHECK(keys.remove(key.id));
        api::Act act;
        act.action = "api_key.revoke";
        act.target_type = "api_key";
        act.target_id = key.id.str();
        act.target_name = key.name;
        audit.record(unit, scope, {}, std::move(act));
        unit.after_commit([&events, id = key.id] { events.end_streams(id.str()); });
    }
    return {};
}

Result<std::shared_ptr<const KeyInUse>> Keys::find(const std::string& hash, Timestamp now) {
    // Before the read: a COMMIT during it counts as later.
    auto commits = store_.commits();
    {
        std::lock_guard held(lock_);
        auto known = known_.find(hash);
        if (known != known_.end() && known->second.commits == commits &&
            now - known->second.read < reread_after)
            return known->second.key;
    }
    FAIRLEAD_TRY(row, store_.read([&](store::Connection& db) { return fetch(db, hash); }));
    std::lock_guard held(lock_);
    if (!row) {
        known_.erase(hash);
        return std::shared_ptr<const KeyInUse>();
    }
    if (known_.size() >= most_known) known_.clear();
    auto& known = known_[hash];
    known.saved = std::max(known.saved, row->key.last_used_ms.value_or(Timestamp{}));
    known.key = std::make_shared<const KeyInUse>(*std::move(row));
    known.commits = commits;
    known.read = now;
    return known.key;
}

Result<> Keys::used(const std::string& hash, const ApiKey& key, Timestamp now) {
    {
        std::lock_guard held(lock_);
        auto known = known_.find(hash);
        if (known == known_.end() || now - known->second.saved < save_after) return {};
        known->second.saved = now;
    }
    return store_.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_CHECK(unit.db().run(
            "UPDATE api_key SET last_used_ms = $3 WHERE org_id = $1 AND id = $2", key.org_id,
            key.id, now
        ));
        return {};
    });
}

Result<std::shared_ptr<const KeyInUse>> Keys::use(std::string_view token, Timestamp now) {
    auto none = std::shared_ptr<const KeyInUse>();
    if (!crypto::well_formed_token(read_only_prefix, token) &&
        !crypto::well_formed_token(read_write_prefix, token))
        return none;
    auto hash = crypto::token_hash(token);
    FAIRLEAD_TRY(found, find(hash, now));
    if (!found || (found->key.expires_ms && *found->key.expires_ms <= now)) return none;
    FAIRLEAD_CHECK(used(hash, found->key, now));
    return std::move(found);
}

} // namespace fairlead::access
