#include "tests/bench/fleet/mqtt.hpp"

#include <boost/asio/this_coro.hpp>

namespace fairlead::bench {

namespace {

using namespace std::chrono_literals;

constexpr auto keep_alive = 15s;

std::string connect_packet(std::size_t number) {
    auto id = "bench-" + std::to_string(number);
    std::string rest("\0\4MQTT\4\2\0", 9);
    rest += static_cast<char>(2 * keep_alive.count());
    rest += '\0';
    rest += static_cast<char>(id.size());
    rest += id;
    return '\x10' + std::string(1, static_cast<char>(rest.size())) + rest;
}

} // namespace

Task<Result<>> MqttClients::open(
    std::uint16_t port, std::size_t count, std::size_t at_once, std::string ca,
    std::string certificate, const Secret& key
) {
    while (clients_.size() < count) {
        auto tls = net::TlsClientContext::make(net::Trust::authorities(ca));
        if (!tls) co_return fail(std::move(tls).error());
        FAIRLEAD_CO_CHECK(tls->set_identity(certificate, key));
        clients_.push_back(std::make_unique<Client>(*std::move(tls)));
    }
    next_ = 0;
    auto executor = co_await asio::this_coro::executor;
    TaskGroup dialling(executor);
    for (std::size_t i = 0; i < at_once; ++i) dialling.spawn(dial_some(port));
    co_await dialling.join();
    co_return Result<>();
}

Task<> MqttClients::dial_some(std::uint16_t port) {
    while (next_ < clients_.size()) {
        auto number = next_++;
        auto& client = *clients_[number];
        auto dialled = co_await dial(client, port, number);
        if (!dialled) {
            failure = dialled.error().message();
            client.stream.reset();
            continue;
        }
        client.last_ping = Steady::now();
        group_.spawn(drain(client));
    }
}

Task<Result<>> MqttClients::dial(Client& client, std::uint16_t port, std::size_t number) {
    // mosquitto knows no ALPN, so none is offered.
    auto connected = co_await net::connect_tls("localhost", port, "", client.tls, 60s);
    if (!connected) co_return fail(std::move(connected).error());
    client.stream = std::move(connected->stream);
    client.stream->clear_deadline();
    net::error_code ec;
    auto hello = connect_packet(number);
    co_await client.stream->write_all(hello, "", ec);
    if (ec) co_return fail(client.stream->failure(ec));
    char answer[4];
    auto size = co_await client.stream->read_some(answer, sizeof answer, ec);
    if (ec || size < 4 || answer[0] != '\x20' || answer[3] != 0)
        co_return fail(Errc::unavailable, "mosquitto did not accept the connection");
    co_return Result<>();
}

Task<> MqttClients::drain(Client& client) {
    auto stream = client.stream;
    char piece[64];
    net::error_code ec;
    while (!ec) {
        co_await stream->wait_readable(ec);
        if (ec) break;
        auto size = co_await stream->read_some(piece, sizeof piece, ec);
        if (size == 0) break;
    }
    stream->close();
}

Task<> MqttClients::ping(Client& client) {
    auto stream = client.stream;
    net::error_code ec;
    std::string_view ping("\xc0\0", 2);
    co_await stream->write_all(ping, "", ec);
    client.writing = false;
}

void MqttClients::tick(Steady::time_point now) {
    for (auto& client : clients_) {
        if (!client->stream || !client->stream->is_open() || client->writing ||
            now - client->last_ping < keep_alive)
            continue;
        client->last_ping = now;
        client->writing = true;
        group_.spawn(ping(*client));
    }
}

void MqttClients::close() {
    for (auto& client : clients_)
        if (client->stream) client->stream->close();
}

std::size_t MqttClients::online() const {
    std::size_t count = 0;
    for (const auto& client : clients_)
        if (client->stream && client->stream->is_open()) ++count;
    return count;
}

} // namespace fairlead::bench
