#include "agent/deploy/caddy.hpp"

#include "agent/deploy/units.hpp"
#include "common/config/node.hpp"
#include "common/json/json.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <algorithm>

namespace fairlead::deploy {
namespace {

using boost::json::array;
using boost::json::object;

/// Odoo takes uploads of 128 MiB unless it is told otherwise; backups restored by hand are larger.
constexpr std::int64_t largest_body = 1LL << 30;
constexpr int largest_headers = 64 << 10;

object proxy(std::uint16_t port) {
    return {
        {"handler", "reverse_proxy"},
        {"upstreams", array{object{{"dial", fmt::format("127.0.0.1:{}", port)}}}},
        // While Odoo changes its release nothing may listen for a moment.
        {"load_balancing", {{"try_duration", "20s"}, {"try_interval", "250ms"}}},
        // Caddy sets X-Forwarded-For, -Host and -Proto itself; what else a client says of proxies
        // before it is not believed.
        {"headers",
         {{"request",
           {{"delete",
             array{"Forwarded", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Real-Ip"}}}}}},
        {"transport",
         {{"protocol", "http"}, {"dial_timeout", "5s"}, {"response_header_timeout", "15m"}}}};
}

object route(array paths, object handler) {
    return {
        {"match", array{object{{"path", std::move(paths)}}}},
        {"terminal", true},
        {"handle", array{std::move(handler)}}};
}

} // namespace

Result<AcmeSettings> acme_settings(std::string_view yaml, std::string_view file_name) {
    AcmeSettings settings;
    FAIRLEAD_TRY(root, config::parse(yaml, file_name));
    if (root.kind == config::Node::Kind::null) return settings;
    auto wrong = [&](int line, std::string what) {
        return fail(Errc::invalid, fmt::format("{} line {}: {}.", file_name, line, what));
    };
    if (root.kind != config::Node::Kind::map)
        return wrong(root.line, "the settings must be names with values");
    for (const auto& section : root.entries) {
        if (section.key != "direct")
            return wrong(section.line, fmt::format("\"{}\" is not known here", section.key));
        if (section.value.kind != config::Node::Kind::map)
            return wrong(section.line, "\"direct\" must be names with values");
        for (const auto& [key, line, value] : section.value.entries) {
            auto* into = key == "acme_ca"        ? &settings.directory
                         : key == "acme_ca_root" ? &settings.root_file
                         : key == "acme_email"   ? &settings.email
                                                 : nullptr;
            if (!into) return wrong(line, fmt::format("\"{}\" is not known here", key));
            if (value.kind != config::Node::Kind::scalar || value.text.empty())
                return wrong(line, fmt::format("\"{}\" must be a text", key));
            *into = value.text;
            if (key == "acme_ca" && !value.text.starts_with("https://"))
                return wrong(line, "\"acme_ca\" must be an https:// address");
            if (key == "acme_ca_root" && !value.text.starts_with('/'))
                return wrong(line, "\"acme_ca_root\" must be the whole path of a file");
        }
    }
    return settings;
}

std::optional<std::string> site_of(const proto::EnvironmentSpec& e) {
    if (e.exposure != proto::Exposure::direct || e.domains.empty()) return std::nullopt;
    // A proof of a domain is for whoever the domain is being proved to, and that is not Odoo. An
    // expression, since Caddy's `path` takes upper and lower case for the same; either is held
    // against the path that is decoded and without its "//", "." and "..".
    array routes{object{
        {"match",
         array{
             object{{"path_regexp", {{"pattern", R"(^/\.well-known/fairlead-challenge(/|$))"}}}}}},
        {"terminal", true},
        {"handle", array{object{{"handler", "static_response"}, {"status_code", 404}}}}}};
    routes.push_back(object{
        {"handle", array{object{{"handler", "request_body"}, {"max_size", largest_body}}}}});
    // Odoo's threaded server does both at one port.
    if (e.resources.workers > 0 && e.gevent_port != 0)
        routes.push_back(
            route({"/websocket", "/websocket/*", "/longpolling/*"}, proxy(e.gevent_port))
        );
    routes.push_back(object{{"handle", array{proxy(e.port)}}});
    return boost::json::serialize(object{
        {"match", array{object{{"host", json::to_value(e.domains)}}}},
        {"terminal", true},
        {"handle", array{object{{"handler", "subroute"}, {"routes", std::move(routes)}}}}});
}

Result<std::vector<std::string>> names_of(std::string_view site) {
    FAIRLEAD_TRY(parsed, json::parse(site));
    boost::json::error_code none;
    const auto* names = parsed.find_pointer("/match/0/host", none);
    if (!names) return fail(Errc::invalid, "It is no route of Caddy's with the names of hosts.");
    return json::from_value<std::vector<std::string>>(*names, json::Strictness::exact);
}

Result<std::string>
caddy_config(const std::vector<std::string>& sites, const AcmeSettings& settings) {
    array routes;
    for (const auto& site : sites) {
        FAIRLEAD_TRY(parsed, json::parse(site));
        if (!parsed.is_object() || !parsed.get_object().contains("match"))
            return fail(Errc::invalid, "A site is no route of Caddy's.");
        routes.push_back(std::move(parsed));
    }
    object issuer{{"module", "acme"}, {"ca", settings.directory}};
    if (!settings.email.empty()) issuer["email"] = settings.email;
    if (!settings.root_file.empty()) issuer["trusted_roots_pem_files"] = array{settings.root_file};
    object server{{"listen", array{":443"}},
                  {"protocols", array{"h1", "h2"}},
                  {"read_header_timeout", "10s"},
                  {"idle_timeout", "5m"},
                  {"max_header_bytes", largest_headers},
                  {"routes", std::move(routes)}};
    object config{
        {"admin",
         {{"listen", fmt::format("unix/{}", caddy_socket)}, {"config", {{"persist", false}}}}},
        {"storage", {{"module", "file_system"}, {"root", "/var/lib/fairlead-caddy"}}},
        {"apps",
         {{"http",
           {{"http_port", 80},
            {"https_port", 443},
            {"grace_period", "60s"},
            {"servers", {{"environments", std::move(server)}}}}},
          {"tls",
           {{"automation",
             {{"policies", array{object{{"issuers", array{std::move(issuer)}}}}}}}}}}}};
    return boost::json::serialize(config);
}

std::string caddy_unit(const std::filesystem::path& config) {
    return fmt::format(
        R"(# Written by fairlead-agent: serves the domains of environments that are exposed directly.
[Unit]
Description=Caddy for the domains of Fairlead environments
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=60
StartLimitBurst=10

[Service]
Type=notify
ExecStart=/usr/bin/caddy run --config {}
Restart=on-failure
RestartSec=2
TimeoutStopSec=70
DynamicUser=yes
StateDirectory=fairlead-caddy
StateDirectoryMode=0700
RuntimeDirectory=fairlead-caddy
RuntimeDirectoryMode=0700
Environment=HOME=/var/lib/fairlead-caddy XDG_DATA_HOME=/var/lib/fairlead-caddy XDG_CONFIG_HOME=/var/lib/fairlead-caddy
LimitNOFILE=1048576
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
{}
[Install]
WantedBy=multi-user.target
)",
        config.string(), network_daemon
    );
}

} // namespace fairlead::deploy
