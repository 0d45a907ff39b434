#include "controller/fleet/server_repo.hpp"

#include <fmt/core.h>

namespace fairlead::fleet {
namespace {

// The plus keeps the planner off the index by organization, which would read all of its
// environments.
#define FAIRLEAD_SERVER                                                                            \
    "id, name, labels, status, last_seen_ms, enrolled_ms, revoked_ms, token_id, agent_version, "   \
    "capability,"                                                                                  \
    " facts, terminal_users, spki_sha256, serial, not_after_ms, recoveries,"                       \
    " (SELECT count(*) FROM environment WHERE +environment.org_id = server.org_id"                 \
    " AND environment.server_id = server.id) AS environments"

} // namespace

Result<> ServerRepo::insert(const Server& s) {
    FAIRLEAD_TRY(
        done, db_.run(
                  "INSERT INTO server (id, org_id, name, labels, status, enrolled_ms, token_id, "
                  "agent_version, capability, facts,"
                  " spki_sha256, serial, not_after_ms) VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, "
                  "$10, $11, $12, $13)"
                  " ON CONFLICT DO NOTHING",
                  org_, s.id, s.name, s.labels, s.status, s.enrolled_ms, s.token_id,
                  s.agent_version, s.capability, s.facts, s.spki_sha256, s.serial, s.not_after_ms
              )
    );
    if (done == 0)
        return fail(
            Error(
                Errc::conflict,
                "A server with this key is enrolled already. Remove the agent's key on the server "
                "(install.sh --uninstall) and enrol it again."
            )
                .with_code("key_in_use")
        );
    return {};
}

Result<std::optional<Server>> ServerRepo::find(const ServerId& id) {
    return db_.one<Server>(
        "SELECT " FAIRLEAD_SERVER " FROM server WHERE id = $2 AND org_id = $1", org_, id
    );
}

Result<Server> ServerRepo::get(const ServerId& id) {
    return store::present(find(id), "There is no such server.");
}

Result<std::int64_t> ServerRepo::count() {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>(
                   "SELECT count(*) FROM server WHERE org_id = $1 AND revoked_ms IS NULL", org_
               )
    );
    return count.value_or(0);
}

Result<bool> ServerRepo::has_name(std::string_view name) {
    FAIRLEAD_TRY(
        found,
        db_.one<std::int64_t>("SELECT 1 FROM server WHERE org_id = $1 AND name = $2", org_, name)
    );
    return found.has_value();
}

Result<std::vector<Server>>
ServerRepo::list(std::string_view status, std::string_view after, std::int64_t limit) {
    std::string name;
    if (!after.empty()) {
        FAIRLEAD_TRY(
            found, db_.one<std::string>(
                       "SELECT name FROM server WHERE org_id = $1 AND id = $2", org_, after
                   )
        );
        if (!found)
            return fail(Error(
                            Errc::invalid,
                            "The server that the cursor names is gone. Start again without it."
            )
                            .with_code("bad_cursor"));
        name = *found;
    }
    return db_.all<Server>(
        "SELECT " FAIRLEAD_SERVER " FROM server WHERE org_id = $1 AND ($2 = '' OR status = $2)"
        " AND ($3 = '' OR name > $4) ORDER BY name LIMIT $5",
        org_, status, after, name, limit
    );
}

Result<> ServerRepo::rename(const ServerId& id, std::string_view name, std::string_view labels) {
    auto done = db_.run(
        "UPDATE server SET name = $3, labels = $4 WHERE id = $2 AND org_id = $1", org_, id, name,
        labels
    );
    if (!done && done.error().kind() == Errc::conflict)
        return fail(Error(
                        Errc::conflict,
                        fmt::format("Another server is called \"{}\". Choose another name.", name)
        )
                        .with_code("name_in_use"));
    FAIRLEAD_CHECK(std::move(done));
    return {};
}

Result<> ServerRepo::revoke(const Server& server, Timestamp at) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE server SET status = 'revoked', revoked_ms = $3 WHERE id = $2 AND org_id = $1", org_,
        server.id, at
    ));
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO revoked_key (spki_sha256, org_id, server_id, revoked_ms)"
        " VALUES ($2, $1, $3, $4) ON CONFLICT DO NOTHING",
        org_, server.spki_sha256, server.id, at
    ));
    return {};
}

Result<> ServerRepo::remove(const ServerId& id) {
    FAIRLEAD_CHECK(
        db_.run("DELETE FROM agent_journal WHERE org_id = $1 AND server_id = $2", org_, id)
    );
    FAIRLEAD_CHECK(db_.run("DELETE FROM server WHERE id = $2 AND org_id = $1", org_, id));
    return {};
}

Result<> ServerRepo::came_online(
    const ServerId& id, Timestamp at, std::string_view agent_version, std::int64_t capability,
    std::string_view terminal_users
) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE server SET status = 'online', last_seen_ms = $3, agent_version = $4, capability = "
        "$5, terminal_users = $6"
        " WHERE id = $2 AND org_id = $1",
        org_, id, at, agent_version, capability, terminal_users
    ));
    return {};
}

Result<> ServerRepo::went_offline(const ServerId& id, Timestamp at) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE server SET status = 'offline', last_seen_ms = $3"
        " WHERE id = $2 AND org_id = $1 AND status <> 'revoked'",
        org_, id, at
    ));
    return {};
}

Result<> ServerRepo::store_facts(const ServerId& id, Timestamp at, std::string_view facts) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE server SET facts = $4, last_seen_ms = $3 WHERE id = $2 AND org_id = $1", org_, id,
        at, facts
    ));
    return {};
}

Result<>
ServerRepo::store_certificate(const ServerId& id, std::string_view serial, Timestamp not_after) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE server SET serial = $3, not_after_ms = $4 WHERE id = $2 AND org_id = $1", org_, id,
        serial, not_after
    ));
    return {};
}

Result<bool> ServerRepo::count_recovery(const ServerId& id) {
    FAIRLEAD_TRY(
        done, db_.run(
                  "UPDATE server SET recoveries = recoveries + 1 WHERE id = $2 AND org_id = $1"
                  " AND recoveries < $3",
                  org_, id, max_recoveries
              )
    );
    return done > 0;
}

Result<std::vector<ServerId>> ServerRepo::online() {
    return db_.all<ServerId>(
        "SELECT id FROM server WHERE org_id = $1 AND status = 'online' ORDER BY id", org_
    );
}

Result<std::vector<ServerId>> ServerRepo::awaited() {
    return db_.all<ServerId>(
        "SELECT id FROM server WHERE org_id = $1 AND status = 'unknown' AND last_seen_ms IS NOT "
        "NULL LIMIT 1000",
        org_
    );
}

Result<> ServerRepo::forget_online() {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE server SET status = 'unknown' WHERE org_id = $1 AND status = 'online'", org_
    ));
    return {};
}

Result<bool> key_is_revoked(store::Connection& db, std::string_view spki_sha256) {
    FAIRLEAD_TRY(
        found, db.one<OrgId>("SELECT org_id FROM revoked_key WHERE spki_sha256 = $1", spki_sha256)
    );
    return found.has_value();
}

Result<std::optional<OrgId>> org_of_server(store::Connection& db, const ServerId& id) {
    return db.one<OrgId>("SELECT org_id FROM server WHERE id = $1", id);
}

Result<std::vector<OrgId>> orgs_seen_as(store::Connection& db, ServerStatus status) {
    return db.all<OrgId>(
        "SELECT DISTINCT org_id FROM server WHERE status = $1 AND last_seen_ms IS NOT NULL LIMIT "
        "10000",
        status
    );
}

} // namespace fairlead::fleet
