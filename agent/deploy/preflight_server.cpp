#include "agent/deploy/beside.hpp"
#include "agent/deploy/connector.hpp"
#include "agent/deploy/preflight_checks.hpp"
#include "agent/deploy/sites.hpp"
#include "agent/host/memory.hpp"
#include "agent/host/network.hpp"
#include "agent/host/packages.hpp"
#include "agent/host/postgresql.hpp"
#include "agent/host/systemd.hpp"
#include "common/json/json.hpp"
#include "common/runtime/process.hpp"
#include "common/runtime/utf8.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace fairlead::deploy {

using proto::CheckResult;
namespace fs = std::filesystem;

void Preflight::link() {
    std::vector<std::string> lacking;
    if (::geteuid() != 0) lacking.push_back("the executor does not run as root");
    for (const auto& folder : {site_.layout().base, site_.layout().units})
        if (::access(folder.c_str(), W_OK) != 0)
            lacking.push_back(folder.string() + " cannot be written");
    if (!host::has_program("systemctl") || !host::has_program("systemd-run"))
        lacking.push_back("systemd is not there");
    if (!host::has_program("useradd") || !host::has_program("userdel"))
        lacking.push_back("useradd is not there");
    if (lacking.empty()) {
        // Asking for something that only root gets shows what no file mode shows.
        if (auto state = host::Systemd().state("init.scope"); !state)
            lacking.push_back("systemd does not answer: " + state.error().message());
    }
    if (lacking.empty())
        return add(
            "link", "Link and privileges", CheckResult::passed,
            "the agent is linked and its executor is root"
        );
    add("link", "Link and privileges", CheckResult::failed,
        fmt::format("{}", fmt::join(lacking, "; ")), "root, systemd and useradd",
        "Run the agent's installer again on the server; it repairs units and rights.");
}

void Preflight::memory() {
    auto [total, available] = host::memory();
    auto need = memory_of(e_);
    auto value = fmt::format("{} of {} available", human(available), human(total));
    if (e_.resources.memory_max_bytes > total)
        return add(
            "memory", "Memory", CheckResult::failed, value,
            fmt::format("a limit of {}", human(e_.resources.memory_max_bytes)),
            fmt::format(
                "Lower the environment's memory limit to less than {}, or give the server more "
                "memory.",
                human(total)
            )
        );
    // What runs now ends before the new release starts, so its memory counts as free; only a second
    // process beside it needs more.
    if (record_)
        return add(
            "memory", "Memory", CheckResult::passed,
            available < need ? value + ", too little for the new release beside the old one: "
                                       "requests will wait while Odoo restarts"
                             : value,
            human(need)
        );
    if (available < need / 2)
        return add(
            "memory", "Memory", CheckResult::failed, value, human(need),
            "Stop other environments, use fewer workers, or give the server more memory."
        );
    if (available < need)
        return add(
            "memory", "Memory", CheckResult::warning, value, human(need),
            "Odoo may be slow or be ended by the kernel; use fewer workers or add memory."
        );
    add("memory", "Memory", CheckResult::passed, value, human(need));
}

void Preflight::ports() {
    std::vector<std::uint16_t> wanted{e_.port};
    if (e_.gevent_port != 0 && e_.resources.workers > 0) wanted.push_back(e_.gevent_port);
    std::vector<std::string> taken;
    for (auto port : wanted) {
        auto found = host::listeners(port);
        if (!found) continue;
        for (const auto& listener : *found) {
            // systemd, Odoo or the connector of this very environment.
            if (record_ &&
                (listener.unit == place_.service() || listener.unit == place_.connector() ||
                 (listener.pid == 1 && record_->port == port)))
                continue;
            auto who = listener.program.empty()
                           ? std::string("another program")
                           : fmt::format(
                                 "{} (process {}{})", listener.program, listener.pid,
                                 listener.unit.empty() ? "" : ", " + listener.unit
                             );
            taken.push_back(fmt::format("port {} is used by {}", port, who));
            break;
        }
        for (const auto& other : all_places(site_.layout())) {
            if (other.slug == place_.slug) continue;
            auto record = load_environment(other);
            if (record && *record && (*record)->port == port)
                taken.push_back(
                    fmt::format("port {} belongs to the environment {}", port, other.slug)
                );
        }
    }
    auto need = fmt::format("{}", fmt::join(wanted, " and "));
    if (taken.empty()) return add("ports", "Ports", CheckResult::passed, need + " free", need);
    add("ports", "Ports", CheckResult::failed, fmt::format("{}", fmt::join(taken, "; ")), need,
        "Stop that program, or choose another port for the environment.");
}

void Preflight::firewall() {
    auto trouble = host::loopback_trouble(e_.port);
    auto found = host::firewalls(e_.port);
    std::vector<std::string> names, blocks;
    for (const auto& one : found) {
        names.push_back(one.name);
        blocks.insert(blocks.end(), one.blocks.begin(), one.blocks.end());
    }
    auto which = names.empty() ? std::string("no firewall found")
                               : fmt::format("{} active", fmt::join(names, ", "));
    // A rule that rejects answers as an empty port does; it shows only by being there.
    bool rejects = std::ranges::any_of(blocks, [](const auto& rule) {
        return rule.find("iif") == std::string::npos;
    });
    if (trouble.empty() && rejects) trouble = "a rule refuses it";
    if (!trouble.empty())
        return add(
            "firewall", "Firewall", CheckResult::failed,
            fmt::format(
                "port {} on 127.0.0.1: {}{}", e_.port, trouble,
                blocks.empty() ? "" : fmt::format("; {}", fmt::join(blocks, "; "))
            ),
            fmt::format("port {} reachable on the server itself", e_.port),
            blocks.empty()
                ? fmt::format(
                      "Let the firewall ({}) accept connections on the loopback interface.", which
                  )
                : "Remove that rule, or let the loopback interface through before it."
        );
    add("firewall", "Firewall", CheckResult::passed,
        fmt::format("{}; port {} is reachable on the server itself", which, e_.port));
}

void Preflight::web_ports() {
    constexpr std::uint16_t ports[] = {80, 443};
    constexpr auto title = "Ports of the web";
    if (e_.exposure != proto::Exposure::direct) return;
    if (!host::has_program("caddy") && !host::has_program("apt-get"))
        return add(
            "web_ports", title, CheckResult::failed, "Caddy is not installed", "Caddy",
            "Install Caddy with the system's own tool."
        );
    if (auto settings = acme_settings(site_.layout()); !settings)
        return add(
            "web_ports", title, CheckResult::failed,
            "the settings of certificates cannot be read: " + settings.error().message(),
            "settings that can be read", "Correct that file."
        );
    std::vector<std::string> taken, blocks;
    for (auto port : ports) {
        auto found = host::listeners(port);
        if (!found) continue;
        for (const auto& listener : *found) {
            if (listener.unit == caddy_service) continue;
            taken.push_back(fmt::format(
                "port {} is used by {}{}", port,
                listener.program.empty() ? "another program" : listener.program,
                listener.unit.empty() ? "" : fmt::format(" ({})", listener.unit)
            ));
            break;
        }
        for (const auto& firewall : host::firewalls(port))
            for (const auto& rule : firewall.blocks)
                blocks.push_back(fmt::format("port {}: {}", port, rule));
    }
    if (!taken.empty())
        return add(
            "web_ports", title, CheckResult::failed, fmt::format("{}", fmt::join(taken, "; ")),
            "ports 80 and 443 free for Caddy",
            "Stop that server and disable it, or keep it and choose the exposure \"port\": then it "
            "can pass requests on to the environment's port itself. Through the controller "
            "(\"tunnel\") no port of the server is needed."
        );
    if (!blocks.empty())
        return add(
            "web_ports", title, CheckResult::warning,
            fmt::format("free; the firewall blocks {}", fmt::join(blocks, "; ")),
            "ports 80 and 443 reachable from the internet",
            "Let the firewall accept both: browsers come by 443, and certificates are proved by 80."
        );
    add("web_ports", title, CheckResult::passed, "80 and 443 are free for Caddy");
}

void Preflight::cloudflared() {
    constexpr auto title = "Cloudflare's connector";
    constexpr auto cure =
        "Install the package \"cloudflared\" on the server from Cloudflare's own package "
        "repository "
        "(pkg.cloudflare.com says how); the distribution has none. Version 2025.4.0 or newer reads "
        "its token from a file.";
    if (e_.exposure != proto::Exposure::cloudflared) return;
    auto program = cloudflared_program();
    if (program.empty()) {
        std::error_code ignored;
        for (const auto* there : cloudflared_programs)
            if (fs::exists(there, ignored))
                return add(
                    "cloudflared", title, CheckResult::failed,
                    fmt::format("{} is no program that every user may run", there), "cloudflared",
                    fmt::format("chmod 755 {}, or install it anew.", there)
                );
        return add(
            "cloudflared", title, CheckResult::failed, "cloudflared is not installed",
            fmt::format("{}", fmt::join(cloudflared_programs, " or ")), cure
        );
    }
    Command ask;
    ask.argv = {program.string(), "--version"};
    ask.deadline = std::chrono::seconds(15);
    ask.output_limit = 4096;
    auto ended = fairlead::run(ask);
    if (!ended || !ended->ok())
        return add(
            "cloudflared", title, CheckResult::failed,
            fmt::format("{} does not run", program.string()), "cloudflared", cure
        );
    auto version = ended->output.substr(0, ended->output.find('\n'));
    add("cloudflared", title, CheckResult::passed, std::string(utf8::cut(version, 100)),
        "cloudflared");
}

void Preflight::postgresql() {
    if (!host::Postgresql::installed()) {
        if (host::has_program("apt-get"))
            return add(
                "postgresql", "PostgreSQL", CheckResult::passed,
                "not installed; the deployment installs the distribution's"
            );
        return add(
            "postgresql", "PostgreSQL", CheckResult::failed, "not installed", "version 12 or newer",
            "Install PostgreSQL with the system's own tool."
        );
    }
    host::Postgresql server;
    auto version = server.version();
    if (!version)
        return add(
            "postgresql", "PostgreSQL", CheckResult::failed,
            fmt::format("does not answer: {}", utf8::cut(version.error().message(), 300)),
            "running, version 12 or newer",
            "Start it: systemctl start postgresql; its log says why it stopped."
        );
    if (server.version_number() < 120000)
        return add(
            "postgresql", "PostgreSQL", CheckResult::failed, *version, "version 12 or newer",
            "Upgrade PostgreSQL; Odoo needs a newer one."
        );
    auto exists = server.database_exists(place_.database());
    if (exists && *exists && !record_)
        return add(
            "postgresql", "PostgreSQL", CheckResult::failed,
            fmt::format(
                "{}; a database named {} is there and is no environment of ours", *version,
                place_.database()
            ),
            "no such database",
            fmt::format(
                "Rename or drop the database {}, or choose another name for the environment.",
                place_.database()
            )
        );
    if (exists && !*exists && record_)
        return add(
            "postgresql", "PostgreSQL", CheckResult::failed,
            fmt::format("{}; the environment's database {} is gone", *version, place_.database()),
            place_.database(), "Restore it, or delete the environment and deploy it anew."
        );
    if (record_)
        if (auto bytes = server.database_bytes(place_.database())) database_bytes_ = *bytes;
    add("postgresql", "PostgreSQL", CheckResult::passed, *version, "version 12 or newer");
}

void Preflight::dns() {
    bool by_domains =
        e_.exposure == proto::Exposure::tunnel || e_.exposure == proto::Exposure::direct;
    if (e_.domains.empty() && by_domains)
        return add(
            "dns", "Domains", CheckResult::warning,
            fmt::format(
                "none, and the environment is exposed by its domains ({})",
                json::enum_name(e_.exposure)
            ),
            "a domain", "Add a domain to the environment; until then it is reached here alone."
        );
    if (e_.domains.empty()) return add("dns", "Domains", CheckResult::passed, "none to look up");
    if (e_.exposure == proto::Exposure::direct) {
        auto taken = taken_names(site_.layout(), place_, e_.domains);
        if (!taken)
            return add(
                "dns", "Domains", CheckResult::failed, taken.error().message(),
                "environments whose domains can be read"
            );
        std::vector<std::string> served;
        for (const auto& [name, slug] : *taken)
            served.push_back(fmt::format("{} is served for the environment {}", name, slug));
        if (!served.empty())
            return add(
                "dns", "Domains", CheckResult::failed, fmt::format("{}", fmt::join(served, "; ")),
                "names that no other environment of this server answers to",
                fmt::format("Deploy {} first without that name, or delete it.", taken->front().slug)
            );
    }
    std::vector<std::string> missing;
    for (const auto& domain : e_.domains)
        if (!host::resolve(domain)) missing.push_back(domain);
    if (missing.empty())
        return add(
            "dns", "Domains", CheckResult::passed,
            fmt::format("{} have an address", fmt::join(e_.domains, ", "))
        );
    add("dns", "Domains", CheckResult::warning,
        fmt::format("no address for {}", fmt::join(missing, ", ")), "an address record",
        "Make the record at the domain's name server; until then nobody reaches Odoo by that "
        "name.");
}

} // namespace fairlead::deploy
