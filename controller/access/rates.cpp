#include "controller/access/rates.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace fairlead::access {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_callers = 50'000;

} // namespace

void RateLimiter::forget(Timestamp now) {
    if (callers_.size() >= most_callers) callers_.clear();
    if (now - forgot_ < 60s) return;
    forgot_ = now;
    std::erase_if(callers_, [&](const auto& entry) {
        return now - std::max(entry.second.reads.at, entry.second.writes.at) > 60s;
    });
}

Result<> RateLimiter::take(
    const std::string& caller, Kind kind, Timestamp now, std::optional<api::Rate>& rate
) {
    double most = kind == Kind::read ? rates_.reads_a_minute : rates_.writes_a_minute;
    double a_second = most / 60;
    std::lock_guard held(lock_);
    forget(now);
    auto [found, fresh] = callers_.try_emplace(caller);
    if (fresh) {
        found->second.reads = {double(rates_.reads_a_minute), now};
        found->second.writes = {double(rates_.writes_a_minute), now};
    }
    auto& bucket = kind == Kind::read ? found->second.reads : found->second.writes;
    auto passed = std::chrono::duration<double>(std::max(now - bucket.at, 0ms)).count();
    bucket.left = std::min(most, bucket.left + passed * a_second);
    bucket.at = std::max(bucket.at, now);
    bool taken = bucket.left >= 1;
    if (taken) bucket.left -= 1;
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

} // namespace fairlead::access
