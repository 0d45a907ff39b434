#include "common/json/json.hpp"
#include "controller/access/connect_routes.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/query.hpp"
#include "controller/api/routes.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::access {
namespace {

using api::Call;
using api::Change;
using api::Response;
using store::Connection;

struct Reason {
    std::string reason;
};
BOOST_DESCRIBE_STRUCT(Reason, (), (reason))

std::string cookie(std::string_view token, std::chrono::seconds age) {
    return fmt::format(
        "{}={}; Path=/; Max-Age={}; Secure; HttpOnly; SameSite=Lax", connect_cookie, token,
        age.count()
    );
}

boost::json::object to_json(const ConnectSession& session, const OrgId& viewer) {
    boost::json::value ended = nullptr, because = nullptr;
    if (session.ended_ms) {
        ended = boost::json::value(to_rfc3339(*session.ended_ms));
        because = boost::json::value(session.ended_because);
    }
    return {
        {"id", session.id.str()},
        {"side", session.org_id == viewer ? "given" : "received"},
        {"client", {{"id", session.org_id.str()}, {"name", session.org_name}}},
        {"agency", {{"id", session.agency_id.str()}, {"name", session.agency_name}}},
        {"grant", session.grant_id.str()},
        {"user", {{"id", session.user_id.str()}, {"email", session.user_email}}},
        {"reason", session.reason},
        {"started_at", to_rfc3339(session.started_ms)},
        {"expires_at", to_rfc3339(session.expires_ms)},
        {"ended_at", std::move(ended)},
        {"ended_because", std::move(because)}};
}

Result<Response> redeem(const Call& call, const ConnectRoutes& parts) {
    FAIRLEAD_TRY(grant, call.path_id<GrantId>("grant"));
    FAIRLEAD_TRY(body, call.body<Reason>());
    api::Checks checks;
    checks.length("reason", body.reason, 1, 500);
    FAIRLEAD_CHECK(checks.result());
    return api::change(call, parts.desk, [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(
            opened, parts.connect.open(
                        change.unit(), change.scope(), call.principal(), change.actor(), grant,
                        body.reason, call.now()
                    )
        );
        auto response = api::answer(
            boost::json::object{
                {"connect_session", to_json(opened.session, change.scope().org())},
                {"token", opened.token.reveal()}},
            201
        );
        auto age = std::chrono::ceil<std::chrono::seconds>(opened.session.expires_ms - call.now());
        response.headers.emplace_back("Set-Cookie", cookie(opened.token.reveal(), age));
        return response;
    });
}

Result<Response> list(const Call& call, const ConnectRoutes& parts) {
    FAIRLEAD_TRY(state, api::query_word(call, "state", {"all", "open"}));
    auto rows = [&](Connection& db, const auto& page) {
        return ConnectRepo(db, call.scope()).sessions(page.after, page.limit + 1, state == "open");
    };
    return api::list_page(call, parts.desk.store, rows, [&](const auto& session) {
        return to_json(session, call.scope().org());
    });
}

Result<Response> end(const Call& call, const ConnectRoutes& parts) {
    FAIRLEAD_TRY(id, call.path_id<ConnectId>("connect_session"));
    return api::change(call, parts.desk, [&](Change& change) -> Result<Response> {
        FAIRLEAD_TRY(session, ConnectRepo(change.db(), change.scope()).session(id));
        if (session.ended_ms) {
            change.nothing_changed();
            return api::no_content();
        }
        FAIRLEAD_CHECK(parts.connect.end(
            change.unit(), session, "ended", change.scope().org(), change.actor(), call.now()
        ));
        return api::no_content();
    });
}

/// What this request's own token opens. Errc::not_found (no_connect_session) where it opens
/// nothing.
Result<ConnectClaims> own(const Call& call, const ConnectRoutes& parts) {
    auto sent = call.request().header(connect_header);
    auto claims = parts.tokens.verify(sent.empty() ? call.request().cookie(connect_cookie) : sent);
    const auto& who = call.principal();
    if (!claims || claims->user != who.user || claims->session != who.session)
        return fail(Error(Errc::not_found, "You are in no Connect-As session.")
                        .with_code("no_connect_session"));
    return *std::move(claims);
}

Result<Response> show_own(const Call& call, const ConnectRoutes& parts) {
    FAIRLEAD_TRY(claims, own(call, parts));
    FAIRLEAD_TRY(visit, parts.visits.find(claims, call.now()));
    if (!visit || !visit->over.empty() || visit->expires <= call.now())
        return fail(Error(Errc::not_found, "Your Connect-As session has ended.")
                        .with_code("no_connect_session"));
    FAIRLEAD_TRY(session, parts.desk.store.read([&](Connection& db) {
        return ConnectRepo(db, api::ScopeIssuer::scope(claims.agency)).session(claims.connect);
    }));
    const auto& standing = visit->member.standing;
    boost::json::array permissions, features;
    for (const auto& code : *visit->member.rights) permissions.emplace_back(code);
    for (const auto& name : parts.plans.terms(standing.plan).features) features.emplace_back(name);
    return api::answer(
        {{"connect_session", to_json(session, claims.agency)},
         {"org",
          {{"id", claims.client.str()},
           {"name", standing.org_name},
           {"plan", json::enum_name(standing.plan)},
           {"features", std::move(features)},
           {"role_name", standing.role_name},
           {"limited", standing.limited},
           {"clone_enabled", standing.clone_enabled},
           {"permissions", std::move(permissions)}}}}
    );
}

/// Leaves: whoever is in a session ends it, whatever their role is.
Result<Response> leave(const Call& call, const ConnectRoutes& parts) {
    auto gone = api::no_content();
    gone.headers.emplace_back("Set-Cookie", cookie("", std::chrono::seconds(0)));
    auto claims = own(call, parts);
    if (!claims) return gone;
    FAIRLEAD_CHECK(parts.connect.leave(*claims, call.actor(), call.now()));
    return gone;
}

} // namespace

void add_connect_session_routes(api::RouteTable& table, const ConnectRoutes& parts) {
    api::Routes routes(table, parts, "/api/v1/orgs/{org}/connect");
    routes.post(
        "/grants/{grant}/redeem", "connect.use", &redeem,
        {.feature = orgs::feature::connect_as, .step_up = true}
    );
    routes.get("/sessions", "connect.sessions", &list);
    routes.post("/sessions/{connect_session}/end", "connect.end", &end);
    api::Routes own_routes(table, parts, "/api/v1/connect");
    own_routes.get("", api::signed_in, &show_own);
    own_routes.remove("", api::signed_in, &leave);
}

} // namespace fairlead::access
