#include "controller/sso/routes.hpp"

#include "common/json/json.hpp"
#include "common/runtime/log.hpp"
#include "controller/access/guard.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/response.hpp"
#include "controller/sso/problems.hpp"

#include <fmt/core.h>

#include <memory>

namespace fairlead::sso {
namespace {

using api::Call;
using api::Response;

constexpr auto sign_in_page = "/signin";

access::Caller caller_of(const Call& call) {
    const auto& request = call.request();
    return {
        request.address, request.user_agent(), request.request_id,
        std::string(request.cookie(access::cookie_name)), request.at};
}

Response elsewhere(const std::string& location) {
    Response response;
    response.status = 303;
    response.content_type.clear();
    response.headers.emplace_back("Location", location);
    return response;
}

void set_cookie(
    Response& response, std::string_view name, std::string_view value, std::chrono::seconds age
) {
    response.headers.emplace_back(
        "Set-Cookie",
        fmt::format(
            "{}={}; Path=/; Max-Age={}; Secure; HttpOnly; SameSite=Lax", name, value, age.count()
        )
    );
}

/// To the page that can say what happened, and to the log.
Response problem(const Call& call, const std::string& page, const Error& error) {
    auto code = problem_code(error);
    log::warning(
        "single sign-on failed", {{"request_id", call.request().request_id},
                                  {"provider", call.path("provider")},
                                  {"problem", code},
                                  {"message", error.message()},
                                  {"detail", error.detail()}}
    );
    return elsewhere(with_query(page, {{"problem", code}}));
}

Result<std::string> return_path(const Call& call) {
    auto path = std::string(call.query("return").value_or("/"));
    api::Checks checks;
    checks.that(is_own_path(path), "return", "must be a path of this controller");
    FAIRLEAD_CHECK(checks.result());
    return path;
}

/// A parameter that is not longer than it can be for us.
Result<std::string> parameter(const Call& call, std::string_view name, std::size_t most) {
    auto value = std::string(call.query(name).value_or(""));
    api::Checks checks;
    checks.length(name, value, 0, most);
    FAIRLEAD_CHECK(checks.result());
    return value;
}

Result<Response> options(const Call& call, SsoRoutes& parts) {
    boost::json::array providers;
    for (const auto& one : parts.sso.providers())
        providers.push_back(
            {{"slug", one.slug}, {"name", one.name}, {"kind", json::enum_name(one.preset)}}
        );
    FAIRLEAD_TRY(code, parameter(call, "problem", 60));
    boost::json::value said(nullptr);
    if (auto sentence = sentence_of(code)) said = {{"code", code}, {"message", *sentence}};
    auto others = parts.options();
    return api::answer(
        {{"providers", std::move(providers)},
         {"registration", others.registration},
         {"passkeys", others.passkeys},
         {"problem", std::move(said)}}
    );
}

Response leave(const Call& call, const std::string& page, Result<Sso::Start> started) {
    if (!started) return problem(call, page, started.error());
    auto response = elsewhere(started->location);
    set_cookie(response, attempt_cookie, started->cookie, attempt_lasts);
    return response;
}

Result<Response> start(const Call& call, SsoRoutes& parts) {
    FAIRLEAD_TRY(provider, parts.sso.find(call.path("provider")));
    FAIRLEAD_TRY(back, return_path(call));
    return leave(call, sign_in_page, parts.sso.start(*provider, back, std::nullopt, call.now()));
}

Result<Response> link(const Call& call, SsoRoutes& parts) {
    FAIRLEAD_TRY(provider, parts.sso.find(call.path("provider")));
    FAIRLEAD_TRY(back, return_path(call));
    // Another site must not have a visitor's account joined to an identity of its own. A GET that
    // is followed has no Origin, and every browser says this.
    if (call.request().header("sec-fetch-site") != "same-origin")
        return fail(Error(Errc::forbidden, "This has to be begun on the controller's own page.")
                        .with_code("cross_site_request"));
    if (!call.principal().session)
        return fail(Errc::forbidden, "Only somebody who is signed in can do this, no key.");
    return leave(
        call, back, parts.sso.start(*provider, back, call.principal().session, call.now())
    );
}

/// Where somebody goes on who is in, or has a second factor still to give.
Response enter(const SsoRoutes& parts, const std::string& back, const Entered& entered) {
    if (const auto* waiting = std::get_if<Waiting>(&entered)) {
        std::string methods;
        for (const auto& one : waiting->methods) methods += (methods.empty() ? "" : ",") + one;
        // After the "#" it is sent to nobody, nor written down on the way.
        return elsewhere(fmt::format(
            "{}#second_factor={}&methods={}", with_query(sign_in_page, {{"next", back}}),
            waiting->challenge.reveal(), methods
        ));
    }
    auto response = elsewhere(back);
    set_cookie(
        response, access::cookie_name, std::get<access::OpenedSession>(entered).token.reveal(),
        parts.session_lasts
    );
    return response;
}

/// Where a failed attempt ends: where it was begun.
std::string page_after(const SsoRoutes& parts, std::string_view cookie) {
    auto begun = parts.sso.attempt(cookie);
    if (!begun) return sign_in_page;
    return begun->session ? begun->back : with_query(sign_in_page, {{"next", begun->back}});
}

Result<Response> callback(const Call& call, SsoRoutes& parts) {
    FAIRLEAD_TRY(provider, parts.sso.find(call.path("provider")));
    FAIRLEAD_TRY(state, parameter(call, "state", 200));
    FAIRLEAD_TRY(code, parameter(call, "code", 4096));
    FAIRLEAD_TRY(error, parameter(call, "error", 200));
    FAIRLEAD_TRY(issuer, parameter(call, "iss", 300));
    Sso::Return given{
        state, code, error, call.query("iss") ? std::optional(issuer) : std::nullopt,
        std::string(call.request().cookie(attempt_cookie))};
    auto arrived = parts.sso.arrive(caller_of(call), *provider, given);
    auto response = [&] {
        if (arrived)
            return arrived->entered ? enter(parts, arrived->back, *arrived->entered)
                                    : elsewhere(arrived->back);
        return problem(call, page_after(parts, given.attempt), arrived.error());
    }();
    set_cookie(response, attempt_cookie, "", std::chrono::seconds(0));
    return response;
}

Result<Response> list(const Call& call, SsoRoutes& parts) {
    FAIRLEAD_TRY(identities, parts.sso.identities(call.principal().user));
    boost::json::array items;
    for (const auto& one : identities) {
        auto provider = parts.sso.find(one.provider);
        items.push_back(
            {{"id", one.id.str()},
             {"provider", one.provider},
             {"provider_name", provider ? (*provider)->name : one.provider},
             {"email", one.email},
             {"created_at", to_rfc3339(one.created)},
             {"last_used_at", to_rfc3339(one.last_used)}}
        );
    }
    return api::answer({{"data", std::move(items)}, {"next_cursor", nullptr}});
}

Result<Response> remove(const Call& call, SsoRoutes& parts) {
    FAIRLEAD_TRY(id, call.path_id<IdentityId>("identity"));
    FAIRLEAD_CHECK(parts.sso.remove(caller_of(call), call.principal().user, id));
    return api::no_content();
}

} // namespace

void add_sso_routes(api::RouteTable& table, SsoRoutes given) {
    auto parts = std::make_shared<SsoRoutes>(std::move(given));
    auto add = [&](api::Method method, const char* path, std::string_view permission, auto handler,
                   api::Marks marks = {}) {
        table.add(
            method, path, std::string(permission),
            [parts, handler](const Call& call) { return handler(call, *parts); }, marks
        );
    };
    using enum api::Method;
    constexpr api::Marks step_up{.step_up = true};
    add(get, "/api/v1/sign-in-options", api::open_to_all, &options);
    add(get, "/api/v1/sso/{provider}/start", api::open_to_all, &start);
    add(get, "/api/v1/sso/{provider}/callback", api::open_to_all, &callback);
    add(get, "/api/v1/sso/{provider}/link", api::signed_in, &link, step_up);
    add(get, "/api/v1/account/identities", api::signed_in, &list);
    add(api::Method::remove, "/api/v1/account/identities/{identity}", api::signed_in, &sso::remove,
        step_up);
}

} // namespace fairlead::sso
