#include "common/net/http_client.hpp"
#include "common/net/websocket_impl.hpp"
#include "support.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

using namespace fairlead;
using namespace fairlead::net;

namespace {

Task<HttpResponse> echo(HttpRequest request) {
    if (request.path() == "/throw") throw std::runtime_error("broken handler");
    if (request.path() == "/slow") co_await sleep_for(1h);
    if (request.path() == "/large") {
        HttpResponse response(200);
        response.shared_body = std::make_shared<const std::string>(3'000'000, 'x');
        co_return response;
    }
    if (request.path() == "/inject") {
        HttpResponse response(200);
        response.headers.add("location", "a\r\nset-cookie: b");
        co_return response;
    }
    HttpResponse response(
        200, "text/plain", request.method + " " + request.target + " " + request.body
    );
    co_return response;
}

/// Sends raw bytes over TLS and returns everything that comes until the server ends, or `for_ms` of
/// silence.
std::string talk(
    const TestCa& ca, std::uint16_t port, std::vector<std::string> pieces,
    std::chrono::milliseconds pause = 0ms
) {
    std::string all;
    auto tls = TlsClientContext::make(Trust::authorities(ca.pem)).value();
    auto body = [&]() -> Task<> {
        auto connected = co_await connect_tls("localhost", port, "http/1.1", tls, 5s);
        auto& stream = *connected.value().stream;
        stream.set_deadline(10s);
        auto write = [&]() -> Task<> {
            for (const auto& piece : pieces) {
                error_code ec;
                co_await stream.write_all(piece, {}, ec);
                if (ec) break;
                if (pause > 0ms) co_await sleep_for(pause);
            }
        };
        TaskGroup group(co_await asio::this_coro::executor);
        group.spawn(write());
        for (char some[4096];;) {
            error_code ec;
            auto size = co_await stream.read_some(some, sizeof some, ec);
            if (size == 0) break;
            all.append(some, size);
        }
        group.cancel();
        co_await group.join();
        stream.close();
    };
    run(body());
    return all;
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size()))
        ++found;
    return found;
}

std::string plain_talk(std::uint16_t port, const std::string& text) {
    int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    REQUIRE(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    std::string all;
    char some[1024];
    for (ssize_t size = 0; (size = ::read(fd, some, sizeof some)) > 0;)
        all.append(some, static_cast<std::size_t>(size));
    ::close(fd);
    return all;
}

const std::string get_close = "GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

} // namespace

TEST_SUITE("common/net/http_server") {

    TEST_CASE("requests are answered in order on one connection, pipelined and cut anyhow") {
        TestCa ca;
        TestServer server(ca, only_http(echo));
        std::string all = "GET /one HTTP/1.1\r\nHost: h\r\n\r\nPOST /two HTTP/1.1\r\nHost: "
                          "h\r\nContent-Length: 3\r\n\r\nabc"
                          "HEAD /three HTTP/1.1\r\nHost: h\r\n\r\n" +
                          get_close;
        auto whole = talk(ca, server.port, {all});
        CHECK(count(whole, "HTTP/1.1 200 OK\r\n") == 4);
        CHECK(whole.find("GET /one ") < whole.find("POST /two abc"));
        CHECK(whole.find("content-length: 12\r\n") != std::string::npos); // of HEAD
        CHECK(whole.find("HEAD /three") == std::string::npos);
        CHECK(whole.find("connection: close\r\n") != std::string::npos);
        CHECK(whole.ends_with("GET /last "));
        auto cut =
            talk(ca, server.port, {all.substr(0, 10), all.substr(10, 50), all.substr(60)}, 5ms);
        CHECK(count(cut, "HTTP/1.1 200 OK\r\n") == 4);
    }

    TEST_CASE("a client gets what it asked for, large bodies whole") {
        TestCa ca;
        TestServer server(ca, only_http(echo));
        auto tls = TlsClientContext::make(Trust::authorities(ca.pem)).value();
        auto base = "https://localhost:" + std::to_string(server.port);
        auto posted = post_json(tls, Url::parse(base + "/x").value(), "{}").value();
        CHECK(posted.body == "POST /x {}");
        CHECK(posted.headers.get("content-type") == "text/plain");

        HttpClientOptions options;
        options.body_bytes = 4'000'000;
        CHECK(
            http_request(tls, "GET", Url::parse(base + "/large").value(), {}, options)
                .value()
                .body.size() == 3'000'000
        );
        options.body_bytes = 2'999'999;
        auto refused = http_request(tls, "GET", Url::parse(base + "/large").value(), {}, options);
        REQUIRE(!refused);
        CHECK(refused.error().kind() == Errc::invalid);
        CHECK(
            http_request(tls, "HEAD", Url::parse(base + "/large").value(), {}, options)
                .value()
                .headers.get("content-length") == "3000000"
        );
    }

    TEST_CASE(
        "a handler that throws is a 500, one that takes too long a 503, and the connection goes on"
    ) {
        TestCa ca;
        TestServer server(ca, only_http(echo), [](ListenerOptions& options) {
            options.http.handler_time = 1s;
        });
        auto all = talk(
            ca, server.port,
            {"GET /throw HTTP/1.1\r\nHost: h\r\n\r\nGET /slow HTTP/1.1\r\nHost: h\r\n\r\n" +
             get_close}
        );
        CHECK(all.find("HTTP/1.1 500 ") == 0);
        CHECK(all.find("broken handler") == std::string::npos);
        CHECK(count(all, "HTTP/1.1 503 ") == 1);
        CHECK(count(all, "GET /last") == 1);
    }

    TEST_CASE("what a handler puts into a header cannot add another") {
        TestCa ca;
        TestServer server(ca, only_http(echo));
        auto all =
            talk(ca, server.port, {"GET /inject HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"});
        CHECK(all.find("\r\nset-cookie") == std::string::npos);
    }

    TEST_CASE("limits are kept, and the connection ends with the answer") {
        TestCa ca;
        TestServer server(ca, only_http(echo), [](ListenerOptions& options) {
            options.http.header_time = options.http.body_time = options.http.idle_time = 1s;
            options.http.body_bytes = 1000;
        });
        SUBCASE("body") {
            auto all = talk(
                ca, server.port,
                {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" +
                 std::string(100'000, 'x')}
            );
            CHECK(all.starts_with("HTTP/1.1 413 "));
            CHECK(all.find("connection: close") != std::string::npos);
        }
        SUBCASE("header") {
            CHECK(talk(ca, server.port, {"GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x')})
                      .starts_with("HTTP/1.1 431 "));
        }
        SUBCASE("a head that comes one byte at a time") {
            std::vector<std::string> bytes;
            for (char c : std::string("GET / HTTP/1.1\r\nHost: hhhhhhhhhhhhhhhhhhhhhhhh"))
                bytes.emplace_back(1, c);
            CHECK(talk(ca, server.port, bytes, 60ms).starts_with("HTTP/1.1 408 "));
        }
        SUBCASE("a body that never comes") {
            CHECK(
                talk(ca, server.port, {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\na"})
                    .starts_with("HTTP/1.1 408 ")
            );
        }
        SUBCASE("nothing at all") {
            CHECK(talk(ca, server.port, {}).empty());
        }
        SUBCASE("smuggling") {
            auto all = talk(
                ca, server.port,
                {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: "
                 "chunked\r\n\r\n0\r\n\r\n" +
                 get_close}
            );
            CHECK(all.starts_with("HTTP/1.1 400 "));
            CHECK(all.find("/last") == std::string::npos);
        }
    }

    TEST_CASE("a body waits for 100 Continue when its client does") {
        TestCa ca;
        TestServer server(ca, only_http(echo));
        auto all = talk(
            ca, server.port,
            {"POST /c HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: "
             "100-continue\r\nContent-Length: 2\r\n\r\n",
             "ok"},
            20ms
        );
        CHECK(all.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
        CHECK(all.ends_with("POST /c ok"));
    }

    TEST_CASE("refusals are written by whoever the listener was told") {
        TestCa ca;
        auto handlers = only_http(echo);
        handlers.refusal = [](int status, std::string_view reason) {
            return HttpResponse(
                status, "application/problem+json", "{\"detail\":\"" + std::string(reason) + "\"}"
            );
        };
        TestServer server(ca, handlers);
        auto all = talk(ca, server.port, {"GET / HTTP/1.1\r\n\r\n"});
        CHECK(all.find("application/problem+json") != std::string::npos);
        CHECK(all.find("The Host field is missing.") != std::string::npos);
    }

    TEST_CASE("a stream is sent piece by piece and the connection goes on after it") {
        TestCa ca;
        auto handler = [](HttpRequest request) -> Task<HttpResponse> {
            HttpResponse response(200);
            if (request.path() != "/stream") co_return HttpResponse(200, "text/plain", "after");
            response.stream = [](BodyWriter& out) -> Task<> {
                for (int i = 0; i < 3; ++i) {
                    auto piece = "event " + std::to_string(i) + "\n";
                    auto written = co_await out.write(piece);
                    CHECK(written);
                    co_await sleep_for(2ms);
                }
            };
            co_return response;
        };
        TestServer server(ca, only_http(handler));
        auto tls = TlsClientContext::make(Trust::authorities(ca.pem)).value();
        auto url =
            Url::parse("https://localhost:" + std::to_string(server.port) + "/stream").value();
        auto answer = http_request(tls, "GET", url, {}).value();
        CHECK(answer.headers.get("transfer-encoding") == "chunked");
        CHECK(answer.body == "event 0\nevent 1\nevent 2\n");
        auto old = talk(ca, server.port, {"GET /stream HTTP/1.0\r\n\r\n"});
        CHECK(old.ends_with("\r\n\r\nevent 0\nevent 1\nevent 2\n"));
        auto head = talk(ca, server.port, {"HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n" + get_close});
        CHECK(count(head, "event") == 0);
        CHECK(head.ends_with("after"));
    }

    TEST_CASE("a stream ends when its reader goes away, and when the listener stops") {
        TestCa ca;
        std::atomic<int> running = 0, ended = 0;
        auto handler = [&](HttpRequest) -> Task<HttpResponse> {
            HttpResponse response(200);
            response.stream = [&](BodyWriter& out) -> Task<> {
                struct Mark {
                    std::atomic<int>& count;
                    explicit Mark(std::atomic<int>& c) : count(c) {}
                    ~Mark() { ++count; }
                } mark(ended);
                auto written = co_await out.write("hello\n");
                ++running;
                co_await sleep_for(1h);
            };
            co_return response;
        };
        std::optional<TestServer> server;
        server.emplace(ca, only_http(handler));
        auto tls = TlsClientContext::make(Trust::authorities(ca.pem)).value();
        auto open = [&](bool leave) -> Task<> {
            auto connected = co_await connect_tls("localhost", server->port, "http/1.1", tls, 5s);
            auto& stream = *connected.value().stream;
            error_code ec;
            co_await stream.write_all("GET / HTTP/1.1\r\nHost: h\r\n\r\n", {}, ec);
            char some[1024];
            co_await stream.read_some(some, sizeof some, ec);
            if (leave) co_return;
            server.reset(); // stops the listener and waits for it
            CHECK(ended == 2);
        };
        run(open(true));
        for (int i = 0; i < 500 && ended < 1; ++i) std::this_thread::sleep_for(10ms);
        CHECK(ended == 1);
        run(open(false));
    }

    TEST_CASE("a reader that does not read holds the writer back, and is cut off after the limit") {
        TestCa ca;
        std::atomic<std::size_t> written_bytes = 0;
        std::atomic<bool> failed = false;
        auto handler = [&](HttpRequest) -> Task<HttpResponse> {
            HttpResponse response(200);
            response.stream = [&](BodyWriter& out) -> Task<> {
                std::string piece(100'000, 'x');
                for (;;) {
                    auto written = co_await out.write(piece);
                    if (!written) {
                        failed = true;
                        co_return;
                    }
                    written_bytes += piece.size();
                }
            };
            co_return response;
        };
        TestServer server(ca, only_http(handler), [](ListenerOptions& options) {
            options.http.write_time = 1s;
        });
        auto tls = TlsClientContext::make(Trust::authorities(ca.pem)).value();
        auto open = [&]() -> Task<> {
            auto connected = co_await connect_tls("localhost", server.port, "http/1.1", tls, 5s);
            auto& stream = *connected.value().stream;
            error_code ec;
            co_await stream.write_all("GET / HTTP/1.1\r\nHost: h\r\n\r\n", {}, ec);
            for (int i = 0; i < 500 && !failed; ++i) co_await sleep_for(10ms);
        };
        run(open());
        CHECK(failed);
        CHECK(written_bytes < 32'000'000);
    }

    TEST_CASE("beyond the limit of connections, new ones are closed at once") {
        TestCa ca;
        TestServer server(ca, only_http(echo), [](ListenerOptions& options) {
            options.max_connections = 2;
        });
        auto tls = TlsClientContext::make(Trust::authorities(ca.pem)).value();
        auto open = [&]() -> Task<> {
            auto first = co_await connect_tls("localhost", server.port, "http/1.1", tls, 5s);
            auto second = co_await connect_tls("localhost", server.port, "http/1.1", tls, 5s);
            CHECK(first);
            CHECK(second);
            auto third = co_await connect_tls("localhost", server.port, "http/1.1", tls, 5s);
            CHECK(!third);
            first.value().stream->close();
            for (int i = 0; i < 200; ++i) {
                third = co_await connect_tls("localhost", server.port, "http/1.1", tls, 5s);
                if (third) break;
                co_await sleep_for(10ms);
            }
            CHECK(third);
        };
        run(open());
    }

    TEST_CASE("beyond the limit of one address, its new connections are closed at once") {
        TestCa ca;
        TestServer server(ca, only_http(echo), [](ListenerOptions& options) {
            options.max_per_address = 2;
        });
        auto tls = TlsClientContext::make(Trust::authorities(ca.pem)).value();
        auto open = [&]() -> Task<> {
            auto first = co_await connect_tls("127.0.0.1", server.port, "http/1.1", tls, 5s);
            auto second = co_await connect_tls("127.0.0.1", server.port, "http/1.1", tls, 5s);
            CHECK(first);
            CHECK(second);
            for (int i = 0; i < 3; ++i) {
                auto more = co_await connect_tls("127.0.0.1", server.port, "http/1.1", tls, 5s);
                CHECK(!more);
            }
            first.value().stream->close();
            bool again = false;
            for (int i = 0; i < 200 && !again; ++i) {
                auto more = co_await connect_tls("127.0.0.1", server.port, "http/1.1", tls, 5s);
                again = more.has_value();
                if (!again) co_await sleep_for(10ms);
            }
            CHECK(again);
        };
        run(open());
    }

    TEST_CASE("who speaks plain HTTP is sent to HTTPS, everything else is told so") {
        TestCa ca;
        TestServer server(ca, only_http(echo));
        auto moved = plain_talk(server.port, "GET /a?b HTTP/1.1\r\nHost: example.org:99\r\n\r\n");
        CHECK(moved.starts_with("HTTP/1.1 308 "));
        CHECK(moved.find("location: https://example.org:99/a?b\r\n") != std::string::npos);
        CHECK(plain_talk(server.port, "POST / HTTP/1.1\r\nHost: h\r\n\r\n")
                  .starts_with("HTTP/1.1 400 "));
        CHECK(plain_talk(server.port, "GET //evil HTTP/1.1\r\nHost: h\r\n\r\n")
                  .starts_with("HTTP/1.1 400 "));
        CHECK(plain_talk(server.port, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n")
                  .starts_with("HTTP/1.1 400 "));
        CHECK(plain_talk(server.port, "\x80\x01garbage").starts_with("HTTP/1.1 400 "));
    }

    TEST_CASE("a connection for another name is handed over as bytes, and others are not") {
        TestCa ca;
        auto handlers = only_http(echo);
        handlers.elsewhere = [](const PeerInfo& peer) { return peer.server_name == "localhost"; };
        std::string seen;
        bool late = false;
        handlers.wire = [&](Wire& wire) -> Task<> {
            char some[100];
            auto got = co_await wire.read_some(some, sizeof some, 5s);
            if (got) seen.assign(some, *got);
            auto written = co_await wire.write("<", seen, 5s);
            auto more = co_await wire.read_some(some, sizeof some, 100ms);
            late = written && !more && more.error().kind() == Errc::timeout;
            written = co_await wire.write(">", {}, 5s);
            co_await wire.finish();
        };
        TestServer server(ca, std::move(handlers));
        CHECK(talk(ca, server.port, {"no HTTP at all"}) == "<no HTTP at all>");
        CHECK(seen == "no HTTP at all");
        CHECK(late);
        auto tls = TlsClientContext::make(Trust::authorities(ca.pem)).value();
        auto url = Url::parse("https://127.0.0.1:" + std::to_string(server.port) + "/x").value();
        auto answer = http_request(tls, "GET", url, "");
        REQUIRE(answer);
        CHECK(answer->body == "GET /x ");
    }

    TEST_CASE("what is broken off is no end for its peer") {
        TestCa ca;
        auto handlers = only_http(echo);
        handlers.elsewhere = [](const PeerInfo&) { return true; };
        handlers.wire = [](Wire& wire) -> Task<> {
            auto written = co_await wire.write("half", {}, 5s);
            CHECK(written);
            char some[1];
            auto got = co_await wire.read_some(some, sizeof some, 5s); // it has come
            CHECK(got);
            wire.abort();
            written = co_await wire.write("more", {}, 5s);
            CHECK(!written);
        };
        TestServer server(ca, std::move(handlers));
        auto tls = TlsClientContext::make(Trust::authorities(ca.pem)).value();
        auto body = [&]() -> Task<> {
            auto connected = co_await connect_tls("localhost", server.port, "http/1.1", tls, 5s);
            auto& stream = *connected.value().stream;
            stream.set_deadline(10s);
            char some[100];
            error_code ec;
            auto size = co_await stream.read_some(some, sizeof some, ec);
            CHECK(std::string(some, size) == "half");
            co_await stream.write_all("x", {}, ec);
            size = co_await stream.read_some(some, sizeof some, ec);
            CHECK(size == 0);
            CHECK(ec == asio::error::connection_reset);
            stream.close();
        };
        run(body());
    }

    TEST_CASE("who never says anything is closed after the handshake's time") {
        TestCa ca;
        TestServer server(ca, only_http(echo), [](ListenerOptions& options) {
            options.handshake_time = 1s;
        });
        auto started = std::chrono::steady_clock::now();
        CHECK(plain_talk(server.port, "").empty());
        CHECK(std::chrono::steady_clock::now() - started < 5s);
        CHECK(plain_talk(server.port, "\x16\x03\x01").size() < 20);
    }
}
