/// A controller's TLS with agents that come to it.
#pragma once

#include "common/net/http_client.hpp"
#include "support.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <optional>
#include <string>

namespace fairlead::net {

/// An agent link that is open for as long as the peer wants.
struct AgentServer {
    explicit AgentServer(const TestCa& ca, std::optional<Leaf> certificate = std::nullopt)
        : server(ca, handlers(), {}, std::move(certificate)) {}

    ListenerHandlers handlers() {
        ListenerHandlers all;
        all.http = [](HttpRequest) -> Task<HttpResponse> {
            co_return HttpResponse(200, "text/plain", "http");
        };
        all.agent = [this](WebSocket socket) -> Task<> {
            peer = socket.peer();
            ++links;
            auto first = co_await socket.read();
            if (first) (void)co_await socket.write(first->kind, first->data);
            co_await socket.close(1000, "bye");
        };
        return all;
    }

    std::atomic<int> links = 0;
    PeerInfo peer;
    TestServer server;
};

inline Endpoint link_to(std::uint16_t port) {
    Endpoint to;
    to.host = "localhost";
    to.port = port;
    to.path = "/link";
    to.alpn = agent_alpn;
    return to;
}

inline TlsClientContext client(const TestCa& ca, const Leaf* identity) {
    auto tls = TlsClientContext::make(Trust::authorities(ca.pem)).value();
    if (identity) must(tls.set_identity(identity->pem, identity->key));
    return tls;
}

/// Opens a link, says hello, and returns "" or the code of what went wrong.
inline std::string
try_link(std::uint16_t port, TlsClientContext& tls, std::string* message = nullptr) {
    std::string code = "nothing happened";
    auto body = [&]() -> Task<> {
        WebSocketLimits limits;
        auto socket = co_await WebSocket::connect(link_to(port), tls, limits);
        std::optional<Error> failed;
        if (!socket) {
            failed = socket.error();
        } else {
            auto written = co_await socket->write(MessageKind::text, "hello");
            auto answer = co_await socket->read();
            if (!answer) failed = answer.error();
            if (!failed) CHECK(answer->data == "hello");
            if (!failed) {
                auto end = co_await socket->read();
                CHECK(!end);
                CHECK(socket->close_reason().code == 1000);
                CHECK(socket->close_reason().text == "bye");
            }
        }
        code = failed ? failed->code() : "";
        if (failed && failed->code().empty()) code = failed->message();
        if (failed && message) *message = failed->message();
    };
    run(body());
    return code;
}

inline std::string try_http(std::uint16_t port, Trust trust, std::string* message = nullptr) {
    auto tls = TlsClientContext::make(std::move(trust)).value();
    auto url = Url::parse("https://localhost:" + std::to_string(port) + "/").value();
    auto answer = http_request(tls, "GET", url, {});
    if (message && !answer) *message = answer.error().message();
    if (!answer)
        return answer.error().code().empty() ? answer.error().message() : answer.error().code();
    CHECK(answer->status == 200);
    return "";
}

} // namespace fairlead::net
