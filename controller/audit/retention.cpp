#include "controller/audit/retention.hpp"

#include "common/json/json.hpp"
#include "common/runtime/log.hpp"
#include "controller/audit/entries.hpp"
#include "controller/audit/horizon.hpp"
#include "controller/audit/tree.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

namespace fairlead::audit {
namespace {

constexpr std::int64_t at_once = 500;
/// What is left after these waits for the next time: nobody else's change waits for long.
constexpr int most_rounds = 200;

/// What an entry says of a plan.
struct Named {
    orgs::Plan plan = orgs::Plan::free;
};
BOOST_DESCRIBE_STRUCT(Named, (), (plan))

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

Result<std::chrono::days>
Retention::kept(store::Connection& db, const api::OrgScope& scope, orgs::Plan plan) const {
    using Text = std::optional<std::string>;
    auto time = kept(plan);
    // Also by target: what is indexed.
    FAIRLEAD_TRY(
        changes, (db.all<std::tuple<Text, Text>>(
                     "SELECT DISTINCT before_json, after_json FROM audit_entry WHERE org_id = $1 "
                     "AND target_id = $1 AND action = 'plan.change'",
                     scope.org()
                 ))
    );
    for (const auto& [before, after] : changes)
        for (const auto& text : {before, after}) {
            auto named = json::decode<Named>(text.value_or(""), json::Strictness::lenient);
            if (named) time = std::max(time, kept(named->plan));
        }
    return time;
}

Result<> Retention::tidy(Timestamp now) {
    using Row = std::tuple<OrgId, orgs::Plan>;
    FAIRLEAD_TRY(all, store_.read([](store::Connection& db) {
        return db.all<Row>("SELECT id, plan FROM org ORDER BY id");
    }));
    for (const auto& [org, plan] : all) {
        auto scope = api::ScopeIssuer::scope(org);
        FAIRLEAD_TRY(time, store_.read([&](store::Connection& db) {
            return kept(db, scope, plan);
        }));
        drop(scope, now - time);
    }
    drop(api::ScopeIssuer::installation(), now - longest());
    return {};
}

void Retention::drop(const api::OrgScope& scope, Timestamp before) {
    for (int round = 0; round < most_rounds; ++round) {
        auto dropped =
            store_.write([&](store::UnitOfWork& unit) { return drop_some(unit, scope, before); });
        if (!dropped)
            return log::error(
                "what is over is not dropped from an audit log",
                {{"org", scope.org().str()}, {"reason", dropped.error().message()}}
            );
        if (*dropped < at_once) return;
    }
}

Result<std::int64_t>
Retention::drop_some(store::UnitOfWork& unit, const api::OrgScope& scope, Timestamp before) {
    FAIRLEAD_TRY(last, horizon(unit.db(), scope, notary_.verifier()));
    auto from = last ? static_cast<std::int64_t>(last->size) : 0;
    Tree tree(unit.db(), scope);
    FAIRLEAD_TRY(size, tree.size());
    auto count = std::min(at_once, size - from);
    if (count <= 0) return 0;
    EntryRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(entries, repo.from(from, from + count, count));
    FAIRLEAD_TRY(leaves, tree.leaves(from, count));
    // By place: a clock that went back for a while makes no holes. What was altered or taken out by
    // hand ends it: nobody signs that away.
    auto place = from;
    bool altered = entries.empty();
    for (const auto& entry : entries) {
        auto text = leaf_of(entry, scope.org());
        altered = entry.seq != place ||
                  crypto::merkle::leaf_hash(text) != leaves[static_cast<std::size_t>(place - from)];
        if (altered || entry.at >= before) break;
        ++place;
    }
    if (place == from && altered)
        return fail(
            Errc::conflict,
            fmt::format("Entry {} is not there as it was written: audit verify says more.", from)
        );
    if (place == from) return 0;
    FAIRLEAD_CHECK(notary_.sign_horizon(unit, scope, place));
    FAIRLEAD_CHECK(repo.drop_below(place));
    return place - from;
}

} // namespace fairlead::audit
