#include "controller/access/connect_repo.hpp"

namespace fairlead::access {

#define FAIRLEAD_GRANT                                                                             \
    "SELECT g.id, g.org_id, o.name AS org_name, g.agency_id, a.name AS agency_name, g.role,"       \
    " coalesce(r.name, g.role) AS role_name, r.permissions AS role_permissions, g.permissions,"    \
    " g.limited, g.note, g.expires_ms, g.created_ms, g.created_by, g.created_by_email,"            \
    " g.revoked_ms FROM connect_grant g JOIN org o ON o.id = g.org_id"                             \
    " JOIN org a ON a.id = g.agency_id LEFT JOIN role r ON r.id = g.role AND r.org_id = g.org_id"

#define FAIRLEAD_CONNECT_COLUMNS                                                                   \
    "SELECT s.id, s.grant_id, s.org_id, o.name AS org_name, s.agency_id, a.name AS agency_name,"   \
    " s.user_id, s.user_email, s.session_id, s.reason, s.started_ms, s.expires_ms, s.ended_ms"
#define FAIRLEAD_CONNECT_TABLES                                                                    \
    " FROM connect_session s JOIN org o ON o.id = s.org_id JOIN org a ON a.id = s.agency_id"
#define FAIRLEAD_CONNECT FAIRLEAD_CONNECT_COLUMNS ", s.ended_because" FAIRLEAD_CONNECT_TABLES

Result<> ConnectRepo::insert(const ConnectGrant& g) {
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM connect_grant WHERE org_id = $1 AND (revoked_ms IS NOT NULL OR expires_ms <="
        " $2) AND id NOT IN (SELECT id FROM connect_grant WHERE org_id = $1 ORDER BY id DESC"
        " LIMIT 300)",
        org_, g.created_ms
    ));
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO connect_grant (id, org_id, agency_id, role, permissions, limited, note,"
        " expires_ms, created_ms, created_by, created_by_email)"
        " VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        org_, g.id, g.agency_id, g.role, g.permissions, g.limited, g.note, g.expires_ms,
        g.created_ms, g.created_by, g.created_by_email
    ));
    return {};
}

Result<std::vector<ConnectGrant>> ConnectRepo::given(std::string_view below, std::int64_t limit) {
    return db_.all<ConnectGrant>(
        FAIRLEAD_GRANT
        " WHERE g.org_id = $1 AND ($2 = '' OR g.id < $2) ORDER BY g.id DESC LIMIT $3",
        org_, below, limit
    );
}

Result<std::int64_t> ConnectRepo::count_open(Timestamp now) {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>(
                   "SELECT count(*) FROM connect_grant WHERE org_id = $1 AND revoked_ms IS NULL"
                   " AND expires_ms > $2",
                   org_, now
               )
    );
    return count.value_or(0);
}

Result<std::vector<ConnectGrant>>
ConnectRepo::received(std::string_view below, std::int64_t limit) {
    return db_.all<ConnectGrant>(
        FAIRLEAD_GRANT
        " WHERE g.agency_id = $1 AND ($2 = '' OR g.id < $2) ORDER BY g.id DESC LIMIT $3",
        org_, below, limit
    );
}

Result<ConnectGrant> ConnectRepo::grant(const GrantId& id) {
    return store::present(
        db_.one<ConnectGrant>(
            FAIRLEAD_GRANT " WHERE g.id = $2 AND (g.org_id = $1 OR g.agency_id = $1)", org_, id
        ),
        "There is no such Connect-As grant."
    );
}

Result<> ConnectRepo::revoke(const GrantId& id, Timestamp now) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE connect_grant SET revoked_ms = $3 WHERE id = $2 AND (org_id = $1 OR agency_id = $1)"
        " AND revoked_ms IS NULL",
        org_, id, now
    ));
    return {};
}

Result<std::vector<ProjectId>> ConnectRepo::projects(const ConnectGrant& grant) {
    return db_.all<ProjectId>(
        "SELECT project_id FROM project_limit WHERE org_id = $1 AND holder = $2"
        " ORDER BY project_id LIMIT 1000",
        grant.org_id, grant.id
    );
}

Result<> ConnectRepo::limit_to(const GrantId& id, const std::vector<ProjectId>& projects) {
    for (const auto& project : projects)
        FAIRLEAD_CHECK(db_.run(
            "INSERT INTO project_limit (org_id, holder, project_id) VALUES ($1, $2, $3)"
            " ON CONFLICT DO NOTHING",
            org_, id, project
        ));
    return {};
}

Result<> ConnectRepo::insert(const ConnectSession& s) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO connect_session (id, grant_id, org_id, agency_id, user_id, user_email,"
        " session_id, reason, started_ms, expires_ms, ended_because)"
        " VALUES ($2, $3, $4, $1, $5, $6, $7, $8, $9, $10, '')",
        org_, s.id, s.grant_id, s.org_id, s.user_id, s.user_email, s.session_id, s.reason,
        s.started_ms, s.expires_ms
    ));
    return {};
}

Result<std::int64_t> ConnectRepo::count_open(const UserId& user) {
    FAIRLEAD_TRY(
        count, db_.one<std::int64_t>(
                   "SELECT count(*) FROM connect_session WHERE agency_id = $1 AND user_id = $2"
                   " AND ended_ms IS NULL",
                   org_, user
               )
    );
    return count.value_or(0);
}

Result<std::vector<ConnectSession>>
ConnectRepo::sessions(std::string_view below, std::int64_t limit, bool open_only) {
    return db_.all<ConnectSession>(
        FAIRLEAD_CONNECT " WHERE (s.org_id = $1 OR s.agency_id = $1) AND ($2 = '' OR s.id < $2)"
                         " AND ($4 = 0 OR s.ended_ms IS NULL) ORDER BY s.id DESC LIMIT $3",
        org_, below, limit, open_only
    );
}

Result<ConnectSession> ConnectRepo::session(const ConnectId& id) {
    return store::present(
        db_.one<ConnectSession>(
            FAIRLEAD_CONNECT " WHERE s.id = $2 AND (s.org_id = $1 OR s.agency_id = $1)", org_, id
        ),
        "There is no such Connect-As session."
    );
}

Result<std::vector<ConnectSession>> ConnectRepo::open_sessions(const GrantId& grant) {
    return db_.all<ConnectSession>(
        FAIRLEAD_CONNECT " WHERE (s.org_id = $1 OR s.agency_id = $1) AND s.grant_id = $2"
                         " AND s.ended_ms IS NULL LIMIT $3",
        org_, grant, most_read
    );
}

Result<std::vector<ConnectSession>> ConnectRepo::open_sessions() {
    return db_.all<ConnectSession>(
        FAIRLEAD_CONNECT
        " WHERE (s.org_id = $1 OR s.agency_id = $1) AND s.ended_ms IS NULL LIMIT $2",
        org_, most_read
    );
}

Result<bool> ConnectRepo::end(const ConnectId& id, std::string_view because, Timestamp now) {
    FAIRLEAD_TRY(
        ended, db_.run(
                   "UPDATE connect_session SET ended_ms = $3, ended_because = $4 WHERE id = $2"
                   " AND (org_id = $1 OR agency_id = $1) AND ended_ms IS NULL",
                   org_, id, now, because
               )
    );
    return ended > 0;
}

Result<std::optional<NamedOrg>> org_named(store::Connection& db, std::string_view id_or_slug) {
    return db.one<NamedOrg>(
        "SELECT id, name, slug FROM org WHERE id = $1 OR slug = $1", id_or_slug
    );
}

Result<BothEnds> both_ends(store::Connection& db, const ConnectGrant& grant, const UserId& user) {
    FAIRLEAD_TRY(
        ends, db.one<BothEnds>(
                  "SELECT coalesce((SELECT connect_as_enabled FROM org_setting WHERE org_id = $1),"
                  " 1) AS client_on, coalesce((SELECT connect_as_enabled FROM org_setting WHERE"
                  " org_id = $2), 1) AS agency_on, coalesce((SELECT connect_as FROM membership"
                  " WHERE org_id = $2 AND user_id = $3), 0) AS member_may",
                  grant.org_id, grant.agency_id, user
              )
    );
    return ends.value();
}

Result<std::vector<ConnectSession>> connect_sessions_over(store::Connection& db, Timestamp now) {
    return db.all<ConnectSession>(
        FAIRLEAD_CONNECT_COLUMNS
        ", CASE WHEN s.expires_ms <= $1 THEN 'expired'"
        " WHEN g.id IS NULL OR g.revoked_ms IS NOT NULL THEN 'grant_revoked'"
        " WHEN m.user_id IS NULL OR m.connect_as = 0 THEN 'member_restricted'"
        " WHEN b.id IS NULL THEN 'signed_out' ELSE 'switched_off' END"
        " AS ended_because" FAIRLEAD_CONNECT_TABLES
        " LEFT JOIN connect_grant g ON g.id = s.grant_id AND g.org_id = s.org_id"
        " LEFT JOIN membership m ON m.org_id = s.agency_id AND m.user_id = s.user_id"
        " LEFT JOIN session b ON b.id = s.session_id"
        " LEFT JOIN org_setting oc ON oc.org_id = s.org_id"
        " LEFT JOIN org_setting ac ON ac.org_id = s.agency_id"
        " WHERE s.ended_ms IS NULL AND (s.expires_ms <= $1 OR g.id IS NULL"
        " OR g.revoked_ms IS NOT NULL OR m.user_id IS NULL OR m.connect_as = 0 OR b.id IS NULL"
        " OR coalesce(oc.connect_as_enabled, 1) = 0 OR coalesce(ac.connect_as_enabled, 1) = 0)"
        " ORDER BY s.id LIMIT 200",
        now
    );
}

Result<std::vector<ConnectSession>>
connect_sessions_of(store::Connection& db, const SessionId& session) {
    return db.all<ConnectSession>(
        FAIRLEAD_CONNECT " WHERE s.session_id = $1 AND s.ended_ms IS NULL LIMIT 1000", session
    );
}

Result<> forget_connect_sessions(store::Connection& db, Timestamp before) {
    FAIRLEAD_TRY(
        orgs,
        db.all<OrgId>(
            "SELECT DISTINCT org_id FROM connect_session WHERE ended_ms < $1 LIMIT 1000", before
        )
    );
    for (const auto& org : orgs)
        FAIRLEAD_CHECK(
            db.run("DELETE FROM connect_session WHERE org_id = $1 AND ended_ms < $2", org, before)
        );
    return {};
}

} // namespace fairlead::access
