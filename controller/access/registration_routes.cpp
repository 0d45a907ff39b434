#include "common/json/json.hpp"
#include "controller/access/account_routes.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/response.hpp"

#include <memory>

namespace fairlead::access {
namespace {

using api::Call;
using api::Response;

struct RegisterBody {
    std::string email;
    std::string name;
    std::string password;
};
BOOST_DESCRIBE_STRUCT(RegisterBody, (), (email, name, password))

struct EmailBody {
    std::string email;
};
BOOST_DESCRIBE_STRUCT(EmailBody, (), (email))

struct TokenBody {
    std::string token;
};
BOOST_DESCRIBE_STRUCT(TokenBody, (), (token))

struct ResetBody {
    std::string token;
    std::string password;
};
BOOST_DESCRIBE_STRUCT(ResetBody, (), (token, password))

Result<Response> get_registration(const Call&, const AccountRoutes& parts) {
    return api::answer(
        {{"registration", json::enum_name(parts.registration.openness())},
         {"mail", parts.outbox.delivery() == mail::Delivery::by_mail}}
    );
}

Result<Response> enter(const Call& call, const AccountRoutes& parts) {
    FAIRLEAD_TRY(body, call.body<RegisterBody>());
    Secret password(std::move(body.password));
    api::Checks checks;
    checks.length("name", body.name, 1, 100);
    checks.length("email", body.email, 3, 254);
    FAIRLEAD_CHECK(checks.result());
    FAIRLEAD_CHECK(parts.registration.enter(caller_of(call), body.email, body.name, password));
    return api::on_its_way();
}

Result<Response> resend(const Call& call, const AccountRoutes& parts) {
    FAIRLEAD_TRY(body, call.body<EmailBody>());
    FAIRLEAD_CHECK(parts.registration.resend(caller_of(call), body.email));
    return api::on_its_way();
}

Result<Response> forgot(const Call& call, const AccountRoutes& parts) {
    FAIRLEAD_TRY(body, call.body<EmailBody>());
    FAIRLEAD_CHECK(parts.registration.forgot(caller_of(call), body.email));
    return api::on_its_way();
}

Result<Response> verify(const Call& call, const AccountRoutes& parts) {
    FAIRLEAD_TRY(body, call.body<TokenBody>());
    FAIRLEAD_TRY(done, parts.registration.verify(caller_of(call), body.token));
    return api::answer({{"email", done.email}, {"changed", done.changed}});
}

Result<Response> reset(const Call& call, const AccountRoutes& parts) {
    FAIRLEAD_TRY(body, call.body<ResetBody>());
    Secret password(std::move(body.password));
    FAIRLEAD_CHECK(parts.registration.reset(caller_of(call), body.token, password));
    return api::no_content();
}

} // namespace

void add_registration_routes(api::RouteTable& table, AccountRoutes given) {
    auto parts = std::make_shared<AccountRoutes>(std::move(given));
    auto add = [&](api::Method method, const char* path, auto handler, api::Marks marks = {}) {
        table.add(
            method, path, std::string(api::open_to_all),
            [parts, handler](const Call& call) { return handler(call, *parts); }, marks
        );
    };
    constexpr api::Marks hashes{.hashes = true};
    using enum api::Method;
    add(get, "/api/v1/registration", &get_registration);
    add(post, "/api/v1/register", &enter, hashes);
    add(post, "/api/v1/email/verify", &verify);
    add(post, "/api/v1/email/resend", &resend);
    add(post, "/api/v1/password/forgot", &forgot);
    add(post, "/api/v1/password/reset", &reset, hashes);
}

} // namespace fairlead::access
