// What people ask.
#include "controller/ssh/ssh_keys.hpp"

#include "controller/ssh/view.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::ssh {
namespace {

using api::Change;
using fleet::Server;
using operations::Operation;

/// What root on the server has to write, so that nobody has to look for it.
std::string cure(std::string_view user) {
    return fmt::format(
        "Its root allows it in /etc/fairlead/policy.yaml:\n\nssh_keys:\n  - allow: [{}]\n\nand "
        "names ssh_keys.set among its \"operations\", where it is not yet. Then: systemctl restart "
        "fairlead-link",
        user
    );
}

Result<> not_revoked(const Server& server) {
    if (!server.revoked_ms) return {};
    return api::conflict(
        "server_revoked", server.name + " is revoked: its agent takes its keys away by itself."
    );
}

} // namespace

Result<> SshKeys::may_keep(
    store::Connection& db, const Scope& scope, const Server& server, const std::string& user
) {
    FAIRLEAD_CHECK(not_revoked(server));
    if (server.capability.value_or(0) < proto::ssh_keys_since)
        return api::conflict(
            "agent_too_old", "The agent of " + server.name +
                                 " is from before it could keep SSH keys. Update its package."
        );
    FAIRLEAD_TRY(word, KeyRepo(db, scope).word(server.id));
    auto users = users_of(word);
    if (users.empty())
        return api::conflict(
            "ssh_keys_not_allowed", server.name + " keeps no SSH keys. " + cure(user)
        );
    if (std::ranges::find(users, user) == users.end())
        return api::conflict(
            "ssh_user_not_allowed",
            fmt::format(
                "{} keeps no SSH keys for \"{}\", or has no such user with a login shell. {}",
                server.name, user, cure(user)
            )
        );
    return {};
}

Result<Key> SshKeys::keep(
    Change& change, const Server& server, const Wanted& wanted, std::optional<SshKeyId> replaces
) {
    FAIRLEAD_CHECK(may_keep(change.db(), change.scope(), server, wanted.user));
    KeyRepo repo(change.db(), change.scope());
    FAIRLEAD_TRY(all, repo.of_server(server.id));
    auto of_user = std::ranges::count(all, wanted.user, &Key::unix_user);
    if (all.size() >= max_keys || static_cast<std::size_t>(of_user) >= proto::most_ssh_keys)
        return api::conflict(
            "too_many_ssh_keys",
            fmt::format(
                "{} has {} SSH keys, {} of them for {}; {} and {} are the most. Revoke some first.",
                server.name, all.size(), of_user, wanted.user, max_keys, proto::most_ssh_keys
            )
        );
    auto now = parts_.clock.now();
    Key key;
    key.id = SshKeyId::make(now);
    key.server_id = server.id;
    key.unix_user = wanted.user;
    key.label = wanted.label;
    key.public_key = wanted.key.line();
    key.fingerprint = wanted.key.fingerprint;
    key.type = wanted.key.type;
    key.bits = wanted.key.bits;
    key.replaces = std::move(replaces);
    key.created_ms = now;
    auto actor = change.actor();
    if (actor.kind == api::Actor::Kind::user) key.created_by = UserId::trusted(actor.id);
    key.created_by_email = actor.label;
    FAIRLEAD_TRY(stored, repo.insert(key));
    if (stored) return key;
    auto known = std::ranges::find_if(all, [&](const Key& one) {
        return one.unix_user == key.unix_user && one.fingerprint == key.fingerprint;
    });
    auto name = known == all.end() ? std::string("another") : "\"" + known->label + "\"";
    return api::conflict(
        "ssh_key_exists", fmt::format(
                              "{} has this key for {} already: {}, {}.", server.name, key.unix_user,
                              name, key.fingerprint
                          )
    );
}

Result<Operation> SshKeys::tell(
    Unit& unit, const Scope& scope, const api::Actor& actor, const Server& server,
    const std::string& user, const std::string& proven
) {
    KeyRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(before, repo.list(server.id, user));
    if (before) {
        FAIRLEAD_TRY(last, operations::OperationRepo(unit.db(), scope).find(before->operation_id));
        if (last && last->state == operations::State::queued)
            FAIRLEAD_CHECK(parts_.operations.cancel(unit, scope, actor, last->id));
    }
    proto::SshKeysArgs args;
    args.user = user;
    args.proven = proven;
    FAIRLEAD_TRY(keys, repo.of_user(server.id, user));
    for (const auto& key : keys) {
        bool stays = key.state == KeyState::adding || key.state == KeyState::active ||
                     (key.state == KeyState::proving && proven.empty());
        if (stays) args.keys.push_back({key.id.str(), key.public_key});
    }
    operations::NewOperation wanted;
    wanted.kind = proto::kind::ssh_keys;
    wanted.server = server.id;
    wanted.target_name = server.name;
    wanted.mutating = false;
    wanted.args = proto::write_text(args);
    wanted.facts = {{"user", user}, {"keys", args.keys.size()}};
    wanted.deadline = deadline;
    FAIRLEAD_TRY(operation, parts_.operations.create(unit, scope, actor, std::move(wanted)));
    FAIRLEAD_CHECK(repo.put(server.id, List{user, operation.id, "", ""}));
    api::publish(unit, parts_.events, {event_of(scope.org(), server.id)});
    return operation;
}

Result<Asked> SshKeys::add(Change& change, const Server& server, const Wanted& wanted) {
    FAIRLEAD_TRY(key, keep(change, server, wanted, std::nullopt));
    change.record(act_on(key, server.name, "ssh_key.add"));
    FAIRLEAD_TRY(
        operation, tell(change.unit(), change.scope(), change.actor(), server, wanted.user)
    );
    return Asked{key, operation};
}

Result<Asked>
SshKeys::rotate(Change& change, const Server& server, const Key& old, const Wanted& wanted) {
    if (old.state != KeyState::active)
        return api::conflict(
            "ssh_key_not_active",
            "\"" + old.label + "\" is not in place, so there is nothing to replace. Add a key."
        );
    FAIRLEAD_TRY(others, KeyRepo(change.db(), change.scope()).of_user(server.id, old.unix_user));
    auto next = std::ranges::find(others, std::optional(old.id), &Key::replaces);
    if (next != others.end())
        return api::conflict(
            "ssh_key_rotating",
            fmt::format(
                "\"{}\" is being replaced by \"{}\" already. Finish that, or revoke one of them.",
                old.label, next->label
            )
        );
    FAIRLEAD_TRY(key, keep(change, server, wanted, old.id));
    auto act = act_on(key, server.name, "ssh_key.rotate");
    (*act.after)["replaces"] = old.fingerprint;
    change.record(std::move(act));
    FAIRLEAD_TRY(
        operation, tell(change.unit(), change.scope(), change.actor(), server, key.unix_user)
    );
    return Asked{key, operation};
}

Result<Asked> SshKeys::finish(Change& change, const Server& server, Key key) {
    FAIRLEAD_CHECK(not_revoked(server));
    KeyRepo repo(change.db(), change.scope());
    FAIRLEAD_TRY(others, repo.of_user(server.id, key.unix_user));
    auto old = std::ranges::find_if(others, [&](const Key& one) {
        return key.replaces && one.id == *key.replaces;
    });
    if (old == others.end() || old->state == KeyState::removing)
        return api::conflict(
            "nothing_to_finish", "\"" + key.label + "\" does not replace another key (any more)."
        );
    if (key.state != KeyState::active)
        return api::conflict(
            "ssh_key_not_active",
            "The server has not put \"" + key.label +
                "\" in place yet, so the old key stays. Try again when it has."
        );
    if (old->state == KeyState::proving)
        return api::conflict(
            "ssh_key_rotating",
            "The server is being asked already whether \"" + key.label + "\" works."
        );
    old->state = old->state == KeyState::missing ? KeyState::missing : KeyState::proving;
    FAIRLEAD_CHECK(repo.update(*old));
    auto act = act_on(key, server.name, "ssh_key.finish_rotation");
    (*act.after)["replaces"] = old->fingerprint;
    change.record(std::move(act));
    FAIRLEAD_TRY(
        operation,
        tell(change.unit(), change.scope(), change.actor(), server, key.unix_user, key.fingerprint)
    );
    return Asked{key, operation};
}

Result<Asked> SshKeys::revoke(Change& change, const Server& server, Key key) {
    FAIRLEAD_CHECK(not_revoked(server));
    KeyRepo repo(change.db(), change.scope());
    change.record(act_on(key, server.name, "ssh_key.revoke"));
    if (key.state == KeyState::missing) {
        FAIRLEAD_CHECK(repo.remove(key.id));
        change.publish(event_of(change.scope().org(), server.id));
        return Asked{key, std::nullopt};
    }
    key.state = KeyState::removing;
    FAIRLEAD_CHECK(repo.update(key));
    FAIRLEAD_TRY(
        operation, tell(change.unit(), change.scope(), change.actor(), server, key.unix_user)
    );
    return Asked{key, operation};
}

Result<std::size_t> SshKeys::retry(Change& change, const Server& server) {
    FAIRLEAD_CHECK(not_revoked(server));
    FAIRLEAD_TRY(lists, KeyRepo(change.db(), change.scope()).lists(server.id));
    std::size_t count = 0;
    for (const auto& list : lists) {
        // That waits for somebody who logs in, not for the server.
        if (list.problem.empty() || list.problem_code == "ssh_key_unproven") continue;
        FAIRLEAD_CHECK(tell(change.unit(), change.scope(), change.actor(), server, list.unix_user));
        ++count;
    }
    if (count == 0) change.nothing_changed();
    return count;
}

} // namespace fairlead::ssh
