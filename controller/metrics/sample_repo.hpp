/// Measurements over time of one organization: 24 hours at 30 s, 30 days at 10 min, in at most 57
/// rows for each server or environment.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "controller/metrics/block.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::metrics {

/// A period, how many of its points lie in one row, and how long they are kept.
struct Resolution {
    std::chrono::seconds period;
    std::chrono::seconds block;
    std::chrono::hours kept;

    std::int64_t slot_of(Timestamp at) const {
        return to_ms(at) / std::chrono::milliseconds(period).count();
    }
    Timestamp time_of(std::int64_t slot) const {
        return from_ms(slot * std::chrono::milliseconds(period).count());
    }
    Timestamp block_of(Timestamp at) const {
        auto length = std::chrono::milliseconds(block).count();
        return from_ms(to_ms(at) / length * length);
    }
};
inline constexpr Resolution fine{
    std::chrono::seconds(30), std::chrono::hours(1), std::chrono::hours(24)};
inline constexpr Resolution coarse{
    std::chrono::minutes(10), std::chrono::hours(24), std::chrono::hours(24 * 30)};
/// Fine points in a coarse one. Both begin at the same times, so one fine row holds all of them.
inline constexpr std::int64_t thinning = coarse.period / fine.period;

class SampleRepo {
public:
    SampleRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    /// Of a second one in the same period the later counts. With the first one of the next ten
    /// minutes those before become one coarse point, and with the first of a new row those that
    /// are too old go. A clock that went back by less than an hour loses points; one that had been
    /// ahead takes its points along.
    Result<> append(std::string_view subject, Timestamp at, const Values& values);

    /// Oldest first, both ends included, whatever is kept: fine points at most 3,000, coarse ones
    /// at most 4,500; the newest coarse ones may still change.
    Result<std::vector<Point>>
    range(std::string_view subject, const Resolution& resolution, Timestamp from, Timestamp to);

    /// What is too old of those that are not measured any more. At most 500 rows at a time.
    Result<> prune(Timestamp now);
    Result<> forget(std::string_view subject);

private:
    struct Row {
        Timestamp start_ms;
        store::Blob points;
        explicit Row(const store::Row& row)
            : start_ms(row.get<Timestamp>(0)), points(row.get<store::Blob>(1)) {}
    };
    Result<std::optional<Row>> newest(std::string_view subject, const Resolution& resolution);
    Result<>
    put(std::string_view subject, const Resolution& resolution, Timestamp start, bool replace,
        const std::vector<Point>& points);
    /// One more point at the end; nothing where there is one of that time or later.
    Result<> add_coarse(std::string_view subject, std::int64_t slot, Values values);
    Result<> thin(std::string_view subject, const std::vector<Point>& fine_points);
    Result<std::vector<Point>>
    stored(std::string_view subject, const Resolution& resolution, Timestamp from, Timestamp to);

    store::Connection& db_;
    OrgId org_;
};

/// Organizations with rows that prune() would take.
Result<std::vector<OrgId>> orgs_with_old_samples(store::Connection& db, Timestamp now);
/// What is dropped with an organization.
Result<> erase(store::Connection& db, const api::OrgScope& scope);

} // namespace fairlead::metrics
