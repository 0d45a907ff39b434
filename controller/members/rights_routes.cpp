// Single permissions, projects and Connect-As of a member.
#include "common/json/json.hpp"
#include "controller/access/permissions.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/routes.hpp"
#include "controller/members/handing_out.hpp"
#include "controller/members/routes.hpp"
#include "controller/members/view.hpp"
#include "controller/orgs/project_limits.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::members {
namespace {

using api::Call;
using api::Change;
using api::Response;

struct Adjustments {
    std::vector<std::string> granted;
    std::vector<std::string> withdrawn;
};
BOOST_DESCRIBE_STRUCT(Adjustments, (), (granted, withdrawn))

struct Limit {
    std::optional<std::vector<std::string>> projects;
};
BOOST_DESCRIBE_STRUCT(Limit, (), (projects))

struct ConnectAsChoice {
    bool allowed = true;
};
BOOST_DESCRIBE_STRUCT(ConnectAsChoice, (), (allowed))

/// Sorted, each once.
void tidy_codes(api::Checks& checks, std::string_view field, std::vector<std::string>& codes) {
    checks.that(codes.size() <= 200, field, "must be at most 200 permissions");
    for (const auto& code : codes)
        checks.that(
            access::is_permission(code), field,
            fmt::format("names \"{}\", which is no permission", code.substr(0, 60))
        );
    std::ranges::sort(codes);
    codes.erase(std::ranges::unique(codes).begin(), codes.end());
}

/// Loads the member, lets `work(repo, member, act)` change it, and writes the entry.
template <class Work>
Result<Response>
change_member(const Call& call, const Parts& parts, std::string action, Work work) {
    FAIRLEAD_TRY(id, call.path_id<UserId>("user"));
    return api::change(call, parts.desk(), [&](Change& change) -> Result<Response> {
        MemberRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(member, repo.get(id));
        FAIRLEAD_CHECK(may_touch(call.principal(), member.owner));
        auto act = act_on(member, action);
        FAIRLEAD_CHECK(work(change, repo, member, act));
        if (act.before == act.after) {
            change.nothing_changed();
        } else {
            change.record(std::move(act));
            end_streams(change.unit(), change.scope(), id, parts.events);
        }
        FAIRLEAD_TRY(fresh, repo.get(id));
        FAIRLEAD_TRY(body, describe(change.db(), change.scope(), parts, fresh));
        return api::answer(body);
    });
}

Result<Response> adjust(const Call& call, const Parts& parts) {
    FAIRLEAD_TRY(wanted, call.body<Adjustments>());
    api::Checks checks;
    tidy_codes(checks, "granted", wanted.granted);
    tidy_codes(checks, "withdrawn", wanted.withdrawn);
    for (const auto& code : wanted.granted)
        checks.that(
            !std::ranges::binary_search(wanted.withdrawn, code), "withdrawn",
            fmt::format("names {}, which is granted too", code)
        );
    FAIRLEAD_CHECK(checks.result());
    return change_member(
        call, parts, "member.adjust",
        [&](Change&, MemberRepo& repo, const Member& member, api::Act& act) -> Result<> {
            auto after = member.standing();
            after.granted = json::encode(wanted.granted);
            after.withdrawn = json::encode(wanted.withdrawn);
            FAIRLEAD_CHECK(may_hand_out(call.principal(), gained(member.standing(), after)));
            FAIRLEAD_CHECK(repo.set_adjustments(member.id, after.granted, after.withdrawn));
            act.before = boost::json::object{
                {"granted", json::to_value(codes_in(member.granted))},
                {"withdrawn", json::to_value(codes_in(member.withdrawn))}};
            act.after = boost::json::object{
                {"granted", json::to_value(wanted.granted)},
                {"withdrawn", json::to_value(wanted.withdrawn)}};
            return {};
        }
    );
}

Result<Response> limit(const Call& call, const Parts& parts) {
    FAIRLEAD_TRY(wanted, call.body<Limit>());
    // null is a choice here, so it is not the same as leaving it out.
    FAIRLEAD_TRY(document, json::parse(call.request().body));
    api::Checks checks;
    checks.that(document.get_object().contains("projects"), "projects", "is required");
    FAIRLEAD_CHECK(checks.result());
    return change_member(
        call, parts, "member.limit",
        [&](Change& change, MemberRepo& repo, const Member& member, api::Act& act) -> Result<> {
            orgs::ProjectLimits limits(change.db(), change.scope());
            FAIRLEAD_TRY(old, limits.of(member.id.str()));
            auto after = member.standing();
            after.limited = wanted.projects.has_value();
            FAIRLEAD_CHECK(may_hand_out(call.principal(), gained(member.standing(), after)));
            boost::json::value chosen = nullptr;
            if (wanted.projects) {
                FAIRLEAD_TRY(projects, limits.check(*wanted.projects));
                FAIRLEAD_CHECK(limits.set(member.id.str(), projects));
                chosen = json::to_value(projects);
            } else {
                FAIRLEAD_CHECK(limits.clear(member.id.str()));
            }
            FAIRLEAD_CHECK(repo.set_limited(member.id, after.limited));
            act.before = boost::json::object{
                {"projects", member.limited ? json::to_value(old) : boost::json::value(nullptr)}};
            act.after = boost::json::object{{"projects", std::move(chosen)}};
            return {};
        }
    );
}

Result<Response> connect_as(const Call& call, const Parts& parts) {
    FAIRLEAD_TRY(wanted, call.body<ConnectAsChoice>());
    return change_member(
        call, parts, "member.connect_as",
        [&](Change& change, MemberRepo& repo, const Member& member, api::Act& act) -> Result<> {
            FAIRLEAD_CHECK(repo.set_connect_as(member.id, wanted.allowed));
            if (!wanted.allowed && parts.connect_as_withdrawn)
                FAIRLEAD_CHECK(parts.connect_as_withdrawn(change.unit(), change.scope(), member.id)
                );
            act.before = boost::json::object{{"connect_as", member.connect_as}};
            act.after = boost::json::object{{"connect_as", wanted.allowed}};
            return {};
        }
    );
}

} // namespace

void add_rights_routes(api::RouteTable& table, const Parts& parts) {
    api::Routes routes(table, parts, "/api/v1/orgs/{org}/members/{user}");
    constexpr api::Marks granular{.feature = orgs::feature::granular_permissions};
    routes.put("/adjustments", "members.adjust", &adjust, granular);
    routes.put("/projects", "members.limit", &limit);
    routes.put("/connect-as", "members.adjust", &connect_as, granular);
}

} // namespace fairlead::members
