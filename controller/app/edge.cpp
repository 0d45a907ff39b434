#include "controller/app/edge.hpp"

#include "common/net/http_client.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/log.hpp"
#include "controller/app/application.hpp"
#include "controller/app/cloudflare.hpp"
#include "controller/edge/load.hpp"
#include "controller/gateway/open_tunnel.hpp"

#include <stdexcept>

namespace fairlead::app {

bool concerns_edge(const api::Event& event) {
    return event.type.starts_with("environment.") || event.type.starts_with("domain.") ||
           event.type.starts_with("server.");
}

std::set<std::string> own_names(const Settings& settings) {
    std::set<std::string> names{edge::plain_name(settings.name)};
    for (const auto& name : settings.names) names.insert(edge::plain_name(name));
    if (settings.url)
        if (auto url = net::Url::parse(*settings.url)) names.insert(edge::plain_name(url->host));
    return names;
}

edge::Names edge_names(const Settings& settings, const net::TlsServerContext& tls) {
    auto own = own_names(settings);
    return {{own.begin(), own.end()}, [&tls](std::string_view name) { return tls.covers(name); }};
}

Result<certificates::Names> routed_names(store::Connection& db) {
    FAIRLEAD_TRY(table, edge::load_table(db));
    return table.owners();
}

edge::Opener streams_of(gateway::Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys) {
    return [&](std::shared_ptr<const edge::Route> route, std::uint16_t port) {
        return gateway::open_tunnel(
            hub, pool, keys, route->org, route->server, route->environment, port
        );
    };
}

edge::Loader table_of(store::Store& store) {
    auto seen = std::make_shared<std::optional<std::uint64_t>>();
    return [&store, seen]() -> Result<std::optional<edge::Table>> {
        auto commits = store.commits();
        if (*seen == commits) return std::nullopt;
        FAIRLEAD_TRY(table, store.read(&edge::load_table));
        *seen = commits;
        return std::optional<edge::Table>(std::move(table));
    };
}

void Application::stand_behind_cloudflare() {
    const auto* given = cloudflare_settings(settings_);
    if (!given) return;
    if (!given->origin_ca_file) {
        log::warning(
            "edge: cloudflare: without origin_ca_file anybody may go around Cloudflare, and "
            "visitors' addresses are not believed: sites see those of Cloudflare"
        );
        return;
    }
    auto asked = [this](std::string_view name) {
        return edge_.side_of(name) == edge::Side::routed;
    };
    auto pem = read_file(*given->origin_ca_file, 1024 * 1024);
    auto set = pem ? tls_.set_visitor_authorities(*pem, asked) : Result<>(fail(pem.error()));
    if (!set)
        throw std::runtime_error("edge: cloudflare: origin_ca_file: " + set.error().message());
    edge_.stand_behind("cf-connecting-ip");
}

void Application::join_edge(net::ListenerHandlers& handlers) {
    stand_behind_cloudflare();
    handlers.http = [this](net::HttpRequest request) -> Task<net::HttpResponse> {
        // An agent that has to recover knows the name that the controller had when it enrolled.
        bool recovers = request.peer && request.peer->alpn == net::recover_alpn;
        if (recovers || edge_.side_of(request.host) == edge::Side::own)
            co_return co_await shell_->handle(std::move(request));
        co_return web::HttpShell::refuse(
            421, "This controller does not serve the host of the request on this connection."
        );
    };
    handlers.elsewhere = [this](const net::PeerInfo& peer) {
        return edge_.side_of(peer.server_name) != edge::Side::own;
    };
    handlers.wire = [this](net::Wire& wire) { return edge_.serve(wire); };
}

} // namespace fairlead::app
