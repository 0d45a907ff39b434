#include "controller/ssh/key_repo.hpp"

namespace fairlead::ssh {
namespace {

#define FAIRLEAD_SSH_KEY                                                                           \
    "SELECT id, server_id, unix_user, label, public_key, fingerprint, type, bits, state, "         \
    "replaces, created_ms, created_by, created_by_email, confirmed_ms FROM ssh_key WHERE org_id "  \
    "= $1"
#define FAIRLEAD_SSH_LIST                                                                          \
    "SELECT unix_user, operation_id, problem_code, problem FROM ssh_list WHERE org_id = $1 AND "   \
    "server_id = $2"

} // namespace

Result<bool> KeyRepo::insert(const Key& k) {
    FAIRLEAD_TRY(
        done,
        db_.run(
            "INSERT INTO ssh_key (id, org_id, server_id, unix_user, label, public_key, "
            "fingerprint, type, bits, state, replaces, created_ms, created_by, created_by_email, "
            "confirmed_ms) VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, "
            "$15) ON CONFLICT DO NOTHING",
            org_, k.id, k.server_id, k.unix_user, k.label, k.public_key, k.fingerprint, k.type,
            k.bits, k.state, k.replaces, k.created_ms, k.created_by, k.created_by_email,
            k.confirmed_ms
        )
    );
    return done > 0;
}

Result<> KeyRepo::update(const Key& key) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE ssh_key SET state = $3, replaces = $4, confirmed_ms = $5 WHERE org_id = $1 AND id "
        "= $2",
        org_, key.id, key.state, key.replaces, key.confirmed_ms
    ));
    return {};
}

Result<> KeyRepo::remove(const SshKeyId& id) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM ssh_key WHERE org_id = $1 AND id = $2", org_, id));
    return {};
}

Result<Key> KeyRepo::get(const ServerId& server, const SshKeyId& id) {
    return store::present(
        db_.one<Key>(FAIRLEAD_SSH_KEY " AND server_id = $2 AND id = $3", org_, server, id),
        "There is no such SSH key."
    );
}

Result<std::vector<Key>> KeyRepo::of_server(const ServerId& server) {
    return db_.all<Key>(
        FAIRLEAD_SSH_KEY " AND server_id = $2 ORDER BY unix_user, id LIMIT $3", org_, server,
        2 * max_keys
    );
}

Result<std::vector<Key>> KeyRepo::of_user(const ServerId& server, std::string_view user) {
    return db_.all<Key>(
        FAIRLEAD_SSH_KEY " AND server_id = $2 AND unix_user = $3 ORDER BY id LIMIT $4", org_,
        server, user, 2 * max_keys
    );
}

Result<std::vector<List>> KeyRepo::lists(const ServerId& server) {
    return db_.all<List>(FAIRLEAD_SSH_LIST " ORDER BY unix_user LIMIT 1000", org_, server);
}

Result<std::optional<List>> KeyRepo::list(const ServerId& server, std::string_view user) {
    return db_.one<List>(FAIRLEAD_SSH_LIST " AND unix_user = $3", org_, server, user);
}

Result<> KeyRepo::put(const ServerId& server, const List& list) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO ssh_list (org_id, server_id, unix_user, operation_id, problem_code, problem) "
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (server_id, unix_user) DO UPDATE SET "
        "operation_id = $4, problem_code = $5, problem = $6 WHERE org_id = $1",
        org_, server, list.unix_user, list.operation_id, list.problem_code, list.problem
    ));
    return {};
}

Result<std::optional<ServerWord>> KeyRepo::word(const ServerId& server) {
    return db_.one<ServerWord>(
        "SELECT users, port, problem, told_ms FROM ssh_server WHERE org_id = $1 AND server_id = $2",
        org_, server
    );
}

Result<> KeyRepo::put(const ServerId& server, const ServerWord& word) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO ssh_server (org_id, server_id, users, port, problem, told_ms) VALUES ($1, $2, "
        "$3, $4, $5, $6) ON CONFLICT (server_id) DO UPDATE SET users = $3, port = $4, problem = "
        "$5, told_ms = $6 WHERE org_id = $1",
        org_, server, word.users, word.port, word.problem, word.told_ms
    ));
    return {};
}

Result<std::int64_t> KeyRepo::forget(const ServerId& server) {
    FAIRLEAD_TRY(
        gone, db_.run("DELETE FROM ssh_key WHERE org_id = $1 AND server_id = $2", org_, server)
    );
    FAIRLEAD_CHECK(
        db_.run("DELETE FROM ssh_list WHERE org_id = $1 AND server_id = $2", org_, server)
    );
    FAIRLEAD_CHECK(
        db_.run("DELETE FROM ssh_server WHERE org_id = $1 AND server_id = $2", org_, server)
    );
    return static_cast<std::int64_t>(gone);
}

Result<> erase(store::Connection& db, const api::OrgScope& scope) {
    FAIRLEAD_CHECK(db.run("DELETE FROM ssh_key WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(db.run("DELETE FROM ssh_list WHERE org_id = $1", scope.org()));
    FAIRLEAD_CHECK(db.run("DELETE FROM ssh_server WHERE org_id = $1", scope.org()));
    return {};
}

} // namespace fairlead::ssh
