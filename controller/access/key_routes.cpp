#include "controller/access/key_routes.hpp"

#include "common/crypto/token.hpp"
#include "common/json/json.hpp"
#include "controller/access/address_list.hpp"
#include "controller/access/keys.hpp"
#include "controller/access/limits.hpp"
#include "controller/access/permissions.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/nullable.hpp"
#include "controller/api/routes.hpp"
#include "controller/orgs/plans.hpp"

#include <algorithm>

namespace fairlead::access {
namespace {

using api::Call;
using api::Change;
using api::Response;
using store::Connection;

constexpr std::int64_t most_keys = 200;
constexpr std::size_t most_addresses = 50;
constexpr std::size_t hint_size = 11; ///< the prefix and four characters of the random part
constexpr std::uint64_t longest_s = 5 * 366 * 24 * 3600;

struct NewKey {
    std::string name;
    KeyKind kind = KeyKind::read_only;
    std::vector<std::string> permissions;
    std::optional<std::vector<std::string>> projects;
    std::optional<std::vector<std::string>> addresses;
    std::optional<std::uint64_t> expires_in_s;
};
BOOST_DESCRIBE_STRUCT(NewKey, (), (name, kind, permissions, projects, addresses, expires_in_s))

Result<boost::json::object> to_json(KeyRepo& keys, const ApiKey& key, Timestamp now) {
    boost::json::value projects = nullptr;
    if (key.limited) {
        FAIRLEAD_TRY(ids, keys.projects(key.id));
        auto& list = projects.emplace_array();
        for (const auto& id : ids) list.emplace_back(id.str());
    }
    FAIRLEAD_TRY(there, keys.maker_is_member(key));
    FAIRLEAD_TRY(permissions, json::parse(key.permissions));
    FAIRLEAD_TRY(addresses, json::parse(key.addresses));
    bool over = key.expires_ms && *key.expires_ms <= now;
    return boost::json::object{
        {"id", key.id.str()},
        {"name", key.name},
        {"kind", json::enum_name(key.kind)},
        {"hint", key.hint},
        {"permissions", std::move(permissions)},
        {"projects", std::move(projects)},
        {"addresses", std::move(addresses)},
        {"status", !there ? "maker_left"
                   : over ? "expired"
                          : "active"},
        {"expires_at", api::time_or_null(key.expires_ms)},
        {"created_at", to_rfc3339(key.created_ms)},
        {"created_by", {{"id", key.created_by.str()}, {"email", key.created_by_email}}},
        {"last_used_at", api::time_or_null(key.last_used_ms)}};
}

Result<Response> list(const Call& call, const KeyRoutes& parts) {
    FAIRLEAD_TRY(page, api::Page::of(call));
    return parts.desk.store.read([&](Connection& db) -> Result<Response> {
        KeyRepo keys(db, call.scope());
        FAIRLEAD_TRY(rows, keys.list(page.after, page.limit + 1));
        boost::json::array items;
        for (const auto& key : rows) {
            FAIRLEAD_TRY(item, to_json(keys, key, call.now()));
            items.push_back(std::move(item));
        }
        return api::page_of(std::move(items), page);
    });
}

Result<Response> get(const Call& call, const KeyRoutes& parts) {
    FAIRLEAD_TRY(id, call.path_id<KeyId>("key"));
    return parts.desk.store.read([&](Connection& db) -> Result<Response> {
        KeyRepo keys(db, call.scope());
        FAIRLEAD_TRY(key, keys.get(id));
        FAIRLEAD_TRY(shown, to_json(keys, key, call.now()));
        return api::answer(shown);
    });
}

/// In the shortest spelling, each once.
std::vector<std::string>
networks_of(const std::optional<std::vector<std::string>>& given, api::Checks& checks) {
    std::vector<std::string> networks;
    if (!given) return networks;
    checks.that(
        given->size() <= most_addresses, "addresses",
        "has more than " + std::to_string(most_addresses) + " of them"
    );
    for (const auto& text : *given) {
        auto network = normal_network(text);
        if (network)
            networks.push_back(*std::move(network));
        else
            checks.wrong("addresses", network.error().message());
    }
    std::sort(networks.begin(), networks.end());
    networks.erase(std::unique(networks.begin(), networks.end()), networks.end());
    return networks;
}

Result<Response> create(const Call& call, const KeyRoutes& parts) {
    FAIRLEAD_TRY(wanted, call.body<NewKey>());
    api::Checks checks;
    checks.length("name", wanted.name, 1, 64);
    auto permissions = codes_of(wanted.permissions, wanted.projects.has_value(), checks);
    auto networks = networks_of(wanted.addresses, checks);
    auto projects = projects_of(wanted.projects, checks);
    if (wanted.expires_in_s) checks.range("expires_in_s", *wanted.expires_in_s, 60, longest_s);
    FAIRLEAD_CHECK(checks.result());
    FAIRLEAD_CHECK(not_above(permissions, call.principal()));

    auto secret = make_key(wanted.kind);
    ApiKey key;
    key.id = KeyId::make(call.now());
    key.org_id = call.scope().org();
    key.name = wanted.name;
    key.kind = wanted.kind;
    key.hint = std::string(secret.reveal().substr(0, hint_size));
    key.permissions = json::encode(permissions);
    key.limited = wanted.projects.has_value();
    key.addresses = json::encode(networks);
    if (wanted.expires_in_s)
        key.expires_ms = call.now() + std::chrono::seconds(*wanted.expires_in_s);
    key.created_ms = call.now();
    key.created_by = call.principal().user;
    key.created_by_email = call.principal().email;
    auto hash = crypto::token_hash(secret.reveal());
    return api::change(call, parts.desk, [&](Change& change) -> Result<Response> {
        KeyRepo keys(change.db(), change.scope());
        FAIRLEAD_TRY(count, keys.count());
        FAIRLEAD_CHECK(api::check_room(count, most_keys, "too_many_keys", "API keys"));
        FAIRLEAD_CHECK(all_known(parts.unknown_projects, change.db(), change.scope(), projects));
        FAIRLEAD_CHECK(keys.insert(key, hash));
        FAIRLEAD_CHECK(keys.limit_to(key.id, projects));
        FAIRLEAD_TRY(shown, to_json(keys, key, call.now()));
        boost::json::object after;
        for (const char* name : {"kind", "permissions", "projects", "addresses", "expires_at"})
            after.emplace(name, shown.at(name));
        change.record("api_key.create", "api_key", key, std::move(after));
        return api::answer(
            boost::json::object{{"api_key", std::move(shown)}, {"key", secret.reveal()}}, 201
        );
    });
}

Result<Response> revoke(const Call& call, const KeyRoutes& parts) {
    FAIRLEAD_TRY(id, call.path_id<KeyId>("key"));
    return api::change(call, parts.desk, [&](Change& change) -> Result<Response> {
        KeyRepo keys(change.db(), change.scope());
        FAIRLEAD_TRY(key, keys.get(id));
        FAIRLEAD_CHECK(keys.remove(id));
        change.record("api_key.revoke", "api_key", key);
        change.unit().after_commit([&events = parts.desk.events, id] {
            events.end_streams(id.str());
        });
        return api::no_content();
    });
}

/// What the key of this request may at this moment.
Result<Response> show_own(const Call& call, const KeyRoutes& parts) {
    const auto& principal = call.principal();
    return parts.desk.store.read([&](Connection& db) -> Result<Response> {
        KeyRepo keys(db, call.scope());
        FAIRLEAD_TRY(key, keys.get(*principal.key));
        FAIRLEAD_TRY(shown, to_json(keys, key, call.now()));
        boost::json::array held;
        for (const auto& code : *principal.permissions) held.emplace_back(code);
        return api::answer(
            {{"org", call.scope().org().str()},
             {"api_key", std::move(shown)},
             {"permissions", std::move(held)}}
        );
    });
}

} // namespace

void add_key_routes(api::RouteTable& table, const KeyRoutes& parts) {
    api::Routes routes(table, parts, "/api/v1/orgs/{org}/api-keys");
    routes.get("", "api_keys.view", &list, {.feature = orgs::feature::api});
    routes.post("", "api_keys.create", &create, {.feature = orgs::feature::api, .step_up = true});
    routes.get("/{key}", "api_keys.view", &get, {.feature = orgs::feature::api});
    // Also when the plan became a lower one: what is there can be taken away.
    routes.remove("/{key}", "api_keys.revoke", &revoke);
    api::Routes(table, parts, "/api/v1/key")
        .get("", api::signed_in, &show_own, {.key_alone = true});
}

} // namespace fairlead::access
