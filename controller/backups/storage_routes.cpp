#include "common/json/json.hpp"
#include "controller/api/routes.hpp"
#include "controller/backups/checks.hpp"
#include "controller/backups/refusals.hpp"
#include "controller/backups/routes.hpp"
#include "controller/backups/view.hpp"
#include "controller/environments/checks.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/members/source_domains.hpp"
#include "controller/operations/routes.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::backups {
namespace {

using api::Call;
using api::Change;
using api::Response;
using store::Connection;

/// What may be given at first and changed later.
struct StorageMembers {
    std::optional<std::string> account_id;
    std::optional<std::string> endpoint;
    std::optional<std::string> region;
    std::optional<std::string> prefix;
    std::optional<proto::Addressing> addressing;
    std::optional<std::string> session_token;
    std::optional<std::string> ca;
    std::optional<proto::ObjectLock> object_lock;
    std::optional<std::uint32_t> object_lock_days;
    std::optional<std::string> test_on_server;
};
BOOST_DESCRIBE_STRUCT(
    StorageMembers, (),
    (account_id, endpoint, region, prefix, addressing, session_token, ca, object_lock,
     object_lock_days, test_on_server)
)

struct NewStorage : StorageMembers {
    std::string name;
    Provider provider = Provider::other;
    std::string bucket;
    std::string access_key;
    std::string secret_key;
};
BOOST_DESCRIBE_STRUCT(
    NewStorage, (StorageMembers), (name, provider, bucket, access_key, secret_key)
)

struct EditStorage : StorageMembers {
    std::optional<std::string> name;
    std::optional<Provider> provider;
    std::optional<std::string> bucket;
    std::optional<std::string> access_key;
    std::optional<std::string> secret_key;
};
BOOST_DESCRIBE_STRUCT(
    EditStorage, (StorageMembers), (name, provider, bucket, access_key, secret_key)
)

struct TestBody {
    std::string server_id;
};
BOOST_DESCRIBE_STRUCT(TestBody, (), (server_id))

/// Takes a secret out of a body: what is left there is overwritten.
std::optional<Secret> take_secret(
    api::Checks& checks, std::string_view field, std::optional<std::string>& from, std::size_t most
) {
    if (!from) return std::nullopt;
    check_secret(checks, field, *from, most);
    std::optional<Secret> secret(std::in_place, std::string(*from));
    wipe(*from);
    return secret;
}

/// Into the row; findings go to `checks`.
void read_members(api::Checks& checks, StorageMembers& body, Storage& row, bool fresh) {
    if (body.prefix) row.prefix = *body.prefix;
    if (body.ca) row.ca = *body.ca;
    if (body.object_lock) row.object_lock = *body.object_lock;
    if (body.object_lock_days) row.object_lock_days = *body.object_lock_days;
    if (row.object_lock == proto::ObjectLock::none && !body.object_lock_days)
        row.object_lock_days = 0;
    complete(checks, row, {body.account_id, body.endpoint, body.region, body.addressing}, fresh);
}

std::optional<ServerId>
server_in(api::Checks& checks, std::string_view field, const std::optional<std::string>& text) {
    if (!text) return std::nullopt;
    auto id = ServerId::parse(*text);
    checks.that(id.has_value(), field, "is no server's id");
    if (!id) return std::nullopt;
    return *id;
}

/// What is restored comes from there.
Result<> check_source(Change& change, const Storage& row) {
    FAIRLEAD_TRY(domains, members::listed_domains(change.db(), change.scope()));
    auto host = host_of(row);
    api::Checks checks;
    checks.that(
        members::allows(domains, host), "endpoint",
        fmt::format(
            "is at {}, which is not among the domains that the organization's security settings "
            "let data come from",
            host
        )
    );
    return checks.result();
}

/// The row as it is now, told to everybody.
Result<Response> told(Change& change, const StorageId& id, int status = 200) {
    FAIRLEAD_TRY(row, StorageRepo(change.db(), change.scope()).get(id));
    change.publish(event(change.scope().org(), row));
    return api::answer(to_json(row), status);
}

Result<Response> list(const Call& call, Backups& backups) {
    return api::list_page(call, backups.parts().store, [&](Connection& db, const auto& page) {
        return StorageRepo(db, call.scope()).list(page.after, page.limit + 1);
    });
}

Result<Response> get(const Call& call, Backups& backups) {
    FAIRLEAD_TRY(id, call.path_id<StorageId>("storage"));
    return backups.parts().store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(row, StorageRepo(db, call.scope()).get(id));
        return api::answer(to_json(row));
    });
}

Result<Response> create(const Call& call, Backups& backups) {
    FAIRLEAD_TRY(body, call.body<NewStorage>());
    const auto& keys = backups.parts().keys;
    api::Checks checks;
    std::optional<std::string> given(std::move(body.secret_key));
    auto secret = take_secret(checks, "secret_key", given, 500);
    auto token = take_secret(checks, "session_token", body.session_token, 4096);
    Storage row;
    environments::check_name(checks, "name", body.name);
    row.name = body.name;
    row.provider = body.provider;
    row.bucket = body.bucket;
    row.access_key = body.access_key;
    read_members(checks, body, row, true);
    auto server = server_in(checks, "test_on_server", body.test_on_server);
    FAIRLEAD_CHECK(checks.result());
    row.id = StorageId::make(call.now());
    row.created_ms = call.now();
    row.created_by = call.principal().user;
    row.created_by_email = call.principal().email;
    row.has_session_token = token.has_value();
    SealedKeys sealed{{keys.seal(*secret, secret_context(row.id))}, {}};
    if (token) sealed.sealed_token = store::Blob{keys.seal(*token, token_context(row.id))};
    return api::change(call, backups.desk(), [&](Change& change) -> Result<Response> {
        StorageRepo repo(change.db(), change.scope());
        FAIRLEAD_CHECK(check_source(change, row));
        FAIRLEAD_TRY(count, repo.count());
        FAIRLEAD_CHECK(api::check_room(count, max_storages, "too_many_storages", "storages"));
        FAIRLEAD_TRY(servers, fleet::ServerRepo(change.db(), change.scope()).count());
        api::Checks late;
        late.that(
            server || servers == 0, "test_on_server",
            "must name the server that tries the storage out: the controller itself never calls it"
        );
        FAIRLEAD_CHECK(late.result());
        FAIRLEAD_CHECK(repo.insert(row, sealed));
        change.record("storage.create", "storage", row, audit_facts(row));
        if (server)
            FAIRLEAD_CHECK(backups.test(change.unit(), change.scope(), change.actor(), row, *server)
            );
        return told(change, row.id, 201);
    });
}

/// What is in a bucket is found by these.
bool elsewhere(const Storage& a, const Storage& b) {
    return a.bucket != b.bucket || a.prefix != b.prefix;
}

Result<Response> edit(const Call& call, Backups& backups) {
    FAIRLEAD_TRY(id, call.path_id<StorageId>("storage"));
    FAIRLEAD_TRY(body, call.body<EditStorage>());
    // null takes a token or a certificate away. Only the text tells it from an absent member.
    FAIRLEAD_TRY(document, json::parse(call.request().body));
    auto is_null = [&](std::string_view name) {
        const auto* value = document.get_object().if_contains(name);
        return value && value->is_null();
    };
    api::Checks secrets;
    auto secret = take_secret(secrets, "secret_key", body.secret_key, 500);
    auto token = take_secret(secrets, "session_token", body.session_token, 4096);
    auto server = server_in(secrets, "test_on_server", body.test_on_server);
    secrets.that(!document.get_object().empty(), "(document)", "must change something");
    FAIRLEAD_CHECK(secrets.result());
    const auto& keys = backups.parts().keys;
    return api::change(call, backups.desk(), [&](Change& change) -> Result<Response> {
        StorageRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(before, repo.get(id));
        auto row = before;
        api::Checks checks;
        if (body.name) {
            environments::check_name(checks, "name", *body.name);
            row.name = *body.name;
        }
        if (body.provider) row.provider = *body.provider;
        if (body.bucket) row.bucket = *body.bucket;
        if (body.access_key) row.access_key = *body.access_key;
        if (is_null("ca")) row.ca.clear();
        read_members(checks, body, row, row.provider != before.provider);
        FAIRLEAD_CHECK(checks.result());
        FAIRLEAD_CHECK(check_source(change, row));
        if (elsewhere(before, row) && before.backups > 0)
            return api::conflict(
                "storage_has_backups",
                fmt::format(
                    "{} backups are listed in this storage, and would not be found elsewhere. Add "
                    "another storage for what comes.",
                    before.backups
                )
            );

        FAIRLEAD_TRY(sealed, store::present(repo.sealed(id), "There is no such storage."));
        if (secret) sealed.sealed = store::Blob{keys.seal(*secret, secret_context(id))};
        if (token) sealed.sealed_token = store::Blob{keys.seal(*token, token_context(id))};
        if (is_null("session_token")) sealed.sealed_token.reset();
        row.has_session_token = sealed.sealed_token.has_value();
        FAIRLEAD_CHECK(repo.put_keys(id, sealed));
        auto facts_before = audit_facts(before), facts = audit_facts(row);
        boost::json::object was, is;
        for (const auto& [name, value] : facts) {
            if (facts_before[name] == value) continue;
            was[name] = facts_before[name];
            is[name] = value;
        }
        bool new_keys = secret || token;
        if (new_keys) is["new_keys"] = true;
        bool only_name = is.empty() || (is.size() == 1 && is.contains("name"));
        if (!only_name) {
            row.state = StorageState::untested;
            row.checks = "[]";
            row.tested_ms.reset();
            row.tested_on.reset();
            row.test_operation.reset();
        }
        FAIRLEAD_CHECK(repo.update(row));
        change.record("storage.edit", "storage", row, std::move(is), std::move(was));
        if (!only_name)
            FAIRLEAD_CHECK(backups.tell_all(change.unit(), change.scope(), change.actor(), id.str())
            );
        if (server)
            FAIRLEAD_CHECK(backups.test(change.unit(), change.scope(), change.actor(), row, *server)
            );
        return told(change, id);
    });
}

Result<Response> remove(const Call& call, Backups& backups) {
    FAIRLEAD_TRY(id, call.path_id<StorageId>("storage"));
    return api::change(call, backups.desk(), [&](Change& change) -> Result<Response> {
        StorageRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(row, repo.get(id));
        FAIRLEAD_CHECK(call.confirmed(row.name));
        constexpr std::int64_t named = 5;
        FAIRLEAD_TRY(users, repo.used_by(id, named + 1));
        if (!users.empty()) {
            std::string names;
            for (std::size_t i = 0; i < users.size() && i < named; ++i)
                names += (names.empty() ? "" : ", ") + users[i];
            if (users.size() > named) names += " and others";
            return api::conflict(
                "storage_in_use",
                fmt::format(
                    "The backup policy of {} has this storage. Choose another one there first.",
                    names
                )
            );
        }
        FAIRLEAD_TRY(gone_with_it, BackupRepo(change.db(), change.scope()).remove_of_storage(id));
        FAIRLEAD_CHECK(repo.remove(id));
        auto before = audit_facts(row);
        before["backups_listed"] = gone_with_it;
        change.record("storage.delete", "storage", row, {}, std::move(before));
        change.publish(gone(change.scope().org(), id));
        return api::no_content();
    });
}

Result<Response> test(const Call& call, Backups& backups) {
    FAIRLEAD_TRY(id, call.path_id<StorageId>("storage"));
    FAIRLEAD_TRY(body, call.body<TestBody>());
    api::Checks checks;
    auto server = server_in(checks, "server_id", body.server_id);
    FAIRLEAD_CHECK(checks.result());
    return api::change(call, backups.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(row, StorageRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_TRY(
            operation, backups.test(change.unit(), change.scope(), change.actor(), row, *server)
        );
        FAIRLEAD_CHECK(told(change, id));
        return operations::accepted(change.scope(), operation);
    });
}

} // namespace

void add_storage_routes(api::RouteTable& table, Backups& backups) {
    api::Routes routes(table, backups, "/api/v1/orgs/{org}/storages");
    routes.get("", "storages.view", &list);
    routes.post("", "storages.create", &create);
    routes.get("/{storage}", "storages.view", &get);
    routes.patch("/{storage}", "storages.edit", &edit);
    routes.remove("/{storage}", "storages.delete", &remove);
    routes.post("/{storage}/test", "storages.test", &test);
}

} // namespace fairlead::backups
