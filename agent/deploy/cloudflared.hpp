/// What Cloudflare's own connector, `cloudflared`, is told for an environment that is exposed by
/// it: a file of its releases, a unit, a token. Text only: agent/deploy/connector.hpp brings it to
/// a running one.
#pragma once

#include "agent/deploy/layout.hpp"
#include "common/runtime/result.hpp"
#include "proto/operations.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::deploy {

/// Where root puts the program; the first that is there counts. No distribution that we know has
/// it.
inline constexpr const char* cloudflared_programs[] = {
    "/usr/bin/cloudflared", "/usr/local/bin/cloudflared"};

/// Files of a release: where its connector says how it is, and the token that was deployed with it.
inline constexpr const char* connector_file = "connector.conf";
inline constexpr const char* token_file = "connector-token";

/// Name of the entry of Operation::secrets.
std::string connector_secret(const std::string& environment_id);

/// Errc::invalid where it cannot be a token of a tunnel: the rest is for Cloudflare to say.
Result<> check_connector_token(std::string_view token);

/// The connector's own address for questions, with the environment's port, which nothing else on
/// the server has; a second one has another while it is tried beside the first.
inline constexpr const char* ready_address = "127.0.0.2";
inline constexpr const char* trial_address = "127.0.0.3";

/// connector.conf. Absent where no connector is wanted.
std::optional<std::string> connector_conf(const proto::EnvironmentSpec& environment);

/// The port that a connector.conf names. Errc::invalid when `connector_conf` did not make it.
Result<std::uint16_t> ready_port(std::string_view conf);

/// True when a release of the environment is to be reached through Cloudflare.
bool has_connector(const Place& place, std::uint32_t number);

/// fairlead-cloudflared@.service, and fairlead-cloudflared-trial@.service.
std::string cloudflared_template(const Layout& layout, bool trial);

} // namespace fairlead::deploy
