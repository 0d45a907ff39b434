#include "controller/access/passkey_routes.hpp"

#include "common/json/json.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/response.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::access {
namespace {

using api::Call;
using api::Response;

struct NameBody {
    std::string name;
};
BOOST_DESCRIBE_STRUCT(NameBody, (), (name))

struct NewBody {
    std::string name;
    boost::json::object credential;
};
BOOST_DESCRIBE_STRUCT(NewBody, (), (name, credential))

struct CredentialBody {
    boost::json::object credential;
};
BOOST_DESCRIBE_STRUCT(CredentialBody, (), (credential))

struct ChallengeBody {
    std::string challenge;
};
BOOST_DESCRIBE_STRUCT(ChallengeBody, (), (challenge))

struct SecondBody {
    std::string challenge;
    boost::json::object credential;
};
BOOST_DESCRIBE_STRUCT(SecondBody, (), (challenge, credential))

Result<> check_name(std::string_view name) {
    api::Checks checks;
    checks.length("name", name, 1, 60);
    return checks.result();
}

boost::json::object shown(const Passkey& passkey, bool last) {
    boost::json::array transports;
    for (const auto& transport : passkey.transport_list()) transports.emplace_back(transport);
    return {
        {"id", passkey.id.str()},
        {"name", passkey.name},
        {"aaguid", passkey.aaguid},
        {"transports", std::move(transports)},
        {"user_verified", passkey.user_verified},
        {"backup_eligible", passkey.backup_eligible},
        {"backed_up", passkey.backed_up},
        {"last_second_factor", last},
        {"created_at", to_rfc3339(passkey.created)},
        {"last_used_at", passkey.last_used ? boost::json::value(to_rfc3339(*passkey.last_used))
                                           : boost::json::value(nullptr)}};
}

// ------------------------------------------------------------------ the caller's own

Result<Response> list(const Call& call, const PasskeyRoutes& parts) {
    FAIRLEAD_TRY(listed, parts.passkeys.list(call.principal().user));
    boost::json::array items;
    for (const auto& passkey : listed.passkeys) items.push_back(shown(passkey, listed.last_factor));
    return api::answer({{"data", std::move(items)}, {"next_cursor", nullptr}});
}

Result<Response> one(const PasskeyRoutes& parts, const Passkey& passkey, int status) {
    FAIRLEAD_TRY(listed, parts.passkeys.list(passkey.user_id));
    return api::answer(shown(passkey, listed.last_factor), status);
}

Result<Response> begin(const Call& call, const PasskeyRoutes& parts) {
    FAIRLEAD_TRY(options, parts.passkeys.begin(call.principal(), call.now()));
    return api::answer(options);
}

Result<Response> add(const Call& call, const PasskeyRoutes& parts) {
    FAIRLEAD_TRY(body, call.body<NewBody>());
    FAIRLEAD_CHECK(check_name(body.name));
    FAIRLEAD_TRY(
        made, parts.passkeys.add(caller_of(call), call.principal(), body.name, body.credential)
    );
    FAIRLEAD_TRY(response, one(parts, made.passkey, 201));
    parts.view.set_cookie(response, made.token);
    return std::move(response);
}

Result<Response> rename(const Call& call, const PasskeyRoutes& parts) {
    FAIRLEAD_TRY(id, call.path_id<PasskeyId>("passkey"));
    FAIRLEAD_TRY(body, call.body<NameBody>());
    FAIRLEAD_CHECK(check_name(body.name));
    FAIRLEAD_TRY(
        renamed, parts.passkeys.rename(caller_of(call), call.principal().user, id, body.name)
    );
    return one(parts, renamed, 200);
}

/// Going back to the password alone has to be meant.
Result<> confirm_last(const Call& call, const Passkey& passkey) {
    if (!call.request().header("x-confirm").empty()) return call.confirmed(passkey.name);
    return fail(Error(
                    Errc::invalid,
                    fmt::format(
                        "\"{}\" is the last second factor: without it the password alone signs in, "
                        "and recovery codes are gone. Send the header X-Confirm with its name to "
                        "go ahead.",
                        passkey.name
                    )
    )
                    .with_code("confirmation_required"));
}

Result<Response> remove(const Call& call, const PasskeyRoutes& parts) {
    FAIRLEAD_TRY(id, call.path_id<PasskeyId>("passkey"));
    const auto& user = call.principal().user;
    FAIRLEAD_TRY(listed, parts.passkeys.list(user));
    auto found =
        std::find_if(listed.passkeys.begin(), listed.passkeys.end(), [&](const Passkey& passkey) {
            return passkey.id == id;
        });
    if (found != listed.passkeys.end() && listed.last_factor)
        FAIRLEAD_CHECK(confirm_last(call, *found));
    FAIRLEAD_CHECK(parts.passkeys.remove(caller_of(call), user, id));
    return api::no_content();
}

// ------------------------------------------------------------------ proofs

Result<Response> begin_sign_in(const Call& call, const PasskeyRoutes& parts) {
    return api::answer(parts.proofs.begin_sign_in(call.now()));
}

Result<Response> sign_in(const Call& call, const PasskeyRoutes& parts) {
    FAIRLEAD_TRY(body, call.body<CredentialBody>());
    FAIRLEAD_TRY(opened, parts.proofs.sign_in(caller_of(call), body.credential));
    return parts.view.opened(opened);
}

Result<Response> begin_second(const Call& call, const PasskeyRoutes& parts) {
    FAIRLEAD_TRY(body, call.body<ChallengeBody>());
    FAIRLEAD_TRY(options, parts.proofs.begin_second(caller_of(call), body.challenge));
    return api::answer(options);
}

Result<Response> second(const Call& call, const PasskeyRoutes& parts) {
    FAIRLEAD_TRY(body, call.body<SecondBody>());
    FAIRLEAD_TRY(opened, parts.proofs.second(caller_of(call), body.challenge, body.credential));
    return parts.view.opened(opened);
}

Result<Response> begin_elevate(const Call& call, const PasskeyRoutes& parts) {
    FAIRLEAD_TRY(options, parts.proofs.begin_elevate(caller_of(call), call.principal()));
    return api::answer(options);
}

Result<Response> elevate(const Call& call, const PasskeyRoutes& parts) {
    FAIRLEAD_TRY(body, call.body<CredentialBody>());
    FAIRLEAD_TRY(token, parts.proofs.elevate(caller_of(call), call.principal(), body.credential));
    return parts.view.renewed(token, call.now());
}

} // namespace

void add_passkey_routes(api::RouteTable& table, PasskeyRoutes parts) {
    auto add_route = [&](api::Method method, const char* path, std::string_view permission,
                         auto handler, api::Marks marks = {}) {
        table.add(
            method, path, std::string(permission),
            [parts, handler](const Call& call) { return handler(call, parts); }, marks
        );
    };
    constexpr api::Marks step_up{.step_up = true};
    using api::Method, api::open_to_all, api::signed_in;
    add_route(Method::get, "/api/v1/account/passkeys", signed_in, &list);
    add_route(Method::post, "/api/v1/account/passkeys", signed_in, &add, step_up);
    add_route(Method::post, "/api/v1/account/passkeys/options", signed_in, &begin, step_up);
    add_route(Method::patch, "/api/v1/account/passkeys/{passkey}", signed_in, &rename);
    add_route(Method::remove, "/api/v1/account/passkeys/{passkey}", signed_in, &remove, step_up);
    add_route(Method::post, "/api/v1/session/passkey/options", open_to_all, &begin_sign_in);
    add_route(Method::post, "/api/v1/session/passkey", open_to_all, &sign_in);
    add_route(
        Method::post, "/api/v1/session/second-factor/passkey/options", open_to_all, &begin_second
    );
    add_route(Method::post, "/api/v1/session/second-factor/passkey", open_to_all, &second);
    add_route(Method::post, "/api/v1/session/elevate/passkey/options", signed_in, &begin_elevate);
    add_route(Method::post, "/api/v1/session/elevate/passkey", signed_in, &elevate);
}

} // namespace fairlead::access
