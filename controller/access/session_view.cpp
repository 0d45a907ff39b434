#include "controller/access/session_view.hpp"

#include "common/json/json.hpp"
#include "controller/access/guard.hpp"
#include "controller/access/rights.hpp"
#include "controller/api/problem.hpp"
#include "controller/orgs/orgs.hpp"
#include "controller/orgs/standing.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::access {
namespace {

std::string cookie(const Secret& token, std::chrono::seconds age) {
    return fmt::format(
        "{}={}; Path=/; Max-Age={}; Secure; HttpOnly; SameSite=Lax", cookie_name, token.reveal(),
        age.count()
    );
}

/// The organizations of somebody, and what they may do in each.
Result<boost::json::array>
orgs_of(const orgs::Plans& plans, store::Connection& db, const UserId& user) {
    FAIRLEAD_TRY(memberships, orgs::Memberships(db).of(user));
    boost::json::array list;
    for (const auto& m : memberships) {
        FAIRLEAD_TRY(standing, orgs::standing_of(db, m.org_id, user));
        if (!standing) continue;
        boost::json::array held, features;
        auto rights = rights_of(*standing, plans.has(m.plan, orgs::feature::granular_permissions));
        for (const auto& code : *rights) held.emplace_back(code);
        for (const auto& name : plans.terms(m.plan).features) features.emplace_back(name);
        list.push_back(
            {{"id", m.org_id.str()},
             {"name", m.org_name},
             {"slug", m.org_slug},
             {"plan", json::enum_name(m.plan)},
             {"features", std::move(features)},
             {"role", m.role},
             {"role_name", standing->role_name},
             {"owner", m.owner},
             {"limited", standing->limited && !m.owner},
             {"clone_enabled", standing->clone_enabled},
             {"permissions", std::move(held)}}
        );
    }
    return list;
}

} // namespace

Caller caller_of(const api::Call& call) {
    const auto& request = call.request();
    return {
        request.address, request.user_agent(), request.request_id,
        std::string(request.cookie(cookie_name)), request.at};
}

Result<api::Response> SessionView::show(const Session& session) const {
    FAIRLEAD_TRY(memberships, parts_.store.read([&](store::Connection& db) {
        return orgs_of(parts_.plans, db, session.user_id);
    }));
    auto facts = parts_.facts();
    auto idle = std::min(session.expires, session.last_used + parts_.sessions.limits().idle);
    return api::answer(
        {{"id", session.id.str()},
         {"user",
          {{"id", session.user_id.str()}, {"email", session.email}, {"name", session.user_name}}},
         {"orgs", std::move(memberships)},
         {"method", session.method},
         {"issuer", session.issuer},
         {"second_factor", session.second_factor},
         {"elevated_until", to_rfc3339(session.elevated + elevation_lasts)},
         {"idle_expires_at", to_rfc3339(idle)},
         {"expires_at", to_rfc3339(session.expires)},
         {"controller",
          {{"name", facts.name},
           {"version", facts.version},
           {"fingerprint", facts.fingerprint ? boost::json::value(*facts.fingerprint)
                                             : boost::json::value(nullptr)},
           {"self_signed", facts.self_signed}}}}
    );
}

Result<api::Response> SessionView::opened(const OpenedSession& opened) const {
    FAIRLEAD_TRY(response, show(opened.session));
    set_cookie(response, opened.token);
    return std::move(response);
}

Result<api::Response> SessionView::entered(const SignIn& entry) const {
    if (const auto* session = std::get_if<OpenedSession>(&entry)) return opened(*session);
    const auto& asked = std::get<SecondStepAsked>(entry);
    std::string methods;
    for (const auto& method : asked.methods) methods += (methods.empty() ? "" : " ") + method;
    return fail(Error(Errc::unauthenticated, "This account has a second factor. Give it to go on.")
                    .with_code("second_factor_required")
                    .with_fact("challenge", std::string(asked.challenge.reveal()))
                    .with_fact("methods", std::move(methods)));
}

Result<api::Response> SessionView::renewed(const Secret& token, Timestamp now) const {
    FAIRLEAD_TRY(session, parts_.sessions.use(token.reveal(), now));
    FAIRLEAD_TRY(response, show(session));
    set_cookie(response, token);
    return std::move(response);
}

void SessionView::set_cookie(api::Response& response, const Secret& token) const {
    response.headers.emplace_back("Set-Cookie", cookie(token, parts_.sessions.limits().absolute));
}

api::Response SessionView::signed_out() {
    auto response = api::no_content();
    response.headers.emplace_back("Set-Cookie", cookie(Secret(), std::chrono::seconds(0)));
    return response;
}

} // namespace fairlead::access
