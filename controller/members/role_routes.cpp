#include "common/json/json.hpp"
#include "controller/access/permissions.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/routes.hpp"
#include "controller/members/handing_out.hpp"
#include "controller/members/member_repo.hpp"
#include "controller/members/role_repo.hpp"
#include "controller/members/routes.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace fairlead::members {
namespace {

using api::Call;
using api::Change;
using api::Response;
using store::Connection;

struct NewRole {
    std::string name;
    std::vector<std::string> permissions;
};
BOOST_DESCRIBE_STRUCT(NewRole, (), (name, permissions))

struct EditRole {
    std::optional<std::string> name;
    std::optional<std::vector<std::string>> permissions;
};
BOOST_DESCRIBE_STRUCT(EditRole, (), (name, permissions))

std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

void check_name(api::Checks& checks, const std::string& name) {
    checks.length("name", name, 1, 60);
    checks.that(
        name.empty() || (name.front() != ' ' && name.back() != ' '), "name",
        "must not begin or end with a space"
    );
    checks.that(
        !is_built_in(lower(name)), "name", "is the name of a built-in role; choose another"
    );
}

/// Sorted, each once.
void tidy(api::Checks& checks, std::vector<std::string>& codes) {
    checks.that(codes.size() <= 200, "permissions", "must be at most 200 permissions");
    for (const auto& code : codes)
        checks.that(
            access::is_permission(code), "permissions",
            fmt::format("names \"{}\", which is no permission", code.substr(0, 60))
        );
    std::ranges::sort(codes);
    codes.erase(std::ranges::unique(codes).begin(), codes.end());
}

boost::json::object to_json(const Role& role) {
    return {{"id", role.id.str()},     {"name", role.name},
            {"built_in", false},       {"permissions", json::to_value(codes_in(role.permissions))},
            {"members", role.members}, {"created_at", to_rfc3339(role.created_ms)}};
}

boost::json::object facts(const Role& role) {
    return {{"name", role.name}, {"permissions", json::to_value(codes_in(role.permissions))}};
}

/// A grant of Connect-As may give the role too.
void end_visits(Change& change, api::EventSink& events) {
    change.unit().after_commit([&events, bond = api::bond_of_visits(change.scope().org())] {
        events.end_streams(bond);
    });
}

/// Built-in ones first. There are few enough for one page.
Result<Response> list(const Call& call, const Parts& parts) {
    return parts.store.read([&](Connection& db) -> Result<Response> {
        RoleRepo repo(db, call.scope());
        boost::json::array items;
        for (auto name : built_in_roles) {
            FAIRLEAD_TRY(members, repo.members(name));
            boost::json::array codes;
            for (const auto& code : access::permissions_of(name)) codes.emplace_back(code);
            items.push_back(boost::json::object{
                {"id", name},
                {"name", name},
                {"built_in", true},
                {"permissions", std::move(codes)},
                {"members", members},
                {"created_at", nullptr}});
        }
        FAIRLEAD_TRY(own, repo.list());
        for (const auto& role : own) items.push_back(to_json(role));
        return api::answer(boost::json::object{{"data", std::move(items)}, {"next_cursor", nullptr}}
        );
    });
}

Result<Response> create(const Call& call, const Parts& parts) {
    FAIRLEAD_TRY(wanted, call.body<NewRole>());
    api::Checks checks;
    check_name(checks, wanted.name);
    tidy(checks, wanted.permissions);
    FAIRLEAD_CHECK(checks.result());
    FAIRLEAD_CHECK(
        may_hand_out(call.principal(), {wanted.permissions.begin(), wanted.permissions.end()})
    );
    Role role{
        RoleId::make(call.now()), wanted.name, json::encode(wanted.permissions), call.now(), 0};
    return api::change(call, parts.desk(), [&](Change& change) -> Result<Response> {
        RoleRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(count, repo.count());
        FAIRLEAD_CHECK(api::check_room(count, RoleRepo::most, "too_many_roles", "roles"));
        FAIRLEAD_CHECK(repo.insert(role));
        change.record("role.create", "role", role, facts(role));
        return api::answer(to_json(role), 201);
    });
}

Result<Response> edit(const Call& call, const Parts& parts) {
    FAIRLEAD_TRY(id, call.path_id<RoleId>("role"));
    FAIRLEAD_TRY(wanted, call.body<EditRole>());
    api::Checks checks;
    checks.that(wanted.name || wanted.permissions, "(document)", "must change something");
    if (wanted.name) check_name(checks, *wanted.name);
    if (wanted.permissions) tidy(checks, *wanted.permissions);
    FAIRLEAD_CHECK(checks.result());
    return api::change(call, parts.desk(), [&](Change& change) -> Result<Response> {
        RoleRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(before, repo.get(id));
        auto role = before;
        if (wanted.name) role.name = *wanted.name;
        if (wanted.permissions) {
            access::Rights added(wanted.permissions->begin(), wanted.permissions->end());
            for (const auto& code : codes_in(before.permissions)) added.erase(code);
            FAIRLEAD_CHECK(may_hand_out(call.principal(), added));
            role.permissions = json::encode(*wanted.permissions);
        }
        FAIRLEAD_CHECK(repo.update(role));
        change.record("role.edit", "role", role, facts(role), facts(before));
        FAIRLEAD_TRY(holders, repo.holders(id));
        for (const auto& user : holders)
            end_streams(change.unit(), change.scope(), user, parts.events);
        end_visits(change, parts.events);
        return api::answer(to_json(role));
    });
}

Result<Response> remove(const Call& call, const Parts& parts) {
    FAIRLEAD_TRY(id, call.path_id<RoleId>("role"));
    return api::change(call, parts.desk(), [&](Change& change) -> Result<Response> {
        RoleRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(role, repo.get(id));
        FAIRLEAD_TRY(invited, repo.invitations(id, call.now()));
        if (role.members + invited > 0)
            return api::conflict(
                "role_in_use",
                fmt::format(
                    "{} members have the role \"{}\", and {} open invitations give it. Give them "
                    "another role, and take the invitations back, first.",
                    role.members, role.name, invited
                )
            );
        FAIRLEAD_CHECK(repo.remove(id));
        change.record("role.delete", "role", role, {}, facts(role));
        end_visits(change, parts.events);
        return api::no_content();
    });
}

} // namespace

void add_role_routes(api::RouteTable& table, const Parts& parts) {
    api::Routes routes(table, parts, "/api/v1/orgs/{org}/roles");
    constexpr api::Marks custom{.feature = orgs::feature::custom_roles};
    routes.get("", "roles.view", &list);
    routes.post("", "roles.create", &create, custom);
    routes.patch("/{role}", "roles.edit", &edit, custom);
    routes.remove("/{role}", "roles.delete", &remove);
}

} // namespace fairlead::members
