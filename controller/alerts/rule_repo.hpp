/// The SQL of alert rules of one organization.
#pragma once

#include "common/store/connection.hpp"
#include "controller/alerts/ids.hpp"
#include "controller/alerts/machine.hpp"
#include "controller/api/principal.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::alerts {

/// A row.
struct Rule {
    AlertRuleId id;
    std::string name;
    Kind kind = Kind::cpu;
    bool enabled = true;
    std::string target_id; ///< of a server, an environment or a project; "": all there are
    double threshold = 0;
    double clear = 0;
    std::int64_t wait_s = 0;
    std::int64_t clear_wait_s = 0;
    bool mail_owners = true;
    std::string mail_members = "[]"; ///< a JSON list of user ids
    Timestamp created_ms;
    UserId created_by;
    std::string created_by_email;

    Limits limits() const;
};
BOOST_DESCRIBE_STRUCT(
    Rule, (),
    (id, name, kind, enabled, target_id, threshold, clear, wait_s, clear_wait_s, mail_owners,
     mail_members, created_ms, created_by, created_by_email)
)

/// Of one organization.
inline constexpr std::int64_t max_rules = 50;
inline constexpr std::size_t max_mail_members = 20;

class RuleRepo {
public:
    RuleRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    Result<> insert(const Rule& rule);
    /// All that people can change.
    Result<> update(const Rule& rule);
    Result<> remove(const AlertRuleId& id);
    /// Errc::not_found.
    Result<Rule> get(const AlertRuleId& id);
    /// Oldest first; there are at most max_rules.
    Result<std::vector<Rule>> list();
    Result<std::vector<Rule>> enabled();

private:
    store::Connection& db_;
    OrgId org_;
};

/// Organizations with a rule that is enabled.
Result<std::vector<OrgId>> orgs_with_rules(store::Connection& db);
/// Those, and those that have only alerts that are over.
Result<std::vector<OrgId>> orgs_with_alerts(store::Connection& db);
/// What is dropped with an organization.
Result<> erase(store::Connection& db, const api::OrgScope& scope);

} // namespace fairlead::alerts
