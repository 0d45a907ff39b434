#include "agent/deploy/cloudflared.hpp"

#include "agent/deploy/units.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace fairlead::deploy {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view port_line = "Environment=CONNECTOR_PORT=";
constexpr std::size_t longest_token = 4096;

bool may_stand_in_base64(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '=' || c == '-' || c == '_';
}

} // namespace

std::string connector_secret(const std::string& environment_id) {
    return "connector:" + environment_id;
}

Result<> check_connector_token(std::string_view token) {
    if (token.empty() || token.size() > longest_token ||
        !std::ranges::all_of(token, may_stand_in_base64))
        return fail(
            Errc::invalid,
            "The connector token that came with the operation is none: set it anew, and deploy "
            "again."
        );
    return {};
}

std::optional<std::string> connector_conf(const proto::EnvironmentSpec& e) {
    if (e.exposure != proto::Exposure::cloudflared) return std::nullopt;
    return fmt::format("[Service]\n{}{}\n", port_line, e.port);
}

Result<std::uint16_t> ready_port(std::string_view conf) {
    std::uint16_t port = 0;
    if (auto at = conf.find(port_line); at != std::string_view::npos)
        std::from_chars(conf.data() + at + port_line.size(), conf.data() + conf.size(), port);
    if (port == 0) return fail(Errc::invalid, fmt::format("{} names no port.", connector_file));
    return port;
}

bool has_connector(const Place& place, std::uint32_t number) {
    std::error_code ignored;
    return number != 0 && fs::exists(place.release(number) / connector_file, ignored);
}

std::string cloudflared_template(const Layout& layout, bool trial) {
    auto environment = (layout.environments() / "%i").string();
    return fmt::format(
        R"(# Written by fairlead-agent: {0}
[Unit]
Description=Cloudflare's connector of the Fairlead environment %i{1}
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
# Its token is a file that this process alone can read; programs from before 2025.4.0 read no such file, and get it by
# their environment.
LoadCredential=token:{2}
ExecStart=/bin/sh -c 'program={3}; [ -x "$$program" ] || program={4}; \
  set -- tunnel --no-autoupdate --metrics "{5}:$$CONNECTOR_PORT" run; \
  if "$$program" tunnel run --help 2>/dev/null | grep -q -e --token-file; \
  then exec "$$program" "$$@" --token-file "$$CREDENTIALS_DIRECTORY/token"; fi; \
  TUNNEL_TOKEN=$$(cat "$$CREDENTIALS_DIRECTORY/token"); export TUNNEL_TOKEN; exec "$$program" "$$@"'
Restart=always
RestartSec=3
TimeoutStopSec=40
DynamicUser=yes
# What root runs of its own with this program is no business of ours.
InaccessiblePaths=-/etc/cloudflared -/usr/local/etc/cloudflared -{6} -{7}
UMask=0077
LimitCORE=0
TasksMax=256
CapabilityBoundingSet=
{8}{9})",
        trial ? "tries another token beside the connector that serves."
              : "what an environment is reached by through Cloudflare.",
        trial ? ", with another token" : "",
        environment + (trial ? "/connector-trial" : "/connector-token"), cloudflared_programs[0],
        cloudflared_programs[1], trial ? trial_address : ready_address, layout.base.string(),
        layout.runtime.string(), network_daemon,
        trial ? "" : "\n[Install]\nWantedBy=multi-user.target\n"
    );
}

} // namespace fairlead::deploy
