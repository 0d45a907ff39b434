#include "controller/api/call.hpp"

#include "common/runtime/utf8.hpp"
#include "controller/api/route_table.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cassert>

namespace fairlead::api {
namespace {

constexpr std::array<std::pair<std::string_view, Method>, 6> methods{{
    {"GET", Method::get},
    {"HEAD", Method::head},
    {"POST", Method::post},
    {"PUT", Method::put},
    {"PATCH", Method::patch},
    {"DELETE", Method::remove},
}};

} // namespace

std::optional<Method> method_from(std::string_view name) {
    for (const auto& [text, method] : methods)
        if (text == name) return method;
    return std::nullopt;
}

std::string_view name_of(Method method) {
    for (const auto& [text, candidate] : methods)
        if (candidate == method) return text;
    return "This method";
}

std::string_view Request::header(std::string_view name) const {
    for (const auto& [key, value] : headers)
        if (key == name) return value;
    return {};
}

std::string Request::user_agent() const {
    return std::string(utf8::cut(utf8::repaired(header("user-agent").substr(0, 300)), 300));
}

std::string_view Request::cookie(std::string_view name) const {
    auto rest = header("cookie");
    while (!rest.empty()) {
        auto end = rest.find(';');
        auto pair = rest.substr(0, end);
        while (pair.starts_with(' ')) pair.remove_prefix(1);
        if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
            return pair.substr(name.size() + 1);
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
    return {};
}

std::vector<std::string> Principal::bonds() const {
    std::vector<std::string> bonds;
    if (session) bonds.push_back(session->str());
    if (key) bonds.push_back(key->str());
    if (connect) bonds.push_back(connect->session.str());
    // A key is worth what its maker is, and a Connect-As session what its user is at home.
    if (connect) bonds.push_back(bond_of(connect->agency, user));
    if (connect && scope)
        bonds.push_back(bond_of_visits(scope->org()));
    else if (scope)
        bonds.push_back(bond_of(scope->org(), user));
    return bonds;
}

std::optional<std::chrono::milliseconds> Principal::lasts(Timestamp now) const {
    if (!until) return std::nullopt;
    return std::max(*until - now, Timestamp::duration::zero());
}

Result<> Principal::proved_lately(Timestamp now) const {
    auto refuse = [](std::string code, std::string why) {
        return fail(Error(Errc::forbidden, std::move(why)).with_code(std::move(code)));
    };
    if (key)
        return refuse(
            "session_required", "This is for people who are signed in, not for API keys."
        );
    if (now - elevated < proof_lasts) return {};
    return refuse(
        "step_up_required",
        "Prove once more that it is you: this needs a second factor, or the password where the "
        "account has none, given within the last 15 minutes."
    );
}

std::string bond_of(const OrgId& org, const UserId& user) {
    return org.str() + "/" + user.str();
}

std::string bond_of_visits(const OrgId& org) {
    return org.str() + "/visits";
}

const Principal& Call::principal() const {
    assert(principal_ && "the route is open to all");
    return *principal_;
}

const OrgScope& Call::scope() const {
    assert(principal_ && principal_->scope && "the route belongs to no organization");
    return *principal_->scope;
}

Actor Call::actor() const {
    Actor actor;
    if (principal_) {
        actor.kind = principal_->key ? Actor::Kind::key : Actor::Kind::user;
        actor.id = principal_->id();
        actor.label = principal_->key ? principal_->key_name : principal_->email;
        if (principal_->connect) {
            actor.on_behalf_of = principal_->connect->agency_name;
            actor.connect_session = principal_->connect->session.str();
        }
    }
    actor.address = request_.address;
    actor.user_agent = request_.user_agent();
    actor.request_id = request_.request_id;
    return actor;
}

std::string_view Call::path(std::string_view name) const {
    auto found = path_.find(name);
    return found == path_.end() ? std::string_view() : found->second;
}

std::optional<std::string_view> Call::query(std::string_view name) const {
    auto found = query_.find(name);
    if (found == query_.end()) return std::nullopt;
    return found->second;
}

Result<> Call::confirmed(std::string_view name) const {
    auto sent = request_.header("x-confirm");
    if (sent.empty())
        return fail(Error(
                        Errc::invalid,
                        fmt::format(
                            "This cannot be undone. Send the header \"X-Confirm: {}\" to go ahead.",
                            name
                        )
        )
                        .with_code("confirmation_required"));
    // A header is ASCII, a name need not be.
    auto plain = percent_decode(sent);
    if (sent == name || (plain && *plain == name)) return {};
    return fail(Error(
                    Errc::conflict,
                    fmt::format(
                        "X-Confirm says \"{}\", but the name is \"{}\". Nothing was changed.",
                        plain ? *plain : std::string(sent), name
                    )
    )
                    .with_code("confirmation_mismatch"));
}

} // namespace fairlead::api
