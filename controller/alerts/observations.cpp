#include "controller/alerts/observations.hpp"

#include <boost/describe.hpp>

#include <algorithm>

namespace fairlead::alerts {
namespace {

struct ServerRow {
    std::string id, name, status;
    Timestamp not_after_ms;
};
BOOST_DESCRIBE_STRUCT(ServerRow, (), (id, name, status, not_after_ms))

struct EnvironmentRow {
    std::string id, name, project_id, server_id;
    std::string live_state, server_status;
    bool deployed = false;
    bool busy = false; ///< an operation changes it
    /// Where it is stopped or gone: the last one that says whether it shall be.
    std::string last_act;
    bool backup_enabled = false; ///< by a schedule
    std::optional<Timestamp> last_backup_ms;
    Timestamp backups_since_ms; ///< when they were set up
};
BOOST_DESCRIBE_STRUCT(
    EnvironmentRow, (),
    (id, name, project_id, server_id, live_state, server_status, deployed, busy, last_act,
     backup_enabled, last_backup_ms, backups_since_ms)
)

struct CertificateRow {
    std::string id, name;
    Timestamp not_after_ms;
};
BOOST_DESCRIBE_STRUCT(CertificateRow, (), (id, name, not_after_ms))

bool any_of(const std::set<Kind>& kinds, std::initializer_list<Kind> wanted) {
    return std::ranges::any_of(wanted, [&](Kind kind) { return kinds.contains(kind); });
}

double hours(Timestamp::duration time) {
    return std::chrono::duration<double, std::ratio<3600>>(time).count();
}

double days_until(Timestamp at, Timestamp now) {
    return hours(at - now) / 24;
}

std::optional<double> percent(double part, std::uint64_t whole) {
    if (!metrics::known(part) || whole == 0) return {};
    return std::clamp(100 * part / static_cast<double>(whole), 0.0, 100.0);
}

std::optional<double> in_use(Kind kind, const metrics::Newest& now) {
    auto value = [&](std::string_view name) {
        return now.values[metrics::place_of(metrics::server_series, name)];
    };
    if (kind == Kind::memory) return percent(value("memory_used_bytes"), now.memory_bytes);
    if (kind == Kind::disk) {
        auto used = percent(value("disk_free_bytes"), now.disk_bytes);
        if (used) *used = 100 - *used;
        return used;
    }
    auto busy = value("cpu_percent");
    return metrics::known(busy) ? std::optional(busy) : std::nullopt;
}

/// Stopped by somebody who wanted it so is not down.
std::optional<double> down(const EnvironmentRow& row) {
    if (row.server_status != "online" || row.busy) return {};
    if (row.live_state == "running") return 0;
    return row.last_act == "environment.stop" ? 0 : 1;
}

Result<> observe_servers(
    store::Connection& db, const api::OrgScope& scope, const metrics::NewestOfAll& newest,
    const std::set<Kind>& kinds, Timestamp now, Observations& all
) {
    FAIRLEAD_TRY(
        rows, db.all<ServerRow>(
                  "SELECT id, name, status, not_after_ms FROM server WHERE org_id = $1"
                  " AND revoked_ms IS NULL ORDER BY id LIMIT 10000",
                  scope.org()
              )
    );
    for (const auto& row : rows) {
        auto put = [&](Kind kind, std::optional<double> value) {
            if (kinds.contains(kind)) all[kind].push_back({row.id, row.name, row.id, "", value});
        };
        auto measured = newest.find(row.id);
        if (measured && now - measured->at > newest.fresh()) measured.reset();
        for (auto kind : {Kind::cpu, Kind::memory, Kind::disk})
            put(kind, measured ? in_use(kind, *measured) : std::nullopt);
        // "unknown": the controller has just started, and waits for it.
        std::optional<double> offline;
        if (row.status == "online") offline = 0;
        if (row.status == "offline") offline = 1;
        put(Kind::server_offline, offline);
        put(Kind::certificate_ending, days_until(row.not_after_ms, now));
    }
    return {};
}

Result<> observe_environments(
    store::Connection& db, const api::OrgScope& scope, const std::set<Kind>& kinds, Timestamp now,
    Observations& all
) {
    FAIRLEAD_TRY(
        rows,
        db.all<EnvironmentRow>(
            "SELECT e.id, e.name, e.project_id, e.server_id, e.live_state, s.status AS "
            "server_status, e.current_release IS NOT NULL AS deployed, EXISTS (SELECT 1 FROM "
            "operation o WHERE o.environment_id = e.id AND "
            "o.org_id = $1 AND o.mutating = 1 AND o.state IN ('queued', 'delivered', 'running', "
            "'unknown')) AS busy, CASE WHEN e.live_state IN ('stopped', '') THEN coalesce((SELECT "
            "o.kind "
            "FROM operation o WHERE o.org_id = $1 AND o.environment_id = e.id AND o.state = "
            "'succeeded' AND o.kind IN ('environment.start', 'environment.stop', "
            "'environment.restart', 'environment.deploy', 'environment.rollback') ORDER BY o.id "
            "DESC LIMIT 1), '') ELSE '' END AS last_act, e.backup_enabled = 1 AND EXISTS (SELECT 1 "
            "FROM "
            "backup_policy p WHERE p.org_id = $1 AND p.environment_id = e.id AND p.schedule <> '') "
            "AS backup_enabled, e.last_backup_ms, coalesce((SELECT p.updated_ms FROM backup_policy "
            "p WHERE p.org_id = $1 AND "
            "p.environment_id = e.id), e.created_ms) AS backups_since_ms FROM environment e JOIN "
            "server s ON s.org_id = e.org_id AND s.id = e.server_id WHERE e.org_id = $1 ORDER BY "
            "e.id LIMIT 10000",
            scope.org()
        )
    );
    for (const auto& row : rows) {
        auto put = [&](Kind kind, std::optional<double> value) {
            if (kinds.contains(kind))
                all[kind].push_back({row.id, row.name, row.server_id, row.project_id, value});
        };
        // Nothing of it is there before its first deployment; later, that is down.
        if (!row.live_state.empty() || row.deployed) put(Kind::environment_down, down(row));
        auto since = row.last_backup_ms.value_or(row.backups_since_ms);
        if (row.backup_enabled) put(Kind::backup_too_old, hours(now - since));
    }
    return {};
}

Result<> observe_certificates(
    store::Connection& db, const api::OrgScope& scope, Timestamp now, Observations& all
) {
    FAIRLEAD_TRY(
        rows, db.all<CertificateRow>(
                  "SELECT id, name, not_after_ms FROM certificate WHERE org_id = $1"
                  " AND not_after_ms IS NOT NULL ORDER BY id LIMIT 10000",
                  scope.org()
              )
    );
    for (const auto& row : rows)
        all[Kind::certificate_ending].push_back(
            {row.id, row.name, "", "", days_until(row.not_after_ms, now)}
        );
    return {};
}

} // namespace

bool Observation::is_of(std::string_view target) const {
    return target.empty() || target == id || target == server_id || target == project_id;
}

Result<Observations> observe(
    store::Connection& db, const api::OrgScope& scope, const metrics::NewestOfAll& newest,
    const std::set<Kind>& kinds, Timestamp now
) {
    Observations all;
    if (any_of(
            kinds,
            {Kind::cpu, Kind::memory, Kind::disk, Kind::server_offline, Kind::certificate_ending}
        ))
        FAIRLEAD_CHECK(observe_servers(db, scope, newest, kinds, now, all));
    if (any_of(kinds, {Kind::environment_down, Kind::backup_too_old}))
        FAIRLEAD_CHECK(observe_environments(db, scope, kinds, now, all));
    if (kinds.contains(Kind::certificate_ending))
        FAIRLEAD_CHECK(observe_certificates(db, scope, now, all));
    return all;
}

} // namespace fairlead::alerts
