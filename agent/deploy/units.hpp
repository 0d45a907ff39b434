/// The systemd units that run an environment, and the sandbox they share with its migrations.
#pragma once

#include "agent/deploy/layout.hpp"
#include "agent/odoo/odoo.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fairlead::deploy {

/// Lines of a unit's [Service] for a program of others that only talks to the network and keeps
/// what systemd gives it (systemd.exec(5)).
inline constexpr std::string_view network_daemon = R"(NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
)";

/// fairlead-odoo@.service and fairlead-odoo@.socket: the same for all; what differs is in each
/// release's own files.
std::string service_template();
std::string socket_template();

/// Everything that confines one environment's processes: "Key=Value" lines of a [Service] section,
/// also properties of a transient unit. `release` is the release's folder.
std::vector<std::string> sandbox(
    const Layout& layout, const Place& place, const proto::EnvironmentSpec& environment,
    const odoo::Installation& installation, const std::filesystem::path& venv
);

/// releases/<n>/service.conf. systemd finds it through `current`, so that one link changes code,
/// configuration and unit together.
std::string service_conf(
    const Place& place, const proto::EnvironmentSpec& environment,
    const odoo::Installation& installation, const std::vector<std::string>& sandbox_lines,
    std::uint32_t number
);

/// releases/<n>/variables.env, for systemd. Values are quoted.
std::string variables_file(const std::vector<std::pair<std::string, std::string>>& variables);

/// Makes a unit's drop-in lead through `current` to a file of the release that is live.
Result<> follow_current(
    const Layout& layout, const Place& place, const std::string& unit, const std::string& file
);

/// Writes the templates where they are missing or differ. True: systemd must reload.
Result<bool> install_templates(const Layout& layout);

} // namespace fairlead::deploy
