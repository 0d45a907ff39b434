#include "agent/deploy/units.hpp"

#include "agent/deploy/beside.hpp"
#include "agent/host/files.hpp"
#include "agent/odoo/capture.hpp"
#include "agent/odoo/serve.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

namespace fairlead::deploy {
namespace {

/// In a unit file a percent sign begins a specifier and a dollar sign a variable.
std::string unit_word(std::string_view text) {
    std::string word = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') word += '\\';
        if (c == '%') word += '%';
        if (c == '$') word += '$';
        word += c;
    }
    return word + '"';
}

} // namespace

std::string service_template() {
    return R"(# Written by fairlead-agent. What differs between environments is in each one's current release.
[Unit]
Description=Odoo of the Fairlead environment %i
After=network.target postgresql.service fairlead-odoo@%i.socket
ConditionPathExists=!/var/lib/fairlead/environments/%i/held
StartLimitIntervalSec=120
StartLimitBurst=8

[Service]
Type=exec
ExecStart=/bin/false
# Odoo's threads take signals too, and one that they take does not wake the main thread out of its sleep of a minute.
# SIGCHLD means nothing to Odoo and wakes it. After 50 s a second SIGTERM follows, by which Odoo ends at once.
ExecStop=-/bin/sh -c 'kill -TERM "$$MAINPID"; n=0; while [ $$n -lt 500 ] && kill -CHLD "$$MAINPID" 2>/dev/null; do n=$$((n+1)); sleep 0.1; done'
EnvironmentFile=-/var/lib/fairlead/environments/%i/current/variables.env
# Where its requests are counted for the agent.
RuntimeDirectory=fairlead-odoo/%i
Restart=on-failure
RestartSec=2
KillMode=mixed
TimeoutStopSec=60

[Install]
WantedBy=multi-user.target
)";
}

std::string socket_template() {
    return R"(# Written by fairlead-agent. systemd holds the port, so that requests wait while Odoo starts anew.
[Unit]
Description=Port of the Fairlead environment %i
ConditionPathExists=!/var/lib/fairlead/environments/%i/held

[Socket]
Backlog=4096

[Install]
WantedBy=sockets.target
)";
}

std::vector<std::string> sandbox(
    const Layout& layout, const Place& place, const proto::EnvironmentSpec& environment,
    const odoo::Installation& installation, const std::filesystem::path& venv
) {
    std::vector<std::string> lines{
        "User=" + place.account,
        "Group=" + place.account,
        "WorkingDirectory=" + place.data().string(),
        "Environment=HOME=" + place.data().string(),
        "Environment=PYTHONUNBUFFERED=1",
        // Trees belong to root; bytecode of shared trees is each environment's own.
        "Environment=PYTHONPYCACHEPREFIX=" + (place.data() / "pycache").string(),
        "UMask=0027",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateTmp=yes",
        "PrivateDevices=yes",
        "ProtectKernelTunables=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelLogs=yes",
        "ProtectControlGroups=yes",
        "ProtectClock=yes",
        "ProtectHostname=yes",
        "ProtectProc=invisible",
        "RestrictSUIDSGID=yes",
        "RestrictRealtime=yes",
        "RestrictNamespaces=yes",
        "LockPersonality=yes",
        "CapabilityBoundingSet=",
        "SystemCallArchitectures=native",
        "InaccessiblePaths=-" + layout.runtime.string(),
        // Of everything the agent keeps, one environment sees its own folder and the code it runs.
        "TemporaryFileSystem=" + layout.base.string() + ":ro",
        "BindReadOnlyPaths=" + place.root.string(),
        "BindPaths=" + place.data().string(),
        "BindPaths=" + place.filestore().string(),
        "BindReadOnlyPaths=" + venv.string(),
        "BindReadOnlyPaths=" + installation.source.string(),
    };
    for (const auto& addons : installation.addons)
        lines.push_back("BindReadOnlyPaths=" + addons.string());
    if (environment.mail)
        lines.push_back(
            "Environment=PYTHONPATH=" +
            (installation.config.parent_path() / odoo::capture_folder).string()
        );
    const auto& limits = environment.resources;
    if (limits.memory_max_bytes != 0)
        lines.push_back(fmt::format("MemoryMax={}", limits.memory_max_bytes));
    if (limits.cpu_percent != 0) lines.push_back(fmt::format("CPUQuota={}%", limits.cpu_percent));
    if (limits.tasks_max != 0) lines.push_back(fmt::format("TasksMax={}", limits.tasks_max));
    return lines;
}

std::string service_conf(
    const Place& place, const proto::EnvironmentSpec&, const odoo::Installation& installation,
    const std::vector<std::string>& sandbox_lines, std::uint32_t number
) {
    auto text = fmt::format(
        "# Release {} of {}, written by fairlead-agent.\n[Service]\nExecStart=\nExecStart=", number,
        place.slug
    );
    bool first = true;
    for (const auto& word : odoo::serve_command(installation)) {
        text += (first ? "" : " ") + unit_word(word);
        first = false;
    }
    // serve.py says in the unit's status when Odoo serves. Where two processes have the socket, the
    // one that comes second to a connection must not wait for the next; systemd sets that for all
    // who have it, each time that it starts one of them.
    text += "\nNotifyAccess=main\nNonBlocking=yes\n";
    for (const auto& line : sandbox_lines) text += line + '\n';
    return text;
}

std::string variables_file(const std::vector<std::pair<std::string, std::string>>& variables) {
    std::string text;
    for (const auto& [name, value] : variables) {
        text += name + "=\"";
        for (char c : value) {
            if (c == '"' || c == '\\' || c == '`' || c == '$') text += '\\';
            text += c;
        }
        text += "\"\n";
    }
    return text;
}

Result<> follow_current(
    const Layout& layout, const Place& place, const std::string& unit, const std::string& file
) {
    auto folder = place.drop_in(layout, unit);
    FAIRLEAD_CHECK(host::make_folder(folder, 0755, 0, 0));
    return host::replace_link(folder / "50-release.conf", place.current() / file);
}

Result<bool> install_templates(const Layout& layout) {
    bool changed = false;
    for (const auto& [name, text] :
         {std::pair{"fairlead-odoo@.service", service_template()},
          std::pair{"fairlead-odoo@.socket", socket_template()},
          std::pair{"fairlead-odoo-beside@.service", beside_template()}}) {
        auto file = layout.units / name;
        auto there = read_file(file, 65536);
        if (there && *there == text) continue;
        FAIRLEAD_CHECK(write_file(file, text, 0644));
        changed = true;
    }
    return changed;
}

} // namespace fairlead::deploy
