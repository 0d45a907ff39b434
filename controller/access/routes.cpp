#include "controller/access/routes.hpp"

#include "controller/access/guard.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/page.hpp"
#include "controller/api/response.hpp"

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

struct SecondFactorBody {
    std::string challenge;
    std::optional<std::string> code;
    std::optional<std::string> recovery_code;
};
BOOST_DESCRIBE_STRUCT(SecondFactorBody, (), (challenge, code, recovery_code))

struct ElevateBody {
    std::optional<std::string> code;
    std::optional<std::string> recovery_code;
    std::optional<std::string> password;
};
BOOST_DESCRIBE_STRUCT(ElevateBody, (), (code, recovery_code, password))

struct PasswordBody {
    std::string current;
    std::string chosen;
};

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
    FAIRLEAD_TRY(entry, parts.accounts.set_up(caller_of(call), body.token, password, body.name));
    return parts.view.entered(entry);
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
    FAIRLEAD_TRY(entry, parts.accounts.sign_in(caller_of(call), body.email, password));
    return parts.view.entered(entry);
}

/// Exactly one proof, and none that is too long to be one.
Result<SecondStep::Answer> answer_of(
    std::optional<std::string> code, std::optional<std::string> recovery_code,
    std::optional<std::string> password, std::string_view choices
) {
    api::Checks checks;
    std::vector<const char*> given;
    auto look = [&](const char* field, const std::optional<std::string>& value, std::size_t most) {
        if (!value) return;
        given.push_back(field);
        checks.that(
            !value->empty() && value->size() <= most, field,
            "must have 1 to " + std::to_string(most) + " bytes"
        );
    };
    look("code", code, 7);
    look("recovery_code", recovery_code, 32);
    look("password", password, 1024);
    if (given.empty()) checks.wrong("code", "is required, or another of " + std::string(choices));
    for (const char* field : given)
        checks.that(given.size() == 1, field, "must come alone: one of " + std::string(choices));
    FAIRLEAD_CHECK(checks.result());
    return SecondStep::Answer{
        code.value_or(""), recovery_code.value_or(""), Secret(std::move(password).value_or(""))};
}

Result<Response> give_second_factor(const Call& call, const AccessRoutes& parts) {
    FAIRLEAD_TRY(body, call.body<SecondFactorBody>());
    FAIRLEAD_TRY(
        answer, answer_of(body.code, body.recovery_code, std::nullopt, "code, recovery_code")
    );
    FAIRLEAD_TRY(opened, parts.steps.sign_in(caller_of(call), body.challenge, answer));
    return parts.view.opened(opened);
}

Result<Response> elevate(const Call& call, const AccessRoutes& parts) {
    FAIRLEAD_TRY(body, call.body<ElevateBody>());
    FAIRLEAD_TRY(
        answer,
        answer_of(
            body.code, body.recovery_code, std::move(body.password), "code, recovery_code, password"
        )
    );
    FAIRLEAD_TRY(token, parts.steps.elevate(caller_of(call), call.principal(), answer));
    return parts.view.renewed(token, call.now());
}

Result<Response> get_session(const Call& call, const AccessRoutes& parts) {
    FAIRLEAD_TRY(session, parts.sessions.use(call.request().cookie(cookie_name), call.now()));
    return parts.view.show(session);
}

Result<Response> sign_out(const Call& call, const AccessRoutes& parts) {
    FAIRLEAD_CHECK(
        parts.accounts.sign_out(caller_of(call), call.principal(), *call.principal().session)
    );
    return SessionView::signed_out();
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
    return call.principal().session == id ? SessionView::signed_out() : api::no_content();
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
    auto add = [&](api::Method method, const char* path, std::string_view permission, auto handler,
                   api::Marks marks = {}) {
        table.add(
            method, path, std::string(permission),
            [parts, handler](const Call& call) { return handler(call, *parts); }, marks
        );
    };
    constexpr api::Marks hashes{.hashes = true};
    using enum api::Method;
    add(post, "/api/v1/setup/check", api::open_to_all, &check_setup);
    add(post, "/api/v1/setup", api::open_to_all, &set_up, hashes);
    add(post, "/api/v1/session", api::open_to_all, &sign_in, hashes);
    add(post, "/api/v1/session/second-factor", api::open_to_all, &give_second_factor);
    add(post, "/api/v1/session/elevate", api::signed_in, &elevate, hashes);
    add(get, "/api/v1/session", api::signed_in, &get_session);
    add(remove, "/api/v1/session", api::signed_in, &sign_out);
    add(get, "/api/v1/sessions", api::signed_in, &list_sessions);
    add(remove, "/api/v1/sessions/{session}", api::signed_in, &revoke_session);
    add(post, "/api/v1/password", api::signed_in, &change_password, hashes);
}

} // namespace fairlead::access
