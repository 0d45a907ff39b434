#include "controller/audit/retention.hpp"

#include "controller/audit/entries.hpp"

#include <algorithm>
#include <tuple>

namespace fairlead::audit {
namespace {

constexpr std::int64_t at_once = 500;
/// What is left after these waits for the next time: nobody else's change waits for long.
constexpr int most_rounds = 200;

} // namespace

std::chrono::days Retention::kept(orgs::Plan plan) const {
    auto days = plans_.terms(plan).audit_days;
    return days > 0 ? std::chrono::days(days) : longest();
}

std::chrono::days Retention::longest() const {
    std::int64_t days = 0;
    using enum orgs::Plan;
    for (auto other : {free, starter, pro, agency})
        days = std::max<std::int64_t>(days, plans_.terms(other).audit_days);
    return std::chrono::days(days > 0 ? days : 365);
}

Result<> Retention::tidy(Timestamp now) {
    using Row = std::tuple<OrgId, orgs::Plan>;
    FAIRLEAD_TRY(all, store_.read([](store::Connection& db) {
        return db.all<Row>("SELECT id, plan FROM org ORDER BY id");
    }));
    for (const auto& [org, plan] : all)
        FAIRLEAD_CHECK(drop(api::ScopeIssuer::scope(org), now - kept(plan)));
    return drop(api::ScopeIssuer::installation(), now - longest());
}

Result<> Retention::drop(const api::OrgScope& scope, Timestamp before) {
    for (int round = 0; round < most_rounds; ++round) {
        FAIRLEAD_TRY(dropped, store_.write([&](store::UnitOfWork& unit) {
            return EntryRepo(unit.db(), scope).drop_before(before, at_once);
        }));
        if (dropped < at_once) break;
    }
    return {};
}

} // namespace fairlead::audit
