#include "common/crypto/token.hpp"
#include "common/json/json.hpp"
#include "controller/api/page.hpp"
#include "controller/fleet/checks.hpp"
#include "controller/fleet/server_routes.hpp"
#include "controller/fleet/server_view.hpp"
#include "controller/fleet/token_repo.hpp"

#include <fmt/core.h>

namespace fairlead::fleet {
namespace {

using api::Call;
using api::Response;
using store::Connection;
using store::UnitOfWork;

constexpr std::int64_t max_tokens = 10'000;

struct NewToken {
    std::string name;
    std::optional<std::map<std::string, std::string>> labels;
    std::optional<std::uint32_t> max_uses;
    std::optional<std::uint32_t> expires_in_s;
};
BOOST_DESCRIBE_STRUCT(NewToken, (), (name, labels, max_uses, expires_in_s))

api::Act act_on(const RegistrationToken& token, std::string action) {
    api::Act act;
    act.action = std::move(action);
    act.target_type = "registration_token";
    act.target_id = token.id.str();
    act.target_name = token.name;
    return act;
}

Result<Response> list(const Call& call, const RouteParts& parts) {
    FAIRLEAD_TRY(page, api::Page::of(call));
    return parts.store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(tokens, TokenRepo(db, call.scope()).list(page.after, page.limit + 1));
        boost::json::array items;
        for (const auto& token : tokens) items.push_back(to_json(token, call.now()));
        return api::page_of(std::move(items), page);
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
    return parts.store.write([&](UnitOfWork& unit) -> Result<Response> {
        TokenRepo tokens(unit.db(), call.scope());
        FAIRLEAD_TRY(count, tokens.count());
        if (count >= max_tokens)
            return fail(Error(
                            Errc::conflict,
                            fmt::format(
                                "This organization has {} registration tokens, which is the most.",
                                count
                            )
            )
                            .with_code("too_many_tokens"));
        FAIRLEAD_CHECK(tokens.insert(token, hash));
        auto act = act_on(token, "registration_token.create");
        act.after = boost::json::object{
            {"max_uses", token.max_uses},
            {"expires_at", to_rfc3339(token.expires_ms)},
            {"labels", json::to_value(labels)}};
        parts.audit.record(unit, call.scope(), call.actor(), std::move(act));
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
    return parts.store.write([&](UnitOfWork& unit) -> Result<Response> {
        TokenRepo tokens(unit.db(), call.scope());
        FAIRLEAD_TRY(token, tokens.get(id));
        if (token.revoked_ms) return api::no_content();
        FAIRLEAD_CHECK(tokens.revoke(id, call.now()));
        parts.audit.record(
            unit, call.scope(), call.actor(), act_on(token, "registration_token.revoke")
        );
        return api::no_content();
    });
}

} // namespace

void add_token_routes(api::RouteTable& table, const RouteParts& parts) {
    using api::Method;
    auto with = [&parts](auto handler) {
        return [&parts, handler](const Call& call) { return handler(call, parts); };
    };
    std::string all = "/api/v1/orgs/{org}/registration-tokens", one = all + "/{token}";
    table.add(Method::get, all, "registration_tokens.view", with(&list));
    table.add(Method::post, all, "servers.enroll", with(&create));
    table.add(Method::get, one, "registration_tokens.view", with(&get));
    table.add(Method::remove, one, "registration_tokens.revoke", with(&revoke));
}

} // namespace fairlead::fleet
