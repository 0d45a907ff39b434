// What servers answer, and what they say is so.
#include "common/json/json.hpp"
#include "controller/api/checks.hpp"
#include "controller/ssh/ssh_keys.hpp"
#include "controller/ssh/view.hpp"
#include "proto/codec.hpp"
#include "proto/unix_name.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::ssh {
namespace {

using fleet::Server;
using operations::Operation;
using operations::OperationRepo;

constexpr std::size_t longest_problem = 1000;

bool names(const std::vector<proto::SshKey>& keys, const Key& key) {
    return std::ranges::find(keys, key.public_key, &proto::SshKey::public_key) != keys.end();
}

/// What took the place of a key that is gone replaces nothing any more.
Result<> replaced(KeyRepo& repo, std::vector<Key>& keys, const std::set<SshKeyId>& gone) {
    for (auto& key : keys) {
        if (!key.replaces || !gone.contains(*key.replaces) || gone.contains(key.id)) continue;
        key.replaces.reset();
        FAIRLEAD_CHECK(repo.update(key));
    }
    return {};
}

} // namespace

void SshKeys::record(
    Unit& unit, const Scope& scope, const Key& key, const Server& server, std::string action
) {
    api::Actor actor;
    actor.kind = api::Actor::Kind::server;
    actor.id = server.id.str();
    actor.label = server.name;
    parts_.audit.record(unit, scope, actor, act_on(key, server.name, std::move(action)));
}

/// By the controller itself, where what was asked has to be asked once more.
Result<>
SshKeys::tell_again(Unit& unit, const Scope& scope, const ServerId& id, const std::string& user) {
    FAIRLEAD_TRY(server, fleet::ServerRepo(unit.db(), scope).find(id));
    if (!server || server->revoked_ms) return {};
    FAIRLEAD_CHECK(tell(unit, scope, api::Actor(), *server, user));
    return {};
}

Result<> SshKeys::proved(
    Unit& unit, const Scope& scope, const ServerId& server, const proto::SshKeysArgs& args,
    bool done, bool newest
) {
    KeyRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(keys, repo.of_user(server, args.user));
    auto next = std::ranges::find(keys, args.proven, &Key::fingerprint);
    bool again = false;
    for (auto& key : keys) {
        if (key.state != KeyState::proving) continue;
        if (next != keys.end() && next->replaces != key.id) continue;
        // Where another list was asked for meanwhile, the old key stands in that: once more.
        key.state = done ? KeyState::removing : KeyState::active;
        again = again || (done && !newest);
        FAIRLEAD_CHECK(repo.update(key));
    }
    if (again) FAIRLEAD_CHECK(tell_again(unit, scope, server, args.user));
    return {};
}

Result<> SshKeys::finished(
    Unit& unit, const Scope& scope, const Operation& operation, const std::string& text,
    const proto::Finished& finished
) {
    if (operation.kind != proto::kind::ssh_keys) return {};
    FAIRLEAD_TRY(args, proto::read_text<proto::SshKeysArgs>(text));
    const auto& server = operation.server_id;
    KeyRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(list, repo.list(server, args.user));
    bool newest = list && list->operation_id == operation.id;
    bool done = operation.state == operations::State::succeeded;
    if (!args.proven.empty()) FAIRLEAD_CHECK(proved(unit, scope, server, args, done, newest));
    if (!newest) return {};
    if (!done) {
        list->problem_code = finished.error ? finished.error->code.substr(0, 64) : "not_delivered";
        list->problem =
            finished.error ? api::printable(finished.error->message, longest_problem)
            : operation.state == operations::State::cancelled
                ? "It was cancelled before the server did it."
                : "The server did not take it in time; it is asked again when it is back.";
        // Expired: nobody refused it.
        if (operation.state == operations::State::expired) list->problem_code.clear();
        FAIRLEAD_CHECK(repo.put(server, *list));
        api::publish(unit, parts_.events, {event_of(scope.org(), server)});
        return {};
    }
    list->problem_code.clear();
    list->problem.clear();
    FAIRLEAD_CHECK(repo.put(server, *list));
    FAIRLEAD_TRY(keys, repo.of_user(server, args.user));
    std::set<SshKeyId> gone;
    for (auto& key : keys) {
        bool placed = names(args.keys, key);
        if (key.state == KeyState::removing && !placed) {
            FAIRLEAD_CHECK(repo.remove(key.id));
            gone.insert(key.id);
        } else if (key.state == KeyState::adding && placed) {
            key.state = KeyState::active;
            key.confirmed_ms = parts_.clock.now();
            FAIRLEAD_CHECK(repo.update(key));
        }
    }
    FAIRLEAD_CHECK(replaced(repo, keys, gone));
    api::publish(unit, parts_.events, {event_of(scope.org(), server)});
    return {};
}

Result<bool> SshKeys::is_asked(store::Connection& db, const Scope& scope, const List& list) {
    FAIRLEAD_TRY(operation, OperationRepo(db, scope).find(list.operation_id));
    return operation && !operations::is_final(operation->state);
}

/// A key that the server keeps and nobody here knows: this controller was restored from an older
/// copy. It is shown, so that somebody can say whether it stays.
Result<> SshKeys::found(
    Unit& unit, const Scope& scope, const Server& server, const proto::SshKeyState& state
) {
    auto parsed = proto::parse_ssh_public_key(state.public_key);
    if (!parsed || !proto::is_unix_name(state.user)) return {};
    KeyRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(all, repo.of_server(server.id));
    if (all.size() >= max_keys) return {};
    auto now = parts_.clock.now();
    Key key;
    auto id = SshKeyId::parse(state.id);
    key.id = id ? *id : SshKeyId::make(now);
    key.server_id = server.id;
    key.unix_user = state.user;
    key.label = "Found on the server";
    key.public_key = parsed->line();
    key.fingerprint = parsed->fingerprint;
    key.type = parsed->type;
    key.bits = parsed->bits;
    key.state = KeyState::active;
    key.created_ms = now;
    key.confirmed_ms = now;
    FAIRLEAD_TRY(stored, repo.insert(key));
    if (!stored) {
        // Its id is another one's here; the next list tells the server the new one.
        key.id = SshKeyId::make(now);
        FAIRLEAD_TRY(again, repo.insert(key));
        stored = again;
    }
    if (stored) record(unit, scope, key, server, "ssh_key.found");
    return {};
}

Result<>
SshKeys::ssh(Unit& unit, const Scope& scope, const ServerId& id, const proto::SshState& said) {
    FAIRLEAD_TRY(server, fleet::ServerRepo(unit.db(), scope).get(id));
    if (server.revoked_ms) return {};
    KeyRepo repo(unit.db(), scope);
    std::vector<std::string> users;
    for (const auto& user : said.users)
        if (users.size() < proto::most_ssh_users && proto::is_unix_name(user))
            users.push_back(user);
    ServerWord word;
    word.users = json::encode(users);
    word.port = said.port;
    word.problem = api::printable(said.problem, longest_problem);
    word.told_ms = parts_.clock.now();
    FAIRLEAD_CHECK(repo.put(id, word));

    // What is on its way is left to its own end.
    std::set<std::string> asked, failed;
    FAIRLEAD_TRY(lists, repo.lists(id));
    for (const auto& list : lists) {
        FAIRLEAD_TRY(open, is_asked(unit.db(), scope, list));
        if (open) asked.insert(list.unix_user);
        if (!list.problem_code.empty()) failed.insert(list.unix_user);
    }
    std::set<std::pair<std::string, std::string>> there;
    for (const auto& one : said.keys)
        if (auto parsed = proto::parse_ssh_public_key(one.public_key))
            there.emplace(one.user, parsed->fingerprint);
    FAIRLEAD_TRY(keys, repo.of_server(id));
    std::set<std::string> again;
    std::set<SshKeyId> gone;
    for (auto& key : keys) {
        bool placed = there.erase({key.unix_user, key.fingerprint}) > 0;
        bool refused = failed.contains(key.unix_user);
        if (asked.contains(key.unix_user)) continue;
        auto before = key.state;
        if (placed && (before == KeyState::adding || before == KeyState::missing ||
                       before == KeyState::proving)) {
            key.state = KeyState::active;
        } else if (!placed && (before == KeyState::active || before == KeyState::proving)) {
            key.state = KeyState::missing;
        } else if (!placed && before == KeyState::removing) {
            FAIRLEAD_CHECK(repo.remove(key.id));
            gone.insert(key.id);
        } else if (!refused && (before == KeyState::adding || before == KeyState::removing)) {
            again.insert(key.unix_user); // it was never taken, or its time was over
        }
        if (key.state == before) continue;
        if (key.state == KeyState::active && !key.confirmed_ms) key.confirmed_ms = word.told_ms;
        FAIRLEAD_CHECK(repo.update(key));
        if (key.state == KeyState::missing) record(unit, scope, key, server, "ssh_key.missing");
    }
    FAIRLEAD_CHECK(replaced(repo, keys, gone));
    for (const auto& one : said.keys) {
        auto parsed = proto::parse_ssh_public_key(one.public_key);
        if (parsed && !asked.contains(one.user) && there.erase({one.user, parsed->fingerprint}) > 0)
            FAIRLEAD_CHECK(found(unit, scope, server, one));
    }
    for (const auto& user : again) FAIRLEAD_CHECK(tell_again(unit, scope, id, user));
    api::publish(unit, parts_.events, {event_of(scope.org(), id)});
    return {};
}

Result<> SshKeys::revoked(Unit& unit, const Scope& scope, const ServerId& server) {
    FAIRLEAD_TRY(gone, KeyRepo(unit.db(), scope).forget(server));
    if (gone > 0) api::publish(unit, parts_.events, {event_of(scope.org(), server)});
    return {};
}

} // namespace fairlead::ssh
