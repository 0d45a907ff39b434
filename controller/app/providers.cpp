#include "controller/app/providers.hpp"

#include "common/net/http_client.hpp"
#include "controller/outbound/exchange.hpp"

#include <chrono>
#include <memory>
#include <semaphore>

namespace fairlead::app {
namespace {

constexpr int most_at_once = 8;
using Room = std::counting_semaphore<most_at_once>;

constexpr auto limit = std::chrono::seconds(10);
constexpr std::size_t body_bytes = 256 * 1024;

net::Headers headers_of(const sso::Ask& ask) {
    net::Headers headers{{"user-agent", "fairlead-controller"}}; // GitHub wants one
    for (const auto& [name, value] : ask.headers) headers.add(name, value);
    return headers;
}

Result<sso::Answer>
fetch_by(outbound::Way& way, const net::Url& url, const sso::Ask& ask, const net::Trust& trust) {
    outbound::Exchange one;
    one.method = ask.method;
    one.place = {url.host, url.port};
    one.target = url.target;
    one.headers = headers_of(ask);
    one.body = ask.body;
    one.trust = trust;
    one.body_bytes = body_bytes;
    one.deadline = std::chrono::steady_clock::now() + limit;
    FAIRLEAD_TRY(connection, way.connect(one.place, std::nullopt, one.deadline));
    FAIRLEAD_TRY(answer, outbound::exchange(std::move(connection), one));
    return sso::Answer{answer.status, std::move(answer.body)};
}

Result<sso::Answer>
fetch(const std::shared_ptr<outbound::Way>& way, const net::Trust& system, const sso::Ask& ask) {
    FAIRLEAD_TRY(url, net::Url::parse(ask.url));
    auto trust = ask.ca_pem.empty() ? system : net::Trust::authorities(ask.ca_pem);
    if (way) return fetch_by(*way, url, ask, trust);
    FAIRLEAD_TRY(tls, net::TlsClientContext::make(trust));
    net::HttpClientOptions options;
    options.limit = limit;
    options.body_bytes = body_bytes;
    options.headers = headers_of(ask);
    FAIRLEAD_TRY(answer, net::http_request(tls, ask.method, url, ask.body, options));
    return sso::Answer{answer.status, std::move(answer.body)};
}

} // namespace

sso::Fetch fetch_from_providers(std::shared_ptr<outbound::Way> way) {
    auto room = std::make_shared<Room>(most_at_once);
    return [room, way, system = net::Trust::system()](const sso::Ask& ask) -> Result<sso::Answer> {
        if (!room->try_acquire())
            return fail(Errc::unavailable, "Many people are signing in at this moment. Try again.");
        std::unique_ptr<Room, void (*)(Room*)> leave(room.get(), [](Room* held) {
            held->release();
        });
        return fetch(way, system, ask);
    };
}

} // namespace fairlead::app
