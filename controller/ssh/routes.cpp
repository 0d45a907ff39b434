#include "controller/ssh/routes.hpp"

#include "common/json/json.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/routes.hpp"
#include "controller/operations/view.hpp"
#include "controller/ssh/view.hpp"
#include "proto/unix_name.hpp"

#include <fmt/core.h>

#include <map>

namespace fairlead::ssh {
namespace {

using api::Call;
using api::Change;
using api::Response;
using fleet::Server;
using fleet::ServerRepo;

struct AddBody {
    std::string user;
    std::string label;
    std::string public_key;
};
BOOST_DESCRIBE_STRUCT(AddBody, (), (user, label, public_key))

struct RotateBody {
    std::optional<std::string> label;
    std::string public_key;
};
BOOST_DESCRIBE_STRUCT(RotateBody, (), (label, public_key))

/// What was pasted is in no message: it may be a private key.
Result<proto::SshPublicKey> checked(
    const std::string& public_key, const std::optional<std::string>& label, api::Checks& checks
) {
    if (label) {
        checks.length("label", *label, 1, 100);
        checks.that(
            api::printable(*label, 400) == *label, "label", "must be one line of printable text"
        );
        checks.that(
            !proto::has_private_key(*label), "label",
            "holds a private key, and nothing of it was kept. Name the key instead, for example "
            "after the machine that it is on"
        );
    }
    auto key = proto::parse_ssh_public_key(public_key);
    if (!key) checks.wrong("public_key", key.error().message());
    FAIRLEAD_CHECK(checks.result());
    return key;
}

Result<Response> list(const Call& call, SshKeys& keys) {
    FAIRLEAD_TRY(id, call.path_id<ServerId>("server"));
    return keys.parts().store.read([&](store::Connection& db) -> Result<Response> {
        FAIRLEAD_CHECK(ServerRepo(db, call.scope()).get(id));
        KeyRepo repo(db, call.scope());
        FAIRLEAD_TRY(rows, repo.of_server(id));
        FAIRLEAD_TRY(lists, repo.lists(id));
        FAIRLEAD_TRY(word, repo.word(id));
        std::map<std::string, std::string> problems;
        for (const auto& one : lists) problems[one.unix_user] = one.problem;
        boost::json::array items;
        for (const auto& row : rows) items.push_back(to_json(row, problems[row.unix_user]));
        return api::answer(boost::json::object{
            {"data", std::move(items)}, {"server", to_json(word)}});
    });
}

Response asked(const Call& call, const Asked& done) {
    boost::json::value operation = nullptr;
    if (done.operation) operation = operations::to_json(*done.operation, {});
    boost::json::object body{{"key", to_json(done.key, "")}, {"operation", std::move(operation)}};
    if (!done.operation) return api::answer(std::move(body), 202);
    return api::accepted(
        std::move(body),
        fmt::format(
            "/api/v1/orgs/{}/operations/{}", call.scope().org().str(), done.operation->id.str()
        )
    );
}

Result<Response> add(const Call& call, SshKeys& keys) {
    FAIRLEAD_TRY(id, call.path_id<ServerId>("server"));
    FAIRLEAD_TRY(body, call.body<AddBody>());
    api::Checks checks;
    checks.that(
        proto::is_unix_name(body.user), "user", "must be the name of a Unix user of the server"
    );
    FAIRLEAD_TRY(key, checked(body.public_key, body.label, checks));
    return api::change(call, keys.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(server, ServerRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_TRY(done, keys.add(change, server, Wanted{body.user, body.label, key}));
        return asked(call, done);
    });
}

/// The server and the key of the path, for `work(change, server, key)`.
template <class Work>
Result<Response> with_key(const Call& call, SshKeys& keys, Work work) {
    FAIRLEAD_TRY(server_id, call.path_id<ServerId>("server"));
    FAIRLEAD_TRY(id, call.path_id<SshKeyId>("ssh_key"));
    return api::change(call, keys.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(server, ServerRepo(change.db(), change.scope()).get(server_id));
        FAIRLEAD_TRY(key, KeyRepo(change.db(), change.scope()).get(server_id, id));
        Result<Asked> done = work(change, server, key);
        if (!done) return fail(std::move(done).error());
        return asked(call, *done);
    });
}

Result<Response> rotate(const Call& call, SshKeys& keys) {
    FAIRLEAD_TRY(body, call.body<RotateBody>());
    api::Checks checks;
    FAIRLEAD_TRY(parsed, checked(body.public_key, body.label, checks));
    return with_key(call, keys, [&](Change& change, const Server& server, const Key& old) {
        Wanted wanted{old.unix_user, body.label.value_or(old.label), parsed};
        return keys.rotate(change, server, old, wanted);
    });
}

Result<Response> finish(const Call& call, SshKeys& keys) {
    return with_key(call, keys, [&](Change& change, const Server& server, const Key& key) {
        return keys.finish(change, server, key);
    });
}

Result<Response> revoke(const Call& call, SshKeys& keys) {
    return with_key(call, keys, [&](Change& change, const Server& server, const Key& key) {
        return keys.revoke(change, server, key);
    });
}

Result<Response> retry(const Call& call, SshKeys& keys) {
    FAIRLEAD_TRY(id, call.path_id<ServerId>("server"));
    return api::change(call, keys.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(server, ServerRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_TRY(count, keys.retry(change, server));
        return api::answer(boost::json::object{{"asked", count}}, 202);
    });
}

} // namespace

void add_routes(api::RouteTable& table, SshKeys& keys) {
    api::Routes routes(table, keys, "/api/v1/orgs/{org}/servers/{server}/ssh-keys");
    routes.get("", "ssh_keys.view", &list);
    routes.post("", "ssh_keys.add", &add, {.step_up = true});
    routes.post("/retry", "ssh_keys.add", &retry);
    routes.post("/{ssh_key}/rotate", "ssh_keys.rotate", &rotate, {.step_up = true});
    routes.post("/{ssh_key}/finish", "ssh_keys.rotate", &finish);
    // Access that is taken away waits for nothing.
    routes.post("/{ssh_key}/revoke", "ssh_keys.revoke", &revoke);
}

} // namespace fairlead::ssh
