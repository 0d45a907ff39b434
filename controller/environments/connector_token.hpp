/// Tokens of Cloudflare's connector, as an environment that is exposed by `cloudflared` has one: it
/// can be set and replaced, and is never shown again.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace fairlead::environments {

inline constexpr std::size_t longest_connector_token = 4096;

/// The id of the tunnel that a token is of, which is no secret. A token is JSON in base64 with the
/// account, the tunnel and its secret. Errc::invalid: the end of a sentence about what is wrong.
Result<std::string> tunnel_of(std::string_view token);

/// What may be told of one.
struct ConnectorToken {
    std::string tunnel;
    Timestamp set_ms;
    UserId set_by;
    std::string set_by_email;
};
BOOST_DESCRIBE_STRUCT(ConnectorToken, (), (tunnel, set_ms, set_by, set_by_email))

/// The SQL of tokens: whoever asks has found the environment in their scope.
class ConnectorTokenRepo {
public:
    ConnectorTokenRepo(store::Connection& db, const api::OrgScope& scope)
        : db_(db), org_(scope.org()) {}

    Result<std::optional<ConnectorToken>> find(const EnvironmentId& environment);
    Result<>
    put(const EnvironmentId& environment, const ConnectorToken& token, const store::Blob& sealed);
    Result<std::optional<store::Blob>> sealed(const EnvironmentId& environment);
    /// False when there was none.
    Result<bool> remove(const EnvironmentId& environment);

private:
    store::Connection& db_;
    OrgId org_;
};

/// What a sealed token is bound to.
std::string connector_token_context(const EnvironmentId& environment);

} // namespace fairlead::environments
