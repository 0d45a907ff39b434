#include "common/json/json.hpp"
#include "controller/api/page.hpp"
#include "controller/api/response.hpp"
#include "controller/api/routes.hpp"
#include "controller/members/handing_out.hpp"
#include "controller/members/leaving.hpp"
#include "controller/members/role_repo.hpp"
#include "controller/members/routes.hpp"
#include "controller/members/view.hpp"
#include "controller/orgs/orgs.hpp"
#include "controller/orgs/project_limits.hpp"

namespace fairlead::members {

using api::Call;
using api::Change;
using api::Response;
using store::Connection;

Result<boost::json::object>
describe(Connection& db, const api::OrgScope& scope, const Parts& parts, const Member& m) {
    FAIRLEAD_TRY(org, orgs::OrgRepo(db, scope).get());
    boost::json::value projects = nullptr;
    if (m.limited) {
        FAIRLEAD_TRY(limits, orgs::ProjectLimits(db, scope).of(m.id.str()));
        projects = json::to_value(limits);
    }
    boost::json::array held;
    auto rights = access::rights_of(
        m.standing(), parts.plans.has(org.plan, orgs::feature::granular_permissions)
    );
    for (const auto& code : *rights) held.emplace_back(code);
    return boost::json::object{
        {"id", m.id.str()},
        {"email", m.email},
        {"name", m.name},
        {"role", m.role},
        {"role_name", m.role_name},
        {"owner", m.owner},
        {"projects", std::move(projects)},
        {"granted", json::to_value(codes_in(m.granted))},
        {"withdrawn", json::to_value(codes_in(m.withdrawn))},
        {"connect_as", m.connect_as},
        {"permissions", std::move(held)},
        {"joined_at", to_rfc3339(m.joined_ms)},
        {"last_seen_at", m.last_seen_ms ? boost::json::value(to_rfc3339(*m.last_seen_ms))
                                        : boost::json::value(nullptr)},
    };
}

api::Act act_on(const Member& member, std::string action) {
    api::Act act;
    act.action = std::move(action);
    act.target_type = "user";
    act.target_id = member.id.str();
    act.target_name = member.email;
    return act;
}

namespace {

struct EditMember {
    std::string role;
};
BOOST_DESCRIBE_STRUCT(EditMember, (), (role))

Result<Response> list(const Call& call, const Parts& parts) {
    FAIRLEAD_TRY(page, api::Page::of(call));
    return parts.store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(rows, MemberRepo(db, call.scope()).list(page.after, page.limit + 1));
        boost::json::array items;
        for (const auto& row : rows) {
            FAIRLEAD_TRY(body, describe(db, call.scope(), parts, row));
            items.push_back(std::move(body));
        }
        return api::page_of(std::move(items), page);
    });
}

Result<Response> get(const Call& call, const Parts& parts) {
    FAIRLEAD_TRY(id, call.path_id<UserId>("user"));
    return parts.store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(member, MemberRepo(db, call.scope()).get(id));
        FAIRLEAD_TRY(body, describe(db, call.scope(), parts, member));
        return api::answer(body);
    });
}

Result<Response> edit(const Call& call, const Parts& parts) {
    FAIRLEAD_TRY(id, call.path_id<UserId>("user"));
    FAIRLEAD_TRY(wanted, call.body<EditMember>());
    return api::change(call, parts.desk(), [&](Change& change) -> Result<Response> {
        MemberRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(member, repo.get(id));
        FAIRLEAD_CHECK(may_touch(call.principal(), member.owner));
        auto choice = RoleRepo(change.db(), change.scope()).choose(wanted.role, parts.plans);
        FAIRLEAD_TRY(role, std::move(choice));
        auto after = member.standing();
        after.role = role.id;
        after.role_permissions = role.permissions;
        FAIRLEAD_CHECK(may_hand_out(call.principal(), gained(member.standing(), after)));
        if (member.role == role.id) {
            change.nothing_changed();
        } else {
            FAIRLEAD_CHECK(repo.set_role(id, role.id));
            auto act = act_on(member, "member.role");
            act.before = boost::json::object{{"role", member.role_name}};
            act.after = boost::json::object{{"role", role.name}};
            change.record(std::move(act));
            end_streams(change.unit(), change.scope(), id, parts.events);
        }
        FAIRLEAD_TRY(fresh, repo.get(id));
        FAIRLEAD_TRY(body, describe(change.db(), change.scope(), parts, fresh));
        return api::answer(body);
    });
}

Result<Response> remove(const Call& call, const Parts& parts) {
    FAIRLEAD_TRY(id, call.path_id<UserId>("user"));
    return api::change(call, parts.desk(), [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(member, MemberRepo(change.db(), change.scope()).get(id));
        FAIRLEAD_CHECK(may_touch(call.principal(), member.owner));
        FAIRLEAD_CHECK(take_out(change.unit(), change.scope(), parts, member, call.now()));
        auto act = act_on(member, "member.remove");
        act.before = boost::json::object{{"role", member.role_name}, {"owner", member.owner}};
        change.record(std::move(act));
        return api::no_content();
    });
}

} // namespace

void add_member_routes(api::RouteTable& table, const Parts& parts) {
    api::Routes routes(table, parts, "/api/v1/orgs/{org}/members");
    routes.get("", "members.view", &list);
    routes.get("/{user}", "members.view", &get);
    routes.patch("/{user}", "members.edit", &edit);
    routes.remove("/{user}", "members.remove", &remove);
    api::Routes own(table, parts, "/api/v1/memberships");
    own.remove("/{org}", api::signed_in, &leave);
}

} // namespace fairlead::members
