#include "controller/alerts/rule_body.hpp"

#include "common/json/json.hpp"
#include "controller/alerts/view.hpp"
#include "controller/api/checks.hpp"
#include "controller/members/member_repo.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace fairlead::alerts {
namespace {

constexpr std::int64_t longest_s = 24 * 3600;

bool about_servers(Kind kind) {
    return kind != Kind::environment_down && kind != Kind::backup_too_old;
}

/// True when there is one of that kind that a rule can be about.
Result<bool>
has_target(store::Connection& db, const api::OrgScope& scope, Kind kind, const std::string& id) {
    std::optional<std::int64_t> found;
    if (ServerId::parse(id)) {
        FAIRLEAD_TRY(
            row, db.one<std::int64_t>(
                     "SELECT 1 FROM server WHERE org_id = $1 AND id = $2", scope.org(), id
                 )
        );
        found = row;
    } else if (!about_servers(kind) && EnvironmentId::parse(id)) {
        FAIRLEAD_TRY(
            row, db.one<std::int64_t>(
                     "SELECT 1 FROM environment WHERE org_id = $1 AND id = $2", scope.org(), id
                 )
        );
        found = row;
    } else if (!about_servers(kind) && ProjectId::parse(id)) {
        FAIRLEAD_TRY(
            row, db.one<std::int64_t>(
                     "SELECT 1 FROM project WHERE org_id = $1 AND id = $2", scope.org(), id
                 )
        );
        found = row;
    }
    return found.has_value();
}

void check_limits(const Rule& rule, api::Checks& checks) {
    const auto& facts = facts_of(rule.kind);
    for (auto [field, seconds] :
         {std::pair{"for_s", rule.wait_s}, std::pair{"clear_for_s", rule.clear_wait_s}})
        checks.that(
            seconds >= 0 && seconds <= longest_s, field,
            fmt::format("must be from 0 to {} seconds", longest_s)
        );
    if (facts.bad == Bad::state) return;
    auto within = [&](double value) { return value >= facts.least && value <= facts.most; };
    checks.that(
        within(rule.threshold), "threshold",
        fmt::format("must be from {} to {} {}", facts.least, facts.most, facts.unit)
    );
    bool above = facts.bad == Bad::above;
    bool back = above ? rule.clear <= rule.threshold && rule.clear >= 0
                      : rule.clear >= rule.threshold && rule.clear <= facts.most + 1;
    checks.that(
        back, "clear",
        fmt::format(
            "must be {} and not {} the threshold: it is over when the value has come back so far",
            above ? "from 0 on" : "up to " + fmt::format("{}", facts.most + 1),
            above ? "above" : "below"
        )
    );
}

} // namespace

Rule recommended(Kind kind) {
    const auto& facts = facts_of(kind);
    Rule rule;
    rule.name = facts.name;
    rule.kind = kind;
    rule.threshold = facts.threshold;
    rule.clear = facts.clear;
    rule.wait_s = facts.wait.count();
    rule.clear_wait_s = facts.clear_wait.count();
    return rule;
}

Result<> take(store::Connection& db, const api::OrgScope& scope, const RuleBody& body, Rule& rule) {
    api::Checks checks;
    if (body.name) {
        rule.name = *body.name;
        checks.length("name", rule.name, 1, 100);
        checks.that(
            api::printable(rule.name, 400) == rule.name, "name",
            "must be one line of printable text"
        );
    }
    rule.enabled = body.enabled.value_or(rule.enabled);
    bool state = facts_of(rule.kind).bad == Bad::state;
    checks.that(
        !state || (!body.threshold && !body.clear), "threshold",
        "says nothing for this kind: leave threshold and clear out"
    );
    // A threshold alone moves where it is over along with it.
    if (body.threshold) {
        auto gap = rule.clear - rule.threshold;
        rule.threshold = *body.threshold;
        auto clear = rule.threshold + gap;
        rule.clear = clear > 0 ? clear : rule.threshold; // no value is 0 or less
    }
    rule.clear = body.clear.value_or(rule.clear);
    rule.wait_s = body.for_s.value_or(rule.wait_s);
    rule.clear_wait_s = body.clear_for_s.value_or(rule.clear_wait_s);
    check_limits(rule, checks);
    if (body.target_id && *body.target_id != rule.target_id) {
        rule.target_id = *body.target_id;
        if (!rule.target_id.empty()) {
            FAIRLEAD_TRY(there, has_target(db, scope, rule.kind, rule.target_id));
            checks.that(
                there, "target_id",
                about_servers(rule.kind)
                    ? "must be the id of a server of this organization, or \"\" for all"
                    : "must be the id of a server, an environment or a project of this "
                      "organization, or \"\" for all"
            );
        }
    }
    if (body.mail) {
        rule.mail_owners = body.mail->owners;
        const auto& members = body.mail->members;
        checks.that(
            members.size() <= max_mail_members, "mail.members",
            fmt::format("must be at most {} members", max_mail_members)
        );
        auto before = mail_members(rule);
        members::MemberRepo repo(db, scope);
        std::vector<std::string> kept;
        for (std::size_t i = 0; i < members.size() && i < max_mail_members; ++i) {
            auto id = UserId::parse(members[i]);
            std::optional<members::Member> member;
            if (id) {
                FAIRLEAD_TRY(found, repo.find(*id));
                member = std::move(found);
            }
            if (member) kept.push_back(members[i]);
            // Who has left since it was written here goes without a word.
            bool was_here = std::ranges::find(before, members[i]) != before.end();
            checks.that(
                member || was_here, fmt::format("mail.members[{}]", i),
                "must be the id of a member of this organization"
            );
        }
        rule.mail_members = json::encode(kept);
    }
    return checks.result();
}

} // namespace fairlead::alerts
