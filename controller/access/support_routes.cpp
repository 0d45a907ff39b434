#include "controller/access/support_routes.hpp"

#include "common/json/json.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/routes.hpp"

#include <chrono>

namespace fairlead::access {
namespace {

using api::Call;
using api::Change;
using api::Response;
using store::Connection;

struct NewAccess {
    std::string reason;
    std::optional<std::string> ticket;
    std::uint64_t expires_in_s = 0;
};
BOOST_DESCRIBE_STRUCT(NewAccess, (), (reason, ticket, expires_in_s))

api::Act act_of(std::string action, const SupportAccess& access) {
    api::Act act;
    act.action = std::move(action);
    act.target_type = "support_access";
    act.target_id = access.id.str();
    act.target_name = access.ticket;
    return act;
}

Result<Response> list(const Call& call, const SupportRoutes& parts) {
    auto rows = [&](Connection& db, const auto& page) {
        return SupportRepo(db, call.scope()).list(page.after, page.limit + 1);
    };
    return api::list_page(call, parts.desk.store, rows, [&](const auto& access) {
        return to_json(access, call.now());
    });
}

Result<Response> grant(const Call& call, const SupportRoutes& parts) {
    FAIRLEAD_TRY(wanted, call.body<NewAccess>());
    api::Checks checks;
    checks.length("reason", wanted.reason, 1, 500);
    checks.length("ticket", wanted.ticket.value_or(""), 0, 100);
    auto longest = std::chrono::duration_cast<std::chrono::seconds>(Support::longest);
    checks.range(
        "expires_in_s", wanted.expires_in_s, 600, static_cast<std::uint64_t>(longest.count())
    );
    FAIRLEAD_CHECK(checks.result());
    SupportAccess access;
    access.id = SupportId::make(call.now());
    access.org_id = call.scope().org();
    access.reason = wanted.reason;
    access.ticket = wanted.ticket.value_or("");
    access.created_ms = call.now();
    access.created_by = call.principal().user;
    access.created_by_email = call.principal().email;
    access.expires_ms = call.now() + std::chrono::seconds(wanted.expires_in_s);
    return api::change(call, parts.desk, [&](Change& change) -> Result<Response> {
        FAIRLEAD_CHECK(SupportRepo(change.db(), change.scope()).insert(access));
        auto act = act_of("support.grant", access);
        act.after = {
            {"reason", access.reason},
            {"ticket", access.ticket},
            {"expires_at", to_rfc3339(access.expires_ms)}};
        change.record(std::move(act));
        return api::answer(to_json(access, call.now()), 201);
    });
}

Result<Response> end(const Call& call, const SupportRoutes& parts) {
    return api::change(call, parts.desk, [&](Change& change) -> Result<Response> {
        SupportRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(open, repo.open(call.now()));
        if (!open) {
            change.nothing_changed();
            return api::no_content();
        }
        FAIRLEAD_CHECK(repo.end(call.now()));
        change.record(act_of("support.end", *open));
        return api::no_content();
    });
}

Result<Response> granted(const Call& call, const SupportRoutes& parts) {
    FAIRLEAD_TRY(page, api::Page::of(call));
    FAIRLEAD_TRY(open, parts.support.open(call.now()));
    boost::json::array items;
    for (const auto& access : open) {
        if (!page.after.empty() && access.org_id.str() >= page.after) continue;
        if (items.size() > static_cast<std::size_t>(page.limit)) break;
        items.push_back(
            {{"id", access.org_id.str()},
             {"name", access.org_name},
             {"support_access", to_json(access, call.now())}}
        );
    }
    return api::page_of(std::move(items), page);
}

Result<Response> look(const Call& call, const SupportRoutes& parts) {
    FAIRLEAD_TRY(org, call.path_id<OrgId>("id"));
    FAIRLEAD_TRY(seen, parts.support.look(org, call.actor(), call.now()));
    return api::answer(seen);
}

} // namespace

void add_support_routes(api::RouteTable& table, const SupportRoutes& parts) {
    api::Routes routes(table, parts, "/api/v1/orgs/{org}/support-access");
    routes.get("", "support.view", &list);
    routes.post("", api::owners_alone, &grant, {.step_up = true});
    routes.remove("", api::owners_alone, &end);
    api::Routes installation(table, parts, "/api/v1/installation/orgs");
    installation.get("", api::operators_alone, &granted);
    installation.get("/{id}", api::operators_alone, &look);
}

} // namespace fairlead::access
