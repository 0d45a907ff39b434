#include "controller/metrics/sample_repo.hpp"

#include <algorithm>
#include <tuple>

namespace fairlead::metrics {
namespace {

std::int64_t seconds(const Resolution& resolution) {
    return resolution.period.count();
}

/// Rows that begin before hold nothing that is still to be kept.
Timestamp oldest(const Resolution& resolution, Timestamp now) {
    return now - resolution.kept - resolution.block;
}

/// One point of the coarse resolution, out of the fine ones of its time.
Values coarse_of(std::string_view subject, const std::vector<Point>& points, std::int64_t slot) {
    auto values = mean(points, slot * thinning, slot * thinning + thinning - 1);
    auto all = series_of(subject);
    if (values.empty() || all.data() != environment_series.data()) return values;
    // Of all requests alike, and not of times with many and with few.
    auto requests = values[place_of(all, "requests_per_s")];
    auto busy = values[place_of(all, "requests_under_way")];
    values[place_of(all, "request_ms")] = requests > 0 ? 1000 * busy / requests : unknown();
    return values;
}

} // namespace

Result<std::optional<SampleRepo::Row>>
SampleRepo::newest(std::string_view subject, const Resolution& resolution) {
    return db_.one<Row>(
        "SELECT start_ms, points FROM metric_block WHERE org_id = $1 AND subject_id = $2"
        " AND period_s = $3 ORDER BY start_ms DESC LIMIT 1",
        org_, subject, seconds(resolution)
    );
}

Result<> SampleRepo::put(
    std::string_view subject, const Resolution& resolution, Timestamp start, bool replace,
    const std::vector<Point>& points
) {
    store::Blob block{encode(points, series_of(subject))};
    if (replace) {
        FAIRLEAD_CHECK(db_.run(
            "UPDATE metric_block SET points = $5 WHERE org_id = $1 AND subject_id = $2"
            " AND period_s = $3 AND start_ms = $4",
            org_, subject, seconds(resolution), start, block
        ));
        return {};
    }
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO metric_block (subject_id, period_s, start_ms, org_id, points)"
        " VALUES ($2, $3, $4, $1, $5)",
        org_, subject, seconds(resolution), start, block
    ));
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM metric_block WHERE org_id = $1 AND subject_id = $2 AND period_s = $3"
        " AND start_ms <= $4",
        org_, subject, seconds(resolution), oldest(resolution, start)
    ));
    return {};
}

Result<> SampleRepo::add_coarse(std::string_view subject, std::int64_t slot, Values values) {
    auto start = coarse.block_of(coarse.time_of(slot));
    FAIRLEAD_TRY(row, newest(subject, coarse));
    std::vector<Point> points;
    bool same = row && row->start_ms == start;
    if (row && row->start_ms > start) return {};
    if (same) points = decode(row->points.bytes, series_of(subject));
    if (!points.empty() && points.back().slot >= slot) return {};
    points.push_back({slot, std::move(values)});
    return put(subject, coarse, start, same, points);
}

Result<> SampleRepo::thin(std::string_view subject, const std::vector<Point>& fine_points) {
    if (fine_points.empty()) return {};
    auto slot = fine_points.back().slot / thinning;
    auto values = coarse_of(subject, fine_points, slot);
    return add_coarse(subject, slot, std::move(values));
}

Result<> SampleRepo::append(std::string_view subject, Timestamp at, const Values& values) {
    auto slot = fine.slot_of(at);
    auto start = fine.block_of(at);
    FAIRLEAD_TRY(row, newest(subject, fine));
    if (row && row->start_ms > start) {
        FAIRLEAD_CHECK(db_.run(
            "DELETE FROM metric_block WHERE org_id = $1 AND subject_id = $2 AND start_ms > $3",
            org_, subject, start
        ));
        FAIRLEAD_TRY(before, newest(subject, fine));
        row = std::move(before);
    }
    std::vector<Point> points;
    if (row) points = decode(row->points.bytes, series_of(subject));
    if (!points.empty() && points.back().slot > slot) return {};
    if (!points.empty() && points.back().slot / thinning != slot / thinning)
        FAIRLEAD_CHECK(thin(subject, points));
    bool same = row && row->start_ms == start;
    if (!same) points.clear();
    if (!points.empty() && points.back().slot == slot)
        points.back().values = values;
    else
        points.push_back({slot, values});
    return put(subject, fine, start, same, points);
}

Result<std::vector<Point>> SampleRepo::stored(
    std::string_view subject, const Resolution& resolution, Timestamp from, Timestamp to
) {
    FAIRLEAD_TRY(
        rows, db_.all<Row>(
                  "SELECT start_ms, points FROM metric_block WHERE org_id = $1 AND subject_id = $2"
                  " AND period_s = $3 AND start_ms > $4 AND start_ms <= $5 ORDER BY start_ms"
                  " LIMIT 100",
                  org_, subject, seconds(resolution), from - resolution.block, to
              )
    );
    std::vector<Point> all;
    for (const auto& row : rows)
        for (auto& point : decode(row.points.bytes, series_of(subject))) {
            auto at = resolution.time_of(point.slot);
            if (at >= from && at <= to) all.push_back(std::move(point));
        }
    return all;
}

Result<std::vector<Point>> SampleRepo::range(
    std::string_view subject, const Resolution& resolution, Timestamp from, Timestamp to
) {
    // Blocks are dropped as a whole; what is older than promised is not told.
    FAIRLEAD_TRY(all, stored(subject, resolution, from, to));
    if (resolution.period == fine.period) return all;
    // Ten minutes are made one point when the next ones begin: the last ones are still fine.
    FAIRLEAD_TRY(newest_row, newest(subject, coarse));
    std::int64_t next = coarse.slot_of(from);
    if (newest_row) {
        auto points = decode(newest_row->points.bytes, series_of(subject));
        if (!points.empty()) next = std::max(next, points.back().slot + 1);
    }
    FAIRLEAD_TRY(rest, stored(subject, fine, std::max(from, coarse.time_of(next)), to));
    for (std::size_t i = 0; i < rest.size();) {
        auto slot = rest[i].slot / thinning;
        all.push_back({slot, coarse_of(subject, rest, slot)});
        while (i < rest.size() && rest[i].slot / thinning == slot) ++i;
    }
    return all;
}

Result<> SampleRepo::prune(Timestamp now) {
    using Old = std::tuple<std::string, Timestamp, store::Blob>;
    FAIRLEAD_TRY(
        old, db_.all<Old>(
                 "SELECT subject_id, start_ms, points FROM metric_block WHERE org_id = $1"
                 " AND period_s = $2 AND start_ms <= $3 ORDER BY start_ms LIMIT 500",
                 org_, seconds(fine), oldest(fine, now)
             )
    );
    for (const auto& [subject, start, block] : old) {
        FAIRLEAD_CHECK(thin(subject, decode(block.bytes, series_of(subject))));
        FAIRLEAD_CHECK(db_.run(
            "DELETE FROM metric_block WHERE org_id = $1 AND subject_id = $2 AND period_s = $3"
            " AND start_ms = $4",
            org_, subject, seconds(fine), start
        ));
    }
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM metric_block WHERE org_id = $1 AND period_s = $2 AND start_ms <= $3", org_,
        seconds(coarse), oldest(coarse, now)
    ));
    return {};
}

Result<> SampleRepo::forget(std::string_view subject) {
    FAIRLEAD_CHECK(
        db_.run("DELETE FROM metric_block WHERE org_id = $1 AND subject_id = $2", org_, subject)
    );
    return {};
}

Result<std::vector<OrgId>> orgs_with_old_samples(store::Connection& db, Timestamp now) {
    return db.all<OrgId>(
        "SELECT DISTINCT org_id FROM metric_block WHERE (period_s = $1 AND start_ms <= $2) OR "
        "(period_s = $3 AND start_ms <= $4) LIMIT 10000",
        seconds(fine), oldest(fine, now), seconds(coarse), oldest(coarse, now)
    );
}

Result<> erase(store::Connection& db, const api::OrgScope& scope) {
    FAIRLEAD_CHECK(db.run("DELETE FROM metric_block WHERE org_id = $1", scope.org()));
    return {};
}

} // namespace fairlead::metrics
