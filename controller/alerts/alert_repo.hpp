/// The SQL of alerts of one organization.
#pragma once

#include "controller/alerts/rule_repo.hpp"

namespace fairlead::alerts {

BOOST_DEFINE_ENUM_CLASS(
    Stage, pending, firing, clearing, ///< as State
    cleared,                          ///< over, as was told
    ended ///< over without a word: its rule, or what it was about, is gone
)

/// A row.
struct Alert {
    AlertId id;
    AlertRuleId rule_id;
    std::string rule_name;
    Kind kind = Kind::cpu;
    std::string subject_id;
    std::string subject_name;
    Stage state = Stage::pending;
    double value = 0;     ///< when it came into this state
    double threshold = 0; ///< of the rule then
    Timestamp since_ms;
    std::optional<Timestamp> fired_ms;
    std::optional<Timestamp> ended_ms;

    bool open() const { return state < Stage::cleared; }
    /// Somebody was told.
    bool told() const { return fired_ms.has_value(); }
    Standing standing() const;
};
BOOST_DESCRIBE_STRUCT(
    Alert, (),
    (id, rule_id, rule_name, kind, subject_id, subject_name, state, value, threshold, since_ms,
     fired_ms, ended_ms)
)

/// How long alerts that are over are kept, and how many.
inline constexpr auto alerts_kept = std::chrono::hours(24 * 30);
inline constexpr std::int64_t max_past_alerts = 1000;

class AlertRepo {
public:
    AlertRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    Result<> insert(const Alert& alert);
    Result<> update(const Alert& alert);
    Result<> remove(const AlertId& id);
    /// Errc::not_found; one that nobody was told of is none.
    Result<Alert> get(const AlertId& id);
    /// Calls `visit(Alert&&)` for each that is open, also those that nobody was told of.
    template <class Visit>
    Result<> each_open(Visit&& visit) {
        return db_.each<Alert>(
            std::forward<Visit>(visit),
            "SELECT id, rule_id, rule_name, kind, subject_id, subject_name, state, value, "
            "threshold, since_ms, fired_ms, ended_ms FROM alert WHERE org_id = $1 AND open = 1",
            org_
        );
    }
    /// Told ones, newest first, below `before`.
    Result<std::vector<Alert>> list(bool open, std::string_view before, std::int64_t limit);
    Result<std::int64_t> count_firing();
    /// Those of a rule that is gone or turned off: nobody is told.
    Result<> end_of_rule(const AlertRuleId& rule, Timestamp now);
    Result<> prune(Timestamp now);

private:
    store::Connection& db_;
    OrgId org_;
};

} // namespace fairlead::alerts
