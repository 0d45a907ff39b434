// The table of permissions, for everybody who edits roles.
#include "common/json/json.hpp"
#include "controller/access/permissions.hpp"
#include "controller/api/response.hpp"
#include "controller/api/routes.hpp"
#include "controller/members/routes.hpp"

namespace fairlead::members {
namespace {

std::string_view name_of(access::Holder holder) {
    switch (holder) {
    case access::Holder::admin:
        return "admin";
    case access::Holder::developer:
        return "developer";
    case access::Holder::viewer:
        break;
    }
    return "viewer";
}

std::string_view name_of(access::Reach reach) {
    switch (reach) {
    case access::Reach::org:
        return "org";
    case access::Reach::project:
        return "project";
    case access::Reach::any:
        break;
    }
    return "any";
}

Result<api::Response> list(const api::Call&, const Parts&) {
    boost::json::array items;
    for (const auto& permission : access::permissions())
        items.push_back(boost::json::object{
            {"code", permission.code},
            {"area", permission.code.substr(0, permission.code.find('.'))},
            {"least_role", name_of(permission.least)},
            {"reach", name_of(permission.reach)},
            {"allows", permission.allows}});
    return api::answer(boost::json::object{{"data", std::move(items)}, {"next_cursor", nullptr}});
}

} // namespace

Result<api::Response> create_org(const api::Call& call, const Parts& parts);

void add_permission_routes(api::RouteTable& table, const Parts& parts) {
    api::Routes routes(table, parts, "/api/v1");
    routes.get("/permissions", api::signed_in, &list);
    routes.post("/orgs", api::signed_in, &create_org);
}

} // namespace fairlead::members
