/// A rule as people ask for it.
#pragma once

#include "controller/alerts/rule_repo.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fairlead::alerts {

struct MailBody {
    bool owners = true;
    std::vector<std::string> members; ///< ids
};
BOOST_DESCRIBE_STRUCT(MailBody, (), (owners, members))

/// What is left out stays, or is as recommended. `target_id` "" is all.
struct RuleBody {
    std::optional<std::string> name;
    std::optional<bool> enabled;
    std::optional<std::string> target_id;
    std::optional<double> threshold;
    std::optional<double> clear;
    std::optional<std::int64_t> for_s;
    std::optional<std::int64_t> clear_for_s;
    std::optional<MailBody> mail;

    bool empty() const {
        return !name && !enabled && !target_id && !threshold && !clear && !for_s && !clear_for_s &&
               !mail;
    }
};
BOOST_DESCRIBE_STRUCT(
    RuleBody, (), (name, enabled, target_id, threshold, clear, for_s, clear_for_s, mail)
)

struct NewRuleBody {
    Kind kind = Kind::cpu;
    std::optional<std::string> name;
    std::optional<bool> enabled;
    std::optional<std::string> target_id;
    std::optional<double> threshold;
    std::optional<double> clear;
    std::optional<std::int64_t> for_s;
    std::optional<std::int64_t> clear_for_s;
    std::optional<MailBody> mail;

    RuleBody rest() const {
        return {name, enabled, target_id, threshold, clear, for_s, clear_for_s, mail};
    }
};
BOOST_DESCRIBE_STRUCT(
    NewRuleBody, (), (kind, name, enabled, target_id, threshold, clear, for_s, clear_for_s, mail)
)

/// A rule of that kind as it is recommended, to all owners.
Rule recommended(Kind kind);

/// Puts what is asked for into the rule. Errc::invalid names every field that is wrong: what its
/// target or a member is called is looked for among the organization's.
Result<> take(store::Connection& db, const api::OrgScope& scope, const RuleBody& body, Rule& rule);

} // namespace fairlead::alerts
