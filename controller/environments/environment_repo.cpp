#include "controller/environments/environment_repo.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace fairlead::environments {
namespace {

#define FAIRLEAD_OWN_COLUMNS                                                                       \
    "id, project_id, server_id, name, slug, type, branch, port, gevent_port, modules, "            \
    "requirements, domains, exposure,"                                                             \
    " memory_max_bytes, cpu_percent, tasks_max, workers, system_site_packages, keep_releases, "    \
    "live_state, live_detail, connector_state,"                                                    \
    " current_release, next_release, last_operation_id, created_ms, backup_storage, "              \
    "backup_recipient, next_backup_ms, next_drill_ms, backup_enabled, last_backup_ms, "            \
    "last_restored_ms, last_drill_ms, last_drill_passed, mail_capture, mail_days, "                \
    "mail_messages, mail_bytes"

// Environments of $1 that the holder $2 of a limit to projects sees, with their server's status and
// protocol, and the operation that is not over. "" sees all of them.
#define FAIRLEAD_SEEN                                                                              \
    " AND ($2 = '' OR EXISTS (SELECT 1 FROM project_limit l WHERE l.org_id = $1 AND l.holder = $2" \
    " AND l.project_id = e.project_id))"
#define FAIRLEAD_ENVIRONMENT                                                                       \
    "SELECT " FAIRLEAD_OWN_COLUMNS                                                                 \
    ", status, server_status, server_protocol, busy_kind, busy_state FROM ("                       \
    "SELECT e.*, s.status AS server_status, coalesce(s.capability, 0) AS server_protocol, "        \
    "coalesce(o.kind, '') AS busy_kind, coalesce(o.state, "                                        \
    "'') AS busy_state,"                                                                           \
    " CASE WHEN o.kind = 'environment.delete' THEN 'deleting'"                                     \
    " WHEN s.status <> 'online' AND (e.live_state <> '' OR o.state IN ('delivered', 'running', "   \
    "'unknown'))"                                                                                  \
    " THEN 'unknown'"                                                                              \
    " WHEN o.kind IN ('environment.deploy', 'environment.rollback') THEN 'deploying'"              \
    " WHEN e.live_state = '' THEN 'new'"                                                           \
    " WHEN e.live_state IN ('running', 'starting') THEN 'running'"                                 \
    " WHEN e.live_state = 'stopped' THEN 'stopped' ELSE 'failed' END AS status"                    \
    " FROM environment e JOIN server s ON s.id = e.server_id AND s.org_id = e.org_id"              \
    " LEFT JOIN operation o ON o.environment_id = e.id AND o.org_id = e.org_id AND o.mutating = 1" \
    " AND o.state IN ('queued', 'delivered', 'running', 'unknown') WHERE e.org_id = "              \
    "$1" FAIRLEAD_SEEN ") AS v "

} // namespace

bool is_status(std::string_view word) {
    constexpr std::array words{"new",    "deploying", "running", "stopped",
                               "failed", "unknown",   "deleting"};
    return std::find(words.begin(), words.end(), word) != words.end();
}

Result<bool> EnvironmentRepo::insert(const Environment& e) {
    FAIRLEAD_TRY(
        done,
        db_.run(
            "INSERT INTO environment (id, org_id, project_id, server_id, name, slug, type, branch, "
            "port, gevent_port, modules,"
            " requirements, domains, exposure, memory_max_bytes, cpu_percent, tasks_max, workers, "
            "system_site_packages, keep_releases,"
            " created_ms) VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, "
            "$15, $16, $17, $18, $19, $20, $21)"
            " ON CONFLICT DO NOTHING",
            org_, e.id, e.project_id, e.server_id, e.name, e.slug, e.type, e.branch, e.port,
            e.gevent_port, e.modules, e.requirements, e.domains, e.exposure, e.memory_max_bytes,
            e.cpu_percent, e.tasks_max, e.workers, e.system_site_packages, e.keep_releases,
            e.created_ms
        )
    );
    return done > 0;
}

Result<std::optional<Environment>> EnvironmentRepo::find(const EnvironmentId& id) {
    return db_.one<Environment>(FAIRLEAD_ENVIRONMENT "WHERE id = $3", org_, limit_, id);
}

Result<Environment> EnvironmentRepo::get(const EnvironmentId& id) {
    return store::present(find(id), "There is no such environment.");
}

Result<std::vector<Environment>> EnvironmentRepo::list(const EnvironmentFilter& f) {
    std::string name;
    if (!f.after.empty()) {
        FAIRLEAD_TRY(
            found, db_.one<std::string>(
                       "SELECT name FROM environment e WHERE org_id = $1 AND id = $3" FAIRLEAD_SEEN,
                       org_, limit_, f.after
                   )
        );
        if (!found)
            return fail(Error(
                            Errc::invalid,
                            "The environment that the cursor names is gone. Start again without it."
            )
                            .with_code("bad_cursor"));
        name = *found;
    }
    return db_.all<Environment>(
        FAIRLEAD_ENVIRONMENT
        "WHERE ($3 = '' OR project_id = $3) AND ($4 = '' OR server_id = $4) AND ($5 = '' OR status "
        "= $5)"
        " AND ($6 = '' OR name > $7 OR (name = $7 AND id > $6)) ORDER BY name, id LIMIT $8",
        org_, limit_, f.project, f.server, f.status, f.after, name, f.limit
    );
}

Result<std::vector<Environment>> EnvironmentRepo::on_server(const ServerId& server) {
    return db_.all<Environment>(
        FAIRLEAD_ENVIRONMENT "WHERE server_id = $3 ORDER BY id LIMIT 1000", org_, limit_, server
    );
}

Result<std::vector<Environment>> EnvironmentRepo::of_project(const ProjectId& project) {
    return db_.all<Environment>(
        FAIRLEAD_ENVIRONMENT "WHERE project_id = $3 ORDER BY id LIMIT 1000", org_, limit_, project
    );
}

Result<bool> EnvironmentRepo::another_has(const EnvironmentId& environment, std::string_view host) {
    FAIRLEAD_TRY(
        found,
        db_.one<int>(
            "SELECT 1 FROM environment WHERE org_id = $1 AND id <> $2 AND EXISTS (SELECT 1 FROM "
            "json_each(environment.domains) WHERE value = $3) LIMIT 1",
            org_, environment, host
        )
    );
    return found.has_value();
}

Result<std::int64_t> EnvironmentRepo::count_on_server(const ServerId& server) {
    FAIRLEAD_TRY(
        count,
        db_.one<std::int64_t>(
            "SELECT count(*) FROM environment WHERE +org_id = $1 AND server_id = $2", org_, server
        )
    );
    return count.value_or(0);
}

Result<std::int64_t> EnvironmentRepo::count_all() {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>("SELECT count(*) FROM environment WHERE org_id = $1", org_)
    );
    return count.value_or(0);
}

Result<> EnvironmentRepo::update(const Environment& e) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE environment SET name = $3, branch = $4, port = $5, gevent_port = $6, modules = $7, "
        "requirements = $8,"
        " domains = $9, memory_max_bytes = $10, cpu_percent = $11, tasks_max = $12, workers = $13,"
        " system_site_packages = $14, keep_releases = $15, exposure = $16 WHERE id = $2 AND org_id "
        "= $1",
        org_, e.id, e.name, e.branch, e.port, e.gevent_port, e.modules, e.requirements, e.domains,
        e.memory_max_bytes, e.cpu_percent, e.tasks_max, e.workers, e.system_site_packages,
        e.keep_releases, e.exposure
    ));
    return {};
}

Result<> EnvironmentRepo::update_live(const Environment& e) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE environment SET live_state = $3, live_detail = $4, current_release = $5, "
        "next_release = $6, connector_state = $7"
        " WHERE id = $2 AND org_id = $1",
        org_, e.id, e.live_state, e.live_detail, e.current_release, e.next_release,
        e.connector_state
    ));
    return {};
}

Result<> EnvironmentRepo::update_backup(const Environment& e) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE environment SET backup_storage = $3, backup_recipient = $4, next_backup_ms = $5, "
        "next_drill_ms = $6, backup_enabled = $7, last_backup_ms = $8, last_restored_ms = $9, "
        "last_drill_ms = $10, last_drill_passed = $11 WHERE id = $2 AND org_id = $1",
        org_, e.id, e.backup_storage, e.backup_recipient, e.next_backup_ms, e.next_drill_ms,
        e.backup_enabled, e.last_backup_ms, e.last_restored_ms, e.last_drill_ms, e.last_drill_passed
    ));
    return {};
}

Result<> EnvironmentRepo::update_mail(const Environment& e) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE environment SET mail_capture = $3, mail_days = $4, mail_messages = $5, mail_bytes "
        "= "
        "$6 WHERE id = $2 AND org_id = $1",
        org_, e.id, e.mail_capture, e.mail_days, e.mail_messages, e.mail_bytes
    ));
    return {};
}

Result<>
EnvironmentRepo::set_last_operation(const EnvironmentId& id, const OperationId& operation) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE environment SET last_operation_id = $3 WHERE id = $2 AND org_id = $1", org_, id,
        operation
    ));
    return {};
}

Result<> EnvironmentRepo::remove(const EnvironmentId& id) {
    FAIRLEAD_CHECK(
        db_.run("DELETE FROM environment_port WHERE environment_id = $2 AND org_id = $1", org_, id)
    );
    FAIRLEAD_CHECK(db_.run("DELETE FROM environment WHERE id = $2 AND org_id = $1", org_, id));
    return {};
}

Result<bool> EnvironmentRepo::slug_found(const ServerId& server, std::string_view slug) {
    FAIRLEAD_TRY(
        found,
        db_.one<std::int64_t>(
            "SELECT 1 FROM found_environment WHERE org_id = $1 AND server_id = $2 AND slug = $3",
            org_, server, slug
        )
    );
    return found.has_value();
}

Result<std::vector<std::int64_t>> EnvironmentRepo::taken_ports(const ServerId& server) {
    return db_.all<std::int64_t>(
        "SELECT port FROM environment_port WHERE org_id = $1 AND server_id = $2"
        " UNION SELECT port FROM found_environment WHERE org_id = $1 AND server_id = $2 ORDER BY 1 "
        "LIMIT 10000",
        org_, server
    );
}

Result<> EnvironmentRepo::take_ports(const Environment& e) {
    for (auto port : {e.port, e.gevent_port}) {
        FAIRLEAD_CHECK(db_.run(
            "INSERT INTO environment_port (server_id, port, org_id, environment_id) VALUES ($2, "
            "$3, $1, $4)"
            " ON CONFLICT DO NOTHING",
            org_, e.server_id, port, e.id
        ));
        FAIRLEAD_TRY(
            owner, db_.one<EnvironmentId>(
                       "SELECT environment_id FROM environment_port WHERE org_id = $1 AND "
                       "server_id = $2 AND port = $3",
                       org_, e.server_id, port
                   )
        );
        FAIRLEAD_TRY(
            found, db_.one<std::int64_t>(
                       "SELECT 1 FROM found_environment WHERE org_id = $1 AND server_id = $2 AND "
                       "port = $3",
                       org_, e.server_id, port
                   )
        );
        if (!owner || *owner != e.id || found)
            return fail(
                Error(
                    Errc::conflict,
                    fmt::format(
                        "Port {} of this server belongs to another environment. Leave the port "
                        "out, and a free one is chosen.",
                        port
                    )
                )
                    .with_code("port_in_use")
            );
    }
    return {};
}

Result<> EnvironmentRepo::release_old_ports(const Environment& e) {
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM environment_port WHERE org_id = $1 AND environment_id = $2 AND port <> $3 AND "
        "port <> $4",
        org_, e.id, e.port, e.gevent_port
    ));
    return {};
}

Result<> EnvironmentRepo::put_found(const ServerId& server, const std::vector<Found>& found) {
    FAIRLEAD_CHECK(
        db_.run("DELETE FROM found_environment WHERE org_id = $1 AND server_id = $2", org_, server)
    );
    for (const auto& one : found)
        FAIRLEAD_CHECK(db_.run(
            "INSERT INTO found_environment (server_id, slug, org_id, environment_id, port, details)"
            " VALUES ($2, $3, $1, $4, $5, $6) ON CONFLICT DO NOTHING",
            org_, server, one.slug, one.environment, one.port, one.details
        ));
    return {};
}

Result<std::vector<Found>>
EnvironmentRepo::list_found(const ServerId& server, std::string_view after, std::int64_t limit) {
    return db_.all<Found>(
        "SELECT slug, environment_id AS environment, port, details FROM found_environment"
        " WHERE org_id = $1 AND server_id = $2 AND environment_id > $3 AND $5 = '' ORDER BY "
        "environment_id LIMIT $4",
        org_, server, after, limit, limit_
    );
}

Result<std::optional<Found>>
EnvironmentRepo::found(const ServerId& server, const EnvironmentId& environment) {
    return db_.one<Found>(
        "SELECT slug, environment_id AS environment, port, details FROM found_environment"
        " WHERE org_id = $1 AND server_id = $2 AND environment_id = $3",
        org_, server, environment
    );
}

Result<> EnvironmentRepo::remove_found(const ServerId& server, const EnvironmentId& environment) {
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM found_environment WHERE org_id = $1 AND server_id = $2 AND environment_id = "
        "$3",
        org_, server, environment
    ));
    return {};
}

} // namespace fairlead::environments
