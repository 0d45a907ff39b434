#include "controller/app/providers.hpp"

#include "common/net/http_client.hpp"

#include <chrono>
#include <memory>
#include <semaphore>

namespace fairlead::app {
namespace {

constexpr int most_at_once = 8;
using Room = std::counting_semaphore<most_at_once>;

Result<sso::Answer> fetch(const sso::Ask& ask) {
    FAIRLEAD_TRY(url, net::Url::parse(ask.url));
    FAIRLEAD_TRY(
        tls, net::TlsClientContext::make(
                 ask.ca_pem.empty() ? net::Trust::system() : net::Trust::authorities(ask.ca_pem)
             )
    );
    net::HttpClientOptions options;
    options.limit = std::chrono::seconds(10);
    options.body_bytes = 256 * 1024;
    options.headers.add("user-agent", "fairlead-controller"); // GitHub wants one
    for (const auto& [name, value] : ask.headers) options.headers.add(name, value);
    FAIRLEAD_TRY(answer, net::http_request(tls, ask.method, url, ask.body, options));
    return sso::Answer{answer.status, std::move(answer.body)};
}

} // namespace

sso::Fetch fetch_from_providers() {
    auto room = std::make_shared<Room>(most_at_once);
    return [room](const sso::Ask& ask) -> Result<sso::Answer> {
        if (!room->try_acquire())
            return fail(Errc::unavailable, "Many people are signing in at this moment. Try again.");
        std::unique_ptr<Room, void (*)(Room*)> leave(room.get(), [](Room* held) {
            held->release();
        });
        return fetch(ask);
    };
}

} // namespace fairlead::app
