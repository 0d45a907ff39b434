#include "controller/access/rates.hpp"

#include <boost/describe.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <span>
#include <vector>

namespace fairlead::access {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_callers = 50'000;
constexpr auto full_after = 60s; ///< any bucket that nobody takes from
constexpr std::size_t saved_at_once = 500;

/// Thousandths of a request, as whole numbers.
struct Row {
    std::string caller;
    std::int64_t reads_left = 0;
    Timestamp reads_ms;
    std::int64_t writes_left = 0;
    Timestamp writes_ms;
};
BOOST_DESCRIBE_STRUCT(Row, (), (caller, reads_left, reads_ms, writes_left, writes_ms))

std::int64_t thousandths(double left) {
    return static_cast<std::int64_t>(left * 1000);
}

Result<> put(store::Connection& db, const Row& row) {
    FAIRLEAD_CHECK(db.run(
        "INSERT INTO rate_bucket (caller, reads_left, reads_ms, writes_left, writes_ms, used_ms)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (caller) DO UPDATE SET reads_left = $2,"
        " reads_ms = $3, writes_left = $4, writes_ms = $5, used_ms = $6",
        row.caller, row.reads_left, row.reads_ms, row.writes_left, row.writes_ms,
        std::max(row.reads_ms, row.writes_ms)
    ));
    return {};
}

/// Drops what was used before `full`, too.
Result<> put(store::Store& store, std::span<const Row> rows, Timestamp full) {
    return store.write([&](store::UnitOfWork& unit) -> Result<> {
        for (const auto& row : rows) FAIRLEAD_CHECK(put(unit.db(), row));
        FAIRLEAD_CHECK(unit.db().run("DELETE FROM rate_bucket WHERE used_ms <= $1", full));
        return {};
    });
}

} // namespace

void RateLimiter::forget(Timestamp now) {
    if (callers_.size() >= most_callers) callers_.clear();
    if (now - forgot_ < full_after) return;
    forgot_ = now;
    std::erase_if(callers_, [&](const auto& entry) {
        return now - std::max(entry.second.reads.at, entry.second.writes.at) > full_after;
    });
}

Result<> RateLimiter::take(
    Who who, const std::string& caller, Kind kind, Timestamp now, std::optional<api::Rate>& rate
) {
    const auto& rates = who == Who::key ? keys_ : sessions_;
    double most = kind == Kind::read ? rates.reads_a_minute : rates.writes_a_minute;
    double a_second = most / 60;
    std::lock_guard held(lock_);
    forget(now);
    auto [found, fresh] = callers_.try_emplace(caller);
    if (fresh) {
        found->second.reads = {double(rates.reads_a_minute), now};
        found->second.writes = {double(rates.writes_a_minute), now};
    }
    auto& bucket = kind == Kind::read ? found->second.reads : found->second.writes;
    auto passed = std::chrono::duration<double>(std::max(now - bucket.at, 0ms)).count();
    bucket.left = std::min(most, bucket.left + passed * a_second);
    bucket.at = std::max(bucket.at, now);
    bool taken = bucket.left >= 1;
    if (taken) bucket.left -= 1;
    found->second.changed = true;
    rate = api::Rate{
        static_cast<std::int64_t>(most), static_cast<std::int64_t>(bucket.left),
        static_cast<std::int64_t>(std::ceil((most - bucket.left) / a_second))};
    if (taken) return {};
    auto wait = static_cast<std::int64_t>(std::ceil((1 - bucket.left) / a_second));
    return fail(Error(
                    Errc::rate_limited, "More than " + std::to_string(std::int64_t(most)) +
                                            (kind == Kind::read ? " reads" : " writes") +
                                            " a minute. Try again in " + std::to_string(wait) +
                                            " s."
    )
                    .with_fact("retry_after_s", std::to_string(wait)));
}

Result<> RateLimiter::load(store::Store& store, Timestamp now) {
    return store.read([&](store::Connection& db) -> Result<> {
        std::lock_guard held(lock_);
        stored_ = true;
        // A clock that was put back must not freeze a bucket until it is caught up with.
        auto keep = [&](Row&& row) {
            if (callers_.size() >= most_callers) return;
            auto& caller = callers_[std::move(row.caller)];
            caller.reads = {double(row.reads_left) / 1000, std::min(row.reads_ms, now)};
            caller.writes = {double(row.writes_left) / 1000, std::min(row.writes_ms, now)};
        };
        return db.each<Row>(
            keep,
            "SELECT caller, reads_left, reads_ms, writes_left, writes_ms FROM rate_bucket"
            " WHERE used_ms > $1",
            now - full_after
        );
    });
}

Result<> RateLimiter::save(store::Store& store, Timestamp now) {
    std::vector<Row> changed;
    {
        std::lock_guard held(lock_);
        forget(now);
        for (auto& [id, caller] : callers_) {
            if (!caller.changed) continue;
            caller.changed = false;
            changed.push_back(
                {id, thousandths(caller.reads.left), caller.reads.at,
                 thousandths(caller.writes.left), caller.writes.at}
            );
        }
        bool last_ones_left = stored_ && callers_.empty();
        if (changed.empty() && !last_ones_left) return {};
        stored_ = !callers_.empty();
    }
    std::span<const Row> rest(changed);
    do {
        auto some = rest.first(std::min(rest.size(), saved_at_once));
        rest = rest.subspan(some.size());
        auto full = rest.empty() ? now - full_after : Timestamp{};
        FAIRLEAD_CHECK(put(store, some, full));
    } while (!rest.empty());
    return {};
}

} // namespace fairlead::access
