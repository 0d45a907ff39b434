#include "controller/alerts/alerts.hpp"

#include "common/runtime/log.hpp"
#include "common/runtime/try_each.hpp"
#include "controller/alerts/view.hpp"
#include "controller/members/member_repo.hpp"

#include <fmt/core.h>

#include <set>
#include <utility>

namespace fairlead::alerts {
namespace {

using Key = std::pair<std::string, std::string>; // rule, subject

constexpr std::int64_t most_owners = 50;

Stage stage_of(State state) {
    if (state == State::pending) return Stage::pending;
    return state == State::clearing ? Stage::clearing : Stage::firing;
}

Alert make(const Rule& rule, const Observation& observed, Timestamp now) {
    Alert alert;
    alert.id = AlertId::make(now);
    alert.rule_id = rule.id;
    alert.rule_name = rule.name;
    alert.kind = rule.kind;
    alert.subject_id = observed.id;
    alert.subject_name = observed.name;
    return alert;
}

} // namespace

Result<std::vector<Alerts::Change>> Alerts::judge(
    store::Connection& db, const api::OrgScope& scope, Timestamp now, std::int64_t& firing
) {
    FAIRLEAD_TRY(rules, RuleRepo(db, scope).enabled());
    std::set<Kind> kinds;
    for (const auto& rule : rules) kinds.insert(rule.kind);
    FAIRLEAD_TRY(observed, observe(db, scope, parts_.newest, kinds, now));
    std::map<Key, Alert> open;
    FAIRLEAD_CHECK(AlertRepo(db, scope).each_open([&](Alert&& alert) {
        auto key = Key(alert.rule_id.str(), alert.subject_id);
        open.insert_or_assign(std::move(key), std::move(alert));
    }));
    std::vector<Change> changes;
    for (const auto& rule : rules) {
        auto limits = rule.limits();
        for (const auto& one : observed[rule.kind]) {
            if (!one.is_of(rule.target_id)) continue;
            auto found = open.find(Key(rule.id.str(), one.id));
            bool is_new = found == open.end();
            auto was = is_new ? Standing{State::quiet, now} : found->second.standing();
            auto done = step(limits, was, one.value, now);
            if (is_new && done.standing.state == State::quiet) continue;
            Change change{rule, is_new ? make(rule, one, now) : found->second, is_new};
            if (!is_new) open.erase(found);
            auto& alert = change.alert;
            if (done.standing.state != State::quiet && alert.told()) ++firing;
            if (!is_new && done.standing == was) continue;
            change.news = done.news;
            alert.since_ms = done.standing.since;
            // Of one that fires: what it was when it did, or when it was over.
            if (done.news != News::none || !alert.told())
                alert.value = one.value.value_or(alert.value);
            alert.threshold = rule.threshold;
            if (done.news == News::fired) {
                alert.fired_ms = now;
                ++firing;
            }
            if (done.standing.state != State::quiet) {
                alert.state = stage_of(done.standing.state);
            } else {
                change.drop = !alert.told();
                alert.state = Stage::cleared;
                alert.ended_ms = now;
            }
            changes.push_back(std::move(change));
        }
    }
    // What is left is about something that is gone, or that its rule is not about any more.
    for (auto& [key, alert] : open) {
        Change change{Rule(), std::move(alert)};
        change.drop = !change.alert.told();
        change.alert.state = Stage::ended;
        change.alert.ended_ms = now;
        changes.push_back(std::move(change));
    }
    return changes;
}

Result<> Alerts::apply(
    store::UnitOfWork& unit, const api::OrgScope& scope, std::vector<Change> changes, Timestamp now
) {
    AlertRepo repo(unit.db(), scope);
    bool seen = false;
    for (const auto& change : changes) {
        if (change.drop)
            FAIRLEAD_CHECK(repo.remove(change.alert.id));
        else if (change.is_new)
            FAIRLEAD_CHECK(repo.insert(change.alert));
        else
            FAIRLEAD_CHECK(repo.update(change.alert));
        seen = seen || (change.alert.told() && (change.news != News::none || !change.alert.open()));
        if (change.news == News::none) continue;
        FAIRLEAD_CHECK(announcements_.announce(
            unit, scope,
            {change.news == News::fired ? "alert.fired" : "alert.cleared", change.alert.id.str(),
             told_of(change.alert)}
        ));
    }
    FAIRLEAD_CHECK(write_letters(unit, scope, changes, now));
    if (seen) api::publish(unit, parts_.events, {updated_event(scope.org())});
    return repo.prune(now);
}

/// One letter for each person: a network that is gone takes many servers along. What cannot be
/// written is logged, and is no reason to tell nobody else.
Result<> Alerts::write_letters(
    store::UnitOfWork& unit, const api::OrgScope& scope, const std::vector<Change>& changes,
    Timestamp now
) {
    std::map<std::string, std::vector<Told>> by_address;
    std::string first;
    members::MemberRepo members(unit.db(), scope);
    std::optional<std::vector<members::Member>> owners;
    for (const auto& change : changes) {
        if (change.news == News::none) continue;
        if (first.empty()) first = change.alert.id.str();
        Told told{
            change.news == News::fired, change.alert.subject_name, change.rule.name,
            sentence(change.alert, change.rule)};
        std::set<std::string> to;
        if (change.rule.mail_owners && !owners) {
            FAIRLEAD_TRY(found, members.owners(most_owners));
            owners = std::move(found);
        }
        if (change.rule.mail_owners)
            for (const auto& owner : *owners) to.insert(owner.email);
        for (const auto& id : mail_members(change.rule)) {
            FAIRLEAD_TRY(member, members.find(UserId::trusted(id)));
            if (member) to.insert(member->email); // who left is told nothing
        }
        for (const auto& address : to) by_address[address].push_back(told);
    }
    for (const auto& [address, told] : by_address) {
        // One letter for a person and a tick: none takes the place of another that waits.
        auto kind = fmt::format("alerts/{}/{}", first, to_ms(now));
        auto put = parts_.post(unit, kind, address, letter_of(told, parts_.url + "/"));
        if (!put)
            log::warning(
                "somebody is not written to about alerts", {{"reason", put.error().message()}}
            );
    }
    return {};
}

Result<> Alerts::tick() {
    auto now = parts_.clock.now();
    std::int64_t firing = 0;
    bool tidy = now >= pruned_ + std::chrono::hours(1);
    if (tidy) pruned_ = now;
    FAIRLEAD_TRY(orgs, parts_.store.read([&](store::Connection& db) {
        return tidy ? orgs_with_alerts(db) : orgs_with_rules(db);
    }));
    auto looked = try_each(orgs, [&](const OrgId& org) -> Result<> {
        auto scope = api::ScopeIssuer::scope(org);
        std::int64_t here = 0;
        FAIRLEAD_TRY(changes, parts_.store.read([&](store::Connection& db) {
            return judge(db, scope, now, here);
        }));
        if (!changes.empty() || tidy) {
            // Rules and what they are about may have changed since: judged again where it counts.
            here = 0;
            FAIRLEAD_CHECK(parts_.store.write([&](store::UnitOfWork& unit) -> Result<> {
                FAIRLEAD_TRY(again, judge(unit.db(), scope, now, here));
                return apply(unit, scope, std::move(again), now);
            }));
        }
        firing += here;
        return {};
    });
    firing_ = firing;
    return looked;
}

} // namespace fairlead::alerts
