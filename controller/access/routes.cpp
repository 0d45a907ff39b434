#include "controller/access/routes.hpp"

#include "common/json/json.hpp"
#include "controller/access/guard.hpp"
#include "controller/access/rights.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/page.hpp"
#include "controller/api/response.hpp"
#include "controller/orgs/orgs.hpp"
#include "controller/orgs/standing.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <memory>

namespace fairlead::access {
namespace {

using api::Call;
using api::Response;

struct LinkBody {
    std::string token;
};
BOOST_DESCRIBE_STRUCT(LinkBody, (), (token))

struct SetupBody {
    std::string token;
    std::string password;
    std::optional<std::string> name;
};
BOOST_DESCRIBE_STRUCT(SetupBody, (), (token, password, name))

struct SignInBody {
    std::string email;
    std::string password;
};
BOOST_DESCRIBE_STRUCT(SignInBody, (), (email, password))

struct PasswordBody {
    std::string current;
    std::string chosen;
};

Caller caller_of(const Call& call) {
    const auto& request = call.request();
    return {
        request.address, std::string(request.header("user-agent").substr(0, 300)),
        request.request_id, std::string(request.cookie(cookie_name)), request.at};
}

std::string cookie(const Secret& token, std::chrono::seconds age) {
    return fmt::format(
        "{}={}; Path=/; Max-Age={}; Secure; HttpOnly; SameSite=Lax", cookie_name, token.reveal(),
        age.count()
    );
}

Response signed_out() {
    auto response = api::no_content();
    response.headers.emplace_back("Set-Cookie", cookie(Secret(), std::chrono::seconds(0)));
    return response;
}

/// The organizations of somebody, and what they may do in each.
Result<boost::json::array>
orgs_of(const AccessRoutes& parts, store::Connection& db, const UserId& user) {
    FAIRLEAD_TRY(memberships, orgs::Memberships(db).of(user));
    boost::json::array list;
    for (const auto& m : memberships) {
        FAIRLEAD_TRY(standing, orgs::standing_of(db, m.org_id, user));
        if (!standing) continue;
        boost::json::array held, features;
        auto rights =
            rights_of(*standing, parts.plans.has(m.plan, orgs::feature::granular_permissions));
        for (const auto& code : *rights) held.emplace_back(code);
        for (const auto& name : parts.plans.terms(m.plan).features) features.emplace_back(name);
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
             {"permissions", std::move(held)}}
        );
    }
    return list;
}

Result<Response> show(const AccessRoutes& parts, const Session& session, int status = 200) {
    FAIRLEAD_TRY(memberships, parts.store.read([&](store::Connection& db) {
        return orgs_of(parts, db, session.user_id);
    }));
    auto facts = parts.facts();
    auto idle = std::min(session.expires, session.last_used + parts.sessions.limits().idle);
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
           {"self_signed", facts.self_signed}}}},
        status
    );
}

Result<Response> show_opened(const AccessRoutes& parts, const OpenedSession& opened) {
    FAIRLEAD_TRY(response, show(parts, opened.session));
    response.headers.emplace_back(
        "Set-Cookie", cookie(opened.token, parts.sessions.limits().absolute)
    );
    return std::move(response);
}

Result<Response> check_setup(const Call& call, const AccessRoutes& parts) {
    FAIRLEAD_TRY(body, call.body<LinkBody>());
    FAIRLEAD_TRY(link, parts.accounts.look_at_link(body.token, call.now()));
    return api::answer({{"email", link.email}, {"expires_at", to_rfc3339(link.expires)}});
}

Result<Response> set_up(const Call& call, const AccessRoutes& parts) {
    FAIRLEAD_TRY(body, call.body<SetupBody>());
    Secret password(std::move(body.password));
    api::Checks checks;
    if (body.name) checks.length("name", *body.name, 1, 100);
    FAIRLEAD_CHECK(checks.result());
    FAIRLEAD_TRY(opened, parts.accounts.set_up(caller_of(call), body.token, password, body.name));
    return show_opened(parts, opened);
}

Result<Response> sign_in(const Call& call, const AccessRoutes& parts) {
    FAIRLEAD_TRY(body, call.body<SignInBody>());
    Secret password(std::move(body.password));
    api::Checks checks;
    checks.length("email", body.email, 3, 254);
    checks.that(
        !password.empty() && password.reveal().size() <= 1024, "password",
        "must have 1 to 1024 bytes"
    );
    FAIRLEAD_CHECK(checks.result());
    FAIRLEAD_TRY(opened, parts.accounts.sign_in(caller_of(call), body.email, password));
    return show_opened(parts, opened);
}

Result<Response> get_session(const Call& call, const AccessRoutes& parts) {
    FAIRLEAD_TRY(session, parts.sessions.use(call.request().cookie(cookie_name), call.now()));
    return show(parts, session);
}

Result<Response> sign_out(const Call& call, const AccessRoutes& parts) {
    FAIRLEAD_CHECK(
        parts.accounts.sign_out(caller_of(call), call.principal(), *call.principal().session)
    );
    return signed_out();
}

Result<Response> list_sessions(const Call& call, const AccessRoutes& parts) {
    FAIRLEAD_TRY(page, api::Page::of(call));
    FAIRLEAD_TRY(sessions, parts.sessions.list(call.principal().user, call.now()));
    auto next = sessions.begin();
    if (!page.after.empty()) {
        next = std::find_if(sessions.begin(), sessions.end(), [&](const Session& s) {
            return s.id.str() == page.after;
        });
        if (next != sessions.end()) ++next;
    }
    boost::json::array items;
    for (; next != sessions.end() && items.size() <= static_cast<std::size_t>(page.limit); ++next)
        items.push_back(
            {{"id", next->id.str()},
             {"current", call.principal().session == next->id},
             {"user_agent", next->user_agent},
             {"address", next->address},
             {"method", next->method},
             {"issuer", next->issuer},
             {"second_factor", next->second_factor},
             {"created_at", to_rfc3339(next->created)},
             {"last_used_at", to_rfc3339(next->last_used)},
             {"expires_at", to_rfc3339(next->expires)}}
        );
    return api::page_of(std::move(items), page);
}

Result<Response> revoke_session(const Call& call, const AccessRoutes& parts) {
    FAIRLEAD_TRY(id, call.path_id<SessionId>("session"));
    FAIRLEAD_CHECK(parts.accounts.sign_out(caller_of(call), call.principal(), id));
    return call.principal().session == id ? signed_out() : api::no_content();
}

/// "new" is no name for a C++ member, so this body is taken apart by hand.
Result<PasswordBody> password_body(const Call& call) {
    using Members = std::map<std::string, std::string>;
    FAIRLEAD_TRY(members, call.body<Members>());
    api::Checks checks;
    for (const auto& [name, value] : members)
        if (name != "current" && name != "new") checks.wrong(name, "is not known here");
    for (const char* name : {"current", "new"})
        if (!members.contains(name)) checks.wrong(name, "is required");
    FAIRLEAD_CHECK(checks.result());
    checks.that(
        !members["current"].empty() && members["current"].size() <= 1024, "current",
        "must have 1 to 1024 bytes"
    );
    FAIRLEAD_CHECK(checks.result());
    return PasswordBody{std::move(members["current"]), std::move(members["new"])};
}

Result<Response> change_password(const Call& call, const AccessRoutes& parts) {
    FAIRLEAD_TRY(body, password_body(call));
    Secret current(std::move(body.current)), chosen(std::move(body.chosen));
    FAIRLEAD_CHECK(
        parts.accounts.change_password(caller_of(call), call.principal(), current, chosen)
    );
    return api::no_content();
}

} // namespace

void add_access_routes(api::RouteTable& table, AccessRoutes given) {
    auto parts = std::make_shared<AccessRoutes>(std::move(given));
    auto add = [&](api::Method method, const char* path, std::string_view permission,
                   auto handler) {
        table.add(method, path, std::string(permission), [parts, handler](const Call& call) {
            return handler(call, *parts);
        });
    };
    using enum api::Method;
    add(post, "/api/v1/setup/check", api::open_to_all, &check_setup);
    add(post, "/api/v1/setup", api::open_to_all, &set_up);
    add(post, "/api/v1/session", api::open_to_all, &sign_in);
    add(get, "/api/v1/session", api::signed_in, &get_session);
    add(remove, "/api/v1/session", api::signed_in, &sign_out);
    add(get, "/api/v1/sessions", api::signed_in, &list_sessions);
    add(remove, "/api/v1/sessions/{session}", api::signed_in, &revoke_session);
    add(post, "/api/v1/password", api::signed_in, &change_password);
}

} // namespace fairlead::access
