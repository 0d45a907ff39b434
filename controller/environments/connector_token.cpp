#include "controller/environments/connector_token.hpp"

#include "common/crypto/encoding.hpp"
#include "common/json/json.hpp"
#include "common/runtime/secret.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace fairlead::environments {
namespace {

constexpr std::string_view uuid_form = "00000000-0000-0000-0000-000000000000";

bool is_uuid(std::string_view text) {
    return std::ranges::equal(text, uuid_form, [](char c, char form) {
        return form == '-'
                   ? c == '-'
                   : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
}

/// A member that is a text and not empty, else "".
std::string_view member(const boost::json::object& token, std::string_view name) {
    const auto* value = token.if_contains(name);
    return value && value->is_string() ? std::string_view(value->get_string()) : "";
}

} // namespace

Result<std::string> tunnel_of(std::string_view token) {
    if (token.find_first_of(" \t\r\n") != std::string_view::npos)
        return fail(
            Errc::invalid, "has spaces or line breaks: give only the long text of Cloudflare's "
                           "command that begins with eyJ"
        );
    if (token.empty() || token.size() > longest_connector_token)
        return fail(Errc::invalid, "must have 1 to 4096 characters");
    auto no_token = [](std::string_view why) {
        return fail(
            Errc::invalid, "is no token of a tunnel: " + std::string(why) +
                               ". In Cloudflare's dashboard, open the tunnel and copy the text "
                               "that begins with eyJ out of the command that it shows"
        );
    };
    auto text = crypto::base64_decode(token);
    if (!text) return no_token("it is not base64, or not all of it");
    auto parsed = json::parse(*text);
    wipe(*text);
    if (!parsed || !parsed->is_object()) return no_token("there is no JSON in it");
    const auto& object = parsed->get_object();
    if (member(object, "a").empty()) return no_token("it names no account");
    if (!is_uuid(member(object, "t"))) return no_token("it names no tunnel");
    if (!crypto::base64_decode(member(object, "s")) || member(object, "s").empty())
        return no_token("it has no secret");
    return std::string(member(object, "t"));
}

std::string connector_token_context(const EnvironmentId& environment) {
    return "connector/" + environment.str();
}

Result<std::optional<ConnectorToken>> ConnectorTokenRepo::find(const EnvironmentId& environment) {
    return db_.one<ConnectorToken>(
        "SELECT tunnel, set_ms, set_by, set_by_email FROM connector_token WHERE org_id = $1 AND "
        "environment_id = $2",
        org_, environment
    );
}

Result<> ConnectorTokenRepo::put(
    const EnvironmentId& environment, const ConnectorToken& token, const store::Blob& sealed
) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO connector_token (environment_id, org_id, tunnel, sealed, set_ms, set_by, "
        "set_by_email) VALUES ($2, $1, $3, $4, $5, $6, $7) ON CONFLICT (environment_id) DO UPDATE "
        "SET tunnel = excluded.tunnel, sealed = excluded.sealed, set_ms = excluded.set_ms, set_by "
        "= excluded.set_by, set_by_email = excluded.set_by_email WHERE connector_token.org_id = "
        "excluded.org_id",
        org_, environment, token.tunnel, sealed, token.set_ms, token.set_by, token.set_by_email
    ));
    return {};
}

Result<std::optional<store::Blob>> ConnectorTokenRepo::sealed(const EnvironmentId& environment) {
    return db_.one<store::Blob>(
        "SELECT sealed FROM connector_token WHERE org_id = $1 AND environment_id = $2", org_,
        environment
    );
}

Result<bool> ConnectorTokenRepo::remove(const EnvironmentId& environment) {
    FAIRLEAD_TRY(
        done, db_.run(
                  "DELETE FROM connector_token WHERE org_id = $1 AND environment_id = $2", org_,
                  environment
              )
    );
    return done > 0;
}

} // namespace fairlead::environments
