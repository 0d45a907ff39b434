#include "controller/access/account_routes.hpp"

#include "common/crypto/totp.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/nullable.hpp"
#include "controller/api/page.hpp"
#include "controller/api/response.hpp"

#include <memory>

namespace fairlead::access {
namespace {

using api::Call;
using api::Response;

struct NameBody {
    std::string name;
};
BOOST_DESCRIBE_STRUCT(NameBody, (), (name))

struct EmailBody {
    std::string email;
};
BOOST_DESCRIBE_STRUCT(EmailBody, (), (email))

struct CodeBody {
    std::string code;
};
BOOST_DESCRIBE_STRUCT(CodeBody, (), (code))

Result<Response> show(const AccountRoutes& parts, const UserId& user) {
    FAIRLEAD_TRY(view, parts.account.view(user));
    boost::json::array methods;
    for (const auto& method : view.methods) methods.emplace_back(method);
    return api::answer(
        {{"id", view.user.id.str()},
         {"email", view.user.email},
         {"name", view.user.name},
         {"created_at", to_rfc3339(view.user.created)},
         {"operator", view.user.is_operator},
         {"has_password", !view.user.password_hash.empty()},
         {"second_factors", std::move(methods)},
         {"totp_since", api::time_or_null(view.totp_since)},
         {"recovery_codes_left", view.recovery_codes}}
    );
}

Response shown_once(const std::vector<Secret>& codes) {
    boost::json::array list;
    for (const auto& code : codes) list.emplace_back(code.reveal());
    return api::answer({{"recovery_codes", std::move(list)}});
}

Result<Response> get_account(const Call& call, const AccountRoutes& parts) {
    return show(parts, call.principal().user);
}

Result<Response> rename(const Call& call, const AccountRoutes& parts) {
    FAIRLEAD_TRY(body, call.body<NameBody>());
    api::Checks checks;
    checks.length("name", body.name, 1, 100);
    FAIRLEAD_CHECK(checks.result());
    FAIRLEAD_CHECK(parts.account.rename(caller_of(call), call.principal().user, body.name));
    return show(parts, call.principal().user);
}

Result<Response> remove(const Call& call, const AccountRoutes& parts) {
    FAIRLEAD_CHECK(call.confirmed(call.principal().email));
    FAIRLEAD_CHECK(parts.account.remove(caller_of(call), call.principal().user));
    return SessionView::signed_out();
}

Result<Response> change_email(const Call& call, const AccountRoutes& parts) {
    FAIRLEAD_TRY(body, call.body<EmailBody>());
    FAIRLEAD_TRY(email, normal_email(body.email));
    if (email == call.principal().email) {
        api::Checks checks;
        checks.wrong("email", "is the one that this account has");
        FAIRLEAD_CHECK(checks.result());
    }
    FAIRLEAD_TRY(view, parts.account.view(call.principal().user));
    FAIRLEAD_CHECK(parts.registration.change_email(caller_of(call), view.user, email));
    return api::on_its_way();
}

Result<Response> begin_totp(const Call& call, const AccountRoutes& parts) {
    FAIRLEAD_TRY(key, parts.account.begin_totp(caller_of(call), call.principal().user));
    auto text = crypto::totp_key_text(key);
    auto uri = crypto::otpauth_uri(key, parts.issuer, call.principal().email);
    return api::answer({{"secret", text.reveal()}, {"otpauth_uri", uri.reveal()}});
}

Result<Response> confirm_totp(const Call& call, const AccountRoutes& parts) {
    FAIRLEAD_TRY(body, call.body<CodeBody>());
    FAIRLEAD_TRY(done, parts.account.confirm_totp(caller_of(call), call.principal(), body.code));
    auto response = shown_once(done.recovery_codes);
    parts.view.set_cookie(response, done.token);
    return response;
}

Result<Response> remove_totp(const Call& call, const AccountRoutes& parts) {
    FAIRLEAD_CHECK(parts.account.remove_totp(caller_of(call), call.principal().user));
    return api::no_content();
}

Result<Response> new_recovery_codes(const Call& call, const AccountRoutes& parts) {
    FAIRLEAD_TRY(codes, parts.account.new_recovery_codes(caller_of(call), call.principal().user));
    return shown_once(codes);
}

Result<Response> pending_links(const Call& call, const AccountRoutes& parts) {
    FAIRLEAD_TRY(page, api::Page::of(call));
    FAIRLEAD_TRY(letters, parts.account.pending(caller_of(call), call.principal().user, page));
    boost::json::array items;
    for (const auto& [mail, link] : letters)
        items.push_back(
            {{"id", mail.id.str()},
             {"kind", mail.kind},
             {"email", mail.recipient},
             {"link",
              link.empty() ? boost::json::value(nullptr) : boost::json::value(link.reveal())},
             {"created_at", to_rfc3339(mail.created)},
             {"expires_at", to_rfc3339(mail.expires)},
             {"attempts", mail.attempts},
             {"next_attempt_at", api::time_or_null(mail.next)},
             {"last_error", mail.last_error}}
        );
    return api::page_of(std::move(items), page);
}

} // namespace

void add_account_routes(api::RouteTable& table, AccountRoutes given) {
    auto parts = std::make_shared<AccountRoutes>(std::move(given));
    auto add_for = [&](std::string_view whom, api::Method method, const char* path, auto handler,
                       api::Marks marks) {
        table.add(
            method, path, std::string(whom),
            [parts, handler](const Call& call) { return handler(call, *parts); }, marks
        );
    };
    auto add = [&](api::Method method, const char* path, auto handler, api::Marks marks = {}) {
        add_for(api::signed_in, method, path, handler, marks);
    };
    constexpr api::Marks step_up{.step_up = true};
    using enum api::Method;
    add(get, "/api/v1/account", &get_account);
    add(patch, "/api/v1/account", &rename);
    add(api::Method::remove, "/api/v1/account", &access::remove, step_up);
    add(post, "/api/v1/account/email", &change_email, step_up);
    add(post, "/api/v1/account/totp", &begin_totp, step_up);
    add(api::Method::remove, "/api/v1/account/totp", &remove_totp, step_up);
    add(post, "/api/v1/account/totp/confirm", &confirm_totp, step_up);
    add(post, "/api/v1/account/recovery-codes", &new_recovery_codes, step_up);
    add_for(api::operators_alone, get, "/api/v1/installation/links", &pending_links, step_up);
}

} // namespace fairlead::access
