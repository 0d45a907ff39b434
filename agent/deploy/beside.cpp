#include "agent/deploy/beside.hpp"

#include "agent/deploy/preflight.hpp"
#include "agent/host/files.hpp"
#include "agent/odoo/odoo.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::deploy {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t size_limit = 65536;
constexpr std::uint64_t mib = 1ULL << 20;

/// Odoo counts its threads down for connections that another process took first, and never up.
constexpr std::string_view counted_threads = "ODOO_MAX_HTTP_THREADS";

bool counts_threads(const ReleaseRecord& release) {
    return std::ranges::any_of(release.environment.variables, [](const auto& variable) {
        return variable.name == counted_threads;
    });
}

} // namespace

std::string beside_template() {
    return R"(# Written by fairlead-agent. A second process of an environment, for the moment in which its release changes.
[Unit]
Description=Odoo of the Fairlead environment %i, beside the one that is live
After=network.target postgresql.service
ConditionPathExists=!/var/lib/fairlead/environments/%i/held
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=/bin/false
ExecStop=-/bin/sh -c 'kill -TERM "$$MAINPID"; n=0; while [ $$n -lt 500 ] && kill -CHLD "$$MAINPID" 2>/dev/null; do n=$$((n+1)); sleep 0.1; done'
KillMode=mixed
TimeoutStopSec=60
)";
}

std::string beside_conf(
    const Place& place, const ReleaseRecord& release, const std::string& service_conf,
    std::optional<std::uint16_t> port
) {
    const auto& e = release.environment;
    std::string more = " \"--max-cron-threads=0\"";
    // Websockets find the live process; its port is taken, and nobody asks for another.
    if (e.resources.workers > 0) {
        std::string option(odoo::websocket_port_option(e.odoo_version));
        std::ranges::replace(option, '_', '-');
        more += fmt::format(" \"--{}=0\"", option);
    }
    if (port) more += fmt::format(" \"--http-port={}\"", *port);
    auto text = service_conf;
    constexpr std::string_view start = "\nExecStart=\"";
    if (auto at = text.find(start); at != std::string::npos)
        text.insert(std::min(text.find('\n', at + 1), text.size()), more);
    text += fmt::format(
        "EnvironmentFile=-{}\n", (place.release(release.info.number) / "variables.env").string()
    );
    if (!port) text += fmt::format("Sockets={}\n", place.socket());
    return text;
}

std::uint64_t memory_of(const proto::EnvironmentSpec& environment) {
    return (environment.resources.workers + 1) * 200 * mib;
}

std::string
beside_hindrance(const ReleaseRecord& live, const ReleaseRecord& next, std::uint64_t memory_free) {
    for (const auto* release : {&live, &next}) {
        if (!release->files.contains("serve.py"))
            return fmt::format("release {} was made by an older agent", release->info.number);
        if (counts_threads(*release))
            return fmt::format("release {} has {}", release->info.number, counted_threads);
    }
    if (auto need = memory_of(next.environment); memory_free < need)
        return fmt::format(
            "{} of memory are free and a second process may need {}", human(memory_free),
            human(need)
        );
    return {};
}

Result<> Beside::start(std::uint32_t number, std::optional<std::uint16_t> port) {
    FAIRLEAD_CHECK(stop());
    FAIRLEAD_TRY(release, load_release(place_, number));
    FAIRLEAD_TRY(text, read_file(place_.release(number) / "service.conf", size_limit));
    auto folder = place_.drop_in(layout_, unit());
    FAIRLEAD_CHECK(host::make_folder(folder, 0755, 0, 0));
    FAIRLEAD_CHECK(
        write_file(folder / "50-release.conf", beside_conf(place_, release, text, port), 0644)
    );
    FAIRLEAD_CHECK(systemd_.reload());
    return systemd_.start({unit()});
}

Result<> Beside::stop() {
    auto folder = place_.drop_in(layout_, unit());
    std::error_code ignored;
    if (!fs::exists(folder, ignored)) return {};
    FAIRLEAD_CHECK(systemd_.stop({unit()}));
    FAIRLEAD_CHECK(host::remove_tree(folder));
    systemd_.reset_failed(unit());
    return systemd_.reload();
}

} // namespace fairlead::deploy
