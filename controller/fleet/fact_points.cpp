#include "controller/fleet/fact_points.hpp"

namespace fairlead::fleet {

Result<> FactPoints::add(const ServerId& server, Timestamp at, const proto::Facts& facts) {
    for (auto resolution : {fine, coarse}) {
        auto period = std::chrono::milliseconds(resolution.period);
        auto bucket = Timestamp(at.time_since_epoch() / period * period);
        FAIRLEAD_CHECK(db_.run(
            "INSERT INTO server_point (server_id, period_s, at_ms, org_id, samples, cpu_percent, "
            "memory_bytes, disk_bytes,"
            " load1) VALUES ($2, $3, $4, $1, 1, $5, $6, $7, $8) ON CONFLICT (server_id, period_s, "
            "at_ms) DO UPDATE SET"
            " samples = server_point.samples + 1, cpu_percent = server_point.cpu_percent + "
            "excluded.cpu_percent,"
            " memory_bytes = server_point.memory_bytes + excluded.memory_bytes,"
            " disk_bytes = server_point.disk_bytes + excluded.disk_bytes, load1 = "
            "server_point.load1 + excluded.load1",
            org_, server, static_cast<std::int64_t>(resolution.period.count()), bucket,
            facts.cpu.used_percent, static_cast<double>(facts.memory.used_bytes),
            static_cast<double>(facts.disk.free_bytes), facts.load.empty() ? 0.0 : facts.load[0]
        ));
        FAIRLEAD_CHECK(db_.run(
            "DELETE FROM server_point WHERE org_id = $1 AND server_id = $2 AND period_s = $3 AND "
            "at_ms < $4",
            org_, server, static_cast<std::int64_t>(resolution.period.count()), at - resolution.kept
        ));
    }
    return {};
}

Result<std::vector<FactPoint>>
FactPoints::range(const ServerId& server, Resolution resolution, Timestamp from, Timestamp to) {
    return db_.all<FactPoint>(
        "SELECT at_ms, cpu_percent / samples AS cpu_percent, memory_bytes / samples AS "
        "memory_bytes,"
        " disk_bytes / samples AS disk_bytes, load1 / samples AS load1 FROM server_point"
        " WHERE org_id = $1 AND server_id = $2 AND period_s = $3 AND at_ms >= $4 AND at_ms <= $5"
        " ORDER BY at_ms LIMIT 4400",
        org_, server, static_cast<std::int64_t>(resolution.period.count()), from, to
    );
}

Result<> FactPoints::prune(Timestamp now) {
    for (auto resolution : {fine, coarse})
        FAIRLEAD_CHECK(db_.run(
            "DELETE FROM server_point WHERE org_id = $1 AND period_s = $2 AND at_ms < $3", org_,
            static_cast<std::int64_t>(resolution.period.count()), now - resolution.kept
        ));
    return {};
}

Result<std::vector<OrgId>> orgs_with_old_points(store::Connection& db, Timestamp now) {
    return db.all<OrgId>(
        "SELECT DISTINCT org_id FROM server_point WHERE (period_s = $1 AND at_ms < $2) OR "
        "(period_s = $3 AND at_ms < $4)"
        " LIMIT 10000",
        static_cast<std::int64_t>(fine.period.count()), now - fine.kept,
        static_cast<std::int64_t>(coarse.period.count()), now - coarse.kept
    );
}

} // namespace fairlead::fleet
