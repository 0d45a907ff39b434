#include "common/crypto/token.hpp"
#include "common/json/json.hpp"
#include "controller/api/routes.hpp"
#include "controller/fleet/checks.hpp"
#include "controller/fleet/server_routes.hpp"
#include "controller/fleet/server_view.hpp"
#include "controller/fleet/token_repo.hpp"

#include <fmt/core.h>

namespace fairlead::fleet {
namespace {

using api::Call;
using api::Change;
using api::Response;
using store::Connection;

constexpr std::int64_t max_tokens = 10'000;

struct NewToken {
    std::string name;
    std::optional<std::map<std::string, std::string>> labels;
    std::optional<std::uint32_t> max_uses;
    std::optional<std::uint32_t> expires_in_s;
};
BOOST_DESCRIBE_STRUCT(NewToken, (), (name, labels, max_uses, expires_in_s))

Result<Response> list(const Call& call, const RouteParts& parts) {
    auto rows = [&](Connection& db, const auto& page) {
        return TokenRepo(db, call.scope()).list(page.after, page.limit + 1);
    };
    return api::list_page(call, parts.store, rows, [&](const auto& token) {
        return to_json(token, call.now());
    });
}

Result<Response> get(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<TokenId>("token"));
    return parts.store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(token, TokenRepo(db, call.scope()).get(id));
        return api::answer(to_json(token, call.now()));
    });
}

Result<Response> create(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(wanted, call.body<NewToken>());
    auto labels = wanted.labels.value_or(std::map<std::string, std::string>());
    api::Checks checks;
    check_short_name(checks, "name", wanted.name);
    check_labels(checks, "labels", labels);
    checks.range("max_uses", wanted.max_uses.value_or(1), 1, 1000);
    checks.range("expires_in_s", wanted.expires_in_s.value_or(3600), 60, 2592000);
    FAIRLEAD_CHECK(checks.result());

    RegistrationToken token;
    token.id = TokenId::make(call.now());
    token.name = wanted.name;
    token.labels = json::encode(labels);
    token.max_uses = wanted.max_uses.value_or(1);
    token.expires_ms = call.now() + std::chrono::seconds(wanted.expires_in_s.value_or(3600));
    token.created_ms = call.now();
    token.created_by = call.principal().user;
    token.created_by_email = call.principal().email;
    auto secret = crypto::make_token("flt_");
    auto hash = crypto::token_hash(secret.reveal());
    return api::change(call, parts.desk(), [&](Change& change) -> Result<Response> {
        TokenRepo tokens(change.db(), change.scope());
        FAIRLEAD_TRY(count, tokens.count());
        FAIRLEAD_CHECK(api::check_room(count, max_tokens, "too_many_tokens", "registration tokens")
        );
        FAIRLEAD_CHECK(tokens.insert(token, hash));
        boost::json::object after{
            {"max_uses", token.max_uses},
            {"expires_at", to_rfc3339(token.expires_ms)},
            {"labels", json::to_value(labels)}};
        change.record("registration_token.create", "registration_token", token, std::move(after));
        return api::answer(
            boost::json::object{
                {"registration_token", to_json(token, call.now())},
                {"token", secret.reveal()},
                {"command", install::enroll_command(parts.face(), secret.reveal())}},
            201
        );
    });
}

Result<Response> revoke(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(id, call.path_id<TokenId>("token"));
    return api::change(call, parts.desk(), [&](Change& change) -> Result<Response> {
        TokenRepo tokens(change.db(), change.scope());
        FAIRLEAD_TRY(token, tokens.get(id));
        if (token.revoked_ms) {
            change.nothing_changed();
            return api::no_content();
        }
        FAIRLEAD_CHECK(tokens.revoke(id, call.now()));
        change.record("registration_token.revoke", "registration_token", token);
        return api::no_content();
    });
}

} // namespace

void add_token_routes(api::RouteTable& table, const RouteParts& parts) {
    api::Routes routes(table, parts, "/api/v1/orgs/{org}/registration-tokens");
    routes.get("", "registration_tokens.view", &list);
    routes.post("", "servers.enroll", &create);
    routes.get("/{token}", "registration_tokens.view", &get);
    routes.remove("/{token}", "registration_tokens.revoke", &revoke);
}

} // namespace fairlead::fleet
