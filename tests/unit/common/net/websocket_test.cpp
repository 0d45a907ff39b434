#include "common/async/event.hpp"
#include "common/net/http_client.hpp"
#include "support.hpp"

#include <boost/asio/this_coro.hpp>
#include <doctest/doctest.h>

#include <atomic>

using namespace fairlead;
using namespace fairlead::net;

namespace {

/// HTTP server whose /ws is a WebSocket that `body` speaks on.
ListenerHandlers
sockets(std::function<Task<>(WebSocket)> body, WebSocketLimits limits = WebSocketLimits()) {
    auto handler = [body, limits](HttpRequest request) -> Task<HttpResponse> {
        HttpResponse response(404);
        if (request.path() == "/ws") {
            response.status = 101;
            response.upgrade = body;
            response.upgrade_limits = limits;
            response.headers.add("x-extra", "yes");
        }
        co_return response;
    };
    return only_http(handler);
}

Task<> echo(WebSocket socket) {
    for (;;) {
        auto message = co_await socket.read();
        if (!message) co_return;
        auto written = co_await socket.write(message->kind, message->data);
        if (!written) co_return;
    }
}

Endpoint to(std::uint16_t port, std::string path = "/ws") {
    Endpoint endpoint;
    endpoint.host = "localhost";
    endpoint.port = port;
    endpoint.path = std::move(path);
    return endpoint;
}

/// Connects and runs `body` on the socket.
void with_socket(const TestCa& ca, std::uint16_t port, std::function<Task<>(WebSocket&)> body) {
    auto tls = TlsClientContext::make(Trust::authorities(ca.pem)).value();
    auto all = [&]() -> Task<> {
        WebSocketLimits limits;
        auto socket = co_await WebSocket::connect(to(port), tls, limits);
        REQUIRE(socket);
        co_await body(*socket);
    };
    run(all());
}

} // namespace

TEST_SUITE("common/net/websocket") {

    TEST_CASE("messages of every size come back as they were, text as text and bytes as bytes") {
        TestCa ca;
        TestServer server(ca, sockets(echo));
        auto body = [](WebSocket& socket) -> Task<> {
            for (std::size_t size :
                 {0u, 1u, 125u, 126u, 127u, 1000u, 16383u, 16384u, 16385u, 65535u, 65536u, 300'000u,
                  1048576u}) {
                CAPTURE(size);
                std::string data(size, '\0');
                for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<char>(i * 7 + size);
                auto sent = co_await socket.write(MessageKind::binary, data);
                CHECK(sent);
                auto back = co_await socket.read();
                REQUIRE(back);
                CHECK(back->kind == MessageKind::binary);
                CHECK(back->data == data);
            }
            auto sent = co_await socket.write(MessageKind::text, "grüße");
            CHECK(sent);
            auto back = co_await socket.read();
            CHECK(back.value().kind == MessageKind::text);
            CHECK(back.value().data == "grüße");
            co_await socket.close(1000, "done");
        };
        with_socket(ca, server.port, body);
    }

    TEST_CASE("one reads while another writes") {
        TestCa ca;
        TestServer server(ca, sockets(echo));
        auto body = [](WebSocket& socket) -> Task<> {
            const std::string data(50'000, 'd');
            int back = 0;
            auto reader = [&]() -> Task<> {
                while (back < 200) {
                    auto message = co_await socket.read();
                    REQUIRE(message);
                    ++back;
                }
            };
            auto writer = [&]() -> Task<> {
                for (int i = 0; i < 200; ++i) {
                    auto sent = co_await socket.write(MessageKind::binary, data);
                    REQUIRE(sent);
                }
            };
            TaskGroup group(co_await asio::this_coro::executor);
            group.spawn(reader());
            group.spawn(writer());
            co_await group.join();
            CHECK(back == 200);
        };
        with_socket(ca, server.port, body);
    }

    TEST_CASE("the kernel takes no more than it may, so that what is said next waits for little") {
        TestCa ca;
        auto tls = TlsClientContext::make(Trust::authorities(ca.pem)).value();
        // Reads nothing until the writer has given up.
        auto deaf = [](WebSocket socket) -> Task<> {
            auto held = std::move(socket);
            fairlead::Event never(co_await asio::this_coro::executor);
            co_await never.wait();
        };
        TestServer server(ca, sockets(deaf));
        auto taken = [&](std::size_t unsent) {
            std::size_t bytes = 0;
            auto body = [&]() -> Task<> {
                WebSocketLimits limits;
                limits.unsent_bytes = unsent;
                limits.write_time = std::chrono::seconds(1);
                auto socket = co_await WebSocket::connect(to(server.port), tls, limits);
                REQUIRE(socket);
                const std::string data(4096, 'd');
                for (;; bytes += data.size()) {
                    auto sent = co_await socket->write(MessageKind::binary, data);
                    if (!sent) co_return;
                }
            };
            run(body());
            return bytes;
        };
        auto little = taken(4096), much = taken(16 << 20);
        CAPTURE(little);
        CAPTURE(much);
        CHECK(little + (1 << 20) < much);
    }

    TEST_CASE("a message beyond the limit ends the connection with 1009") {
        TestCa ca;
        std::atomic<int> code = 0;
        WebSocketLimits limits;
        limits.message_bytes = 1000;
        auto server_side = [&](WebSocket socket) -> Task<> {
            auto message = co_await socket.read();
            CHECK(!message);
            code = socket.close_reason().code;
        };
        TestServer server(ca, sockets(server_side, limits));
        auto body = [](WebSocket& socket) -> Task<> {
            std::string data(1001, 'x');
            auto sent = co_await socket.write(MessageKind::text, data);
            auto end = co_await socket.read();
            CHECK(!end);
            CHECK(socket.close_reason().code == 1009);
        };
        with_socket(ca, server.port, body);
        code.wait(0); // the server may hear of it after the client
        CHECK(code == 1009);
    }

    TEST_CASE("codes and reasons of both sides arrive") {
        TestCa ca;
        std::atomic<int> code = 0;
        auto server_side = [&](WebSocket socket) -> Task<> {
            auto message = co_await socket.read();
            code = socket.close_reason().code;
            CHECK(socket.close_reason().text == std::string(123, 'r'));
        };
        TestServer server(ca, sockets(server_side));
        auto body = [](WebSocket& socket) -> Task<> {
            co_await socket.close(4001, std::string(200, 'r'));
        };
        with_socket(ca, server.port, body);
        for (int i = 0; i < 300 && code == 0; ++i) std::this_thread::sleep_for(10ms);
        CHECK(code == 4001);
    }

    TEST_CASE("a ping is answered and counts as a sign of life") {
        TestCa ca;
        TestServer server(ca, sockets(echo));
        auto body = [](WebSocket& socket) -> Task<> {
            auto before = socket.last_heard();
            auto reader = [&]() -> Task<> {
                auto message = co_await socket.read();
                static_cast<void>(message);
            };
            TaskGroup group(co_await asio::this_coro::executor);
            group.spawn(reader());
            auto sent = co_await socket.ping();
            CHECK(sent);
            for (int i = 0; i < 300 && socket.last_heard() == before; ++i) co_await sleep_for(5ms);
            CHECK(socket.last_heard() > before);
            group.cancel();
            co_await group.join();
            socket.abort();
        };
        with_socket(ca, server.port, body);
    }

    TEST_CASE("a socket whose reader was cancelled can still say goodbye") {
        TestCa ca;
        std::atomic<int> code = 0;
        auto server_side = [&](WebSocket socket) -> Task<> {
            auto executor = co_await asio::this_coro::executor;
            TaskGroup group(executor);
            auto reader = [&]() -> Task<> {
                auto message = co_await socket.read();
                static_cast<void>(message);
            };
            group.spawn(reader());
            co_await sleep_for(5ms);
            group.cancel();
            co_await group.join();
            co_await socket.close(4002, "revoked");
        };
        TestServer server(ca, sockets(server_side));
        auto body = [&](WebSocket& socket) -> Task<> {
            auto end = co_await socket.read();
            CHECK(!end);
            code = socket.close_reason().code;
            CHECK(socket.close_reason().text == "revoked");
        };
        with_socket(ca, server.port, body);
        CHECK(code == 4002);
    }

    TEST_CASE("an address that is no WebSocket is told with its status") {
        TestCa ca;
        TestServer server(ca, sockets(echo));
        auto tls = TlsClientContext::make(Trust::authorities(ca.pem)).value();
        auto body = [&]() -> Task<> {
            WebSocketLimits limits;
            auto socket = co_await WebSocket::connect(to(server.port, "/other"), tls, limits);
            REQUIRE(!socket);
            CHECK(socket.error().kind() == Errc::unavailable);
            CHECK(socket.error().message().find("404") != std::string::npos);
        };
        run(body());
        auto url = Url::parse("https://localhost:" + std::to_string(server.port) + "/ws").value();
        CHECK(http_request(tls, "GET", url, {}).value().status == 426);
    }

    TEST_CASE("nothing listening, no such name and a silent server are told apart") {
        TestCa ca;
        auto tls = TlsClientContext::make(Trust::authorities(ca.pem)).value();
        auto body = [&]() -> Task<> {
            WebSocketLimits limits;
            limits.handshake_time = 1s;
            auto refused = co_await WebSocket::connect(to(1), tls, limits);
            CHECK(refused.error().kind() == Errc::unavailable);
            CHECK(refused.error().message().find("localhost:1") != std::string::npos);
            auto nowhere = to(443);
            nowhere.host = "does-not-exist.invalid";
            auto unknown = co_await WebSocket::connect(nowhere, tls, limits);
            CHECK(unknown.error().message().find("does-not-exist.invalid") != std::string::npos);
        };
        run(body());
    }

    TEST_CASE("stopping the listener cancels sockets, and they may say goodbye") {
        TestCa ca;
        std::optional<TestServer> server;
        auto polite = [&](WebSocket socket) -> Task<> {
            // Posted from here, so that it comes while the read waits and not before it.
            asio::post(server->io, [&] { server->listener->stop(200ms); });
            auto message = co_await socket.read();
            static_cast<void>(message);
            co_await asio::this_coro::reset_cancellation_state();
            co_await socket.close(1001, "going away");
        };
        server.emplace(ca, sockets(polite));
        auto body = [&](WebSocket& socket) -> Task<> {
            auto end = co_await socket.read();
            CHECK(!end);
            CHECK(socket.close_reason().code == 1001);
        };
        with_socket(ca, server->port, body);
        server.reset();
    }
}
