#include "controller/app/cloudflare.hpp"

#include "common/crypto/x509.hpp"
#include "common/net/http_client.hpp"
#include "common/runtime/file.hpp"
#include "controller/app/outside.hpp"
#include "controller/outbound/exchange.hpp"

#include <algorithm>
#include <stdexcept>

namespace fairlead::app {
namespace {

constexpr std::size_t pem_limit = 1024 * 1024;

/// It becomes a part of a header.
Result<Secret> read_token(const std::string& file) {
    FAIRLEAD_TRY(text, read_file(file, 4096));
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    Secret token(std::move(text));
    auto characters = token.reveal();
    bool fine = !characters.empty() && characters.size() <= 256 &&
                std::ranges::all_of(characters, [](char c) { return c > ' ' && c < 0x7f; });
    if (!fine) return fail(Errc::invalid, file + " must hold the API token, and nothing else.");
    return token;
}

Result<std::string> own_authorities(const Settings& settings) {
    if (!settings.egress || !settings.egress->ca) return std::string();
    return read_file(*settings.egress->ca, pem_limit);
}

/// Through the egress where there is one: Cloudflare is the operator's choice, so its rules alone
/// are asked, not those for people's addresses.
Result<outbound::Answer>
send(outbound::Way* way, const net::Trust& trust, const outbound::Request& request) {
    FAIRLEAD_TRY(url, net::Url::parse(request.url));
    if (way) {
        outbound::Exchange one;
        one.method = request.method;
        one.place = {url.host, url.port};
        one.target = url.target;
        one.headers = request.headers;
        one.body = request.body;
        one.trust = trust;
        one.body_bytes = request.body_bytes;
        one.deadline =
            outbound::Deadline(std::chrono::steady_clock::now() + request.limit, request.stop);
        FAIRLEAD_TRY(connection, way->connect(one.place, std::nullopt, one.deadline));
        return outbound::exchange(std::move(connection), one);
    }
    FAIRLEAD_TRY(tls, net::TlsClientContext::make(trust));
    net::HttpClientOptions options;
    options.limit = request.limit;
    options.body_bytes = request.body_bytes;
    options.headers = request.headers;
    FAIRLEAD_TRY(answer, net::http_request(tls, request.method, url, request.body, options));
    return outbound::Answer{answer.status, std::move(answer.headers), std::move(answer.body)};
}

} // namespace

const CloudflareSettings* cloudflare_settings(const Settings& settings) {
    return settings.edge && settings.edge->cloudflare ? &*settings.edge->cloudflare : nullptr;
}

std::unique_ptr<cloudflare::ZoneApi> make_zone_api(const Settings& settings) {
    const auto* given = cloudflare_settings(settings);
    if (!given) return nullptr;
    auto token = read_token(given->token_file);
    if (!token)
        throw std::runtime_error("edge: cloudflare: token_file: " + token.error().message());
    auto ca = own_authorities(settings);
    if (!ca) throw std::runtime_error("egress: ca: " + ca.error().message());
    return std::make_unique<cloudflare::ZoneApi>(
        given->api, std::move(*token),
        [way = operators_way(settings),
         trust = net::Trust::system().or_authorities(*ca)](const outbound::Request& request) {
            return send(way.get(), trust, request);
        }
    );
}

std::optional<cloudflare::Zone> cloudflare_zone(const Settings& settings) {
    const auto* given = cloudflare_settings(settings);
    if (!given) return std::nullopt;
    return cloudflare::Zone{given->zone_id, given->origin};
}

std::vector<std::string> cloudflare_surroundings(const Settings& settings) {
    std::vector<std::string> findings;
    const auto* given = cloudflare_settings(settings);
    if (!given) return findings;
    if (auto token = read_token(given->token_file); !token)
        findings.push_back("edge: cloudflare: token_file: " + token.error().message());
    if (given->origin_ca_file) {
        auto pem = read_file(*given->origin_ca_file, pem_limit);
        if (!pem)
            findings.push_back("edge: cloudflare: origin_ca_file: " + pem.error().message());
        else if (!crypto::split_certificates(*pem))
            findings.push_back(*given->origin_ca_file + " holds no certificate in PEM.");
    }
    auto url = net::Url::parse(given->api);
    auto allow = load_exceptions(settings);
    if (settings.egress && url && allow) {
        egress::Place place{url->host, url->port};
        if (!allow->port(place))
            findings.push_back(
                "edge: cloudflare: api: the egress connects to port 443 alone. Add \"" +
                place.text() + "\" to `allow` in " + settings.egress->rules + "."
            );
    }
    return findings;
}

} // namespace fairlead::app
