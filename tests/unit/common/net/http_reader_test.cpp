#include "common/net/http_reader.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace fairlead::net;
using State = HttpReader::State;

namespace {

HttpLimits small_limits() {
    HttpLimits limits;
    limits.header_bytes = 1024;
    limits.target_bytes = 256;
    limits.header_count = 20;
    limits.body_bytes = 4096;
    return limits;
}

/// Feeds everything in pieces of the given sizes (the last one repeats) until the first request is
/// done or refused.
std::size_t
feed(HttpReader& reader, std::string_view bytes, const std::vector<std::size_t>& sizes) {
    std::size_t at = 0, turn = 0;
    while (at < bytes.size() && reader.state() != State::done && reader.state() != State::refused) {
        auto size = std::min(sizes[std::min(turn++, sizes.size() - 1)], bytes.size() - at);
        auto piece = bytes.substr(at, size);
        while (!piece.empty() && reader.state() != State::done && reader.state() != State::refused
        ) {
            // A copy of exactly this size, so that the sanitizer sees reads beyond it.
            std::vector<char> exact(piece.begin(), piece.end());
            auto used = reader.feed({exact.data(), exact.size()});
            REQUIRE(used <= piece.size());
            at += used;
            piece.remove_prefix(used);
        }
    }
    return at;
}

int status_of(std::string_view bytes) {
    int status = -1;
    for (std::size_t size : {std::size_t(1), std::size_t(7), bytes.size()}) {
        HttpReader reader(small_limits());
        feed(reader, bytes, {size});
        int now = reader.state() == State::refused ? reader.problem().status
                  : reader.state() == State::done  ? 200
                                                   : 0;
        CAPTURE(size);
        if (status != -1) CHECK(now == status);
        status = now;
    }
    return status;
}

const std::string with_body = "POST /api/v1/x?y=1 HTTP/1.1\r\nHost: "
                              "Example.org:8443\r\nContent-Length: 11\r\nX-A: b\r\n\r\nhello world";
const std::string chunked =
    "POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5\r\nhello\r\n1;ext=1\r\n \r\n05\r\nworld\r\n0\r\nTrailer: x\r\nAuthorization: nobody\r\n\r\n";

} // namespace

TEST_SUITE("common/net/http_reader") {

    TEST_CASE("a request is the same however its bytes are cut") {
        for (const auto& text : {with_body, chunked}) {
            for (std::size_t cut = 1; cut < text.size(); ++cut) {
                CAPTURE(cut);
                HttpReader reader(small_limits());
                REQUIRE(feed(reader, text, {cut, text.size()}) == text.size());
                REQUIRE(reader.state() == State::done);
                auto request = reader.take();
                CHECK(request.method == "POST");
                CHECK(request.body == "hello world");
                CHECK(reader.state() == State::idle);
                CHECK(!request.headers.get("authorization"));
            }
        }
    }

    TEST_CASE("parts of a request are told apart") {
        HttpReader reader(small_limits());
        feed(reader, with_body, {with_body.size()});
        auto request = reader.take();
        CHECK(request.path() == "/api/v1/x");
        CHECK(request.query() == "y=1");
        CHECK(request.host == "example.org");
        CHECK(request.headers.get("x-a") == "b");
        CHECK(request.headers.get("host") == "Example.org:8443");
        CHECK(!request.wants_websocket);
    }

    TEST_CASE("pipelined requests come out one by one, at any cut") {
        auto text = with_body + chunked + "GET / HTTP/1.1\r\nHost: h\r\n\r\n" + with_body;
        for (std::size_t cut = 1; cut < text.size(); cut += 3) {
            HttpReader reader(small_limits());
            std::string methods;
            std::string_view rest = text;
            while (!rest.empty()) {
                auto piece = rest.substr(0, cut);
                auto used = reader.feed(piece);
                rest.remove_prefix(used);
                REQUIRE(reader.state() != State::refused);
                if (reader.state() == State::done) methods += reader.take().method + " ";
            }
            CHECK(methods == "POST POST GET POST ");
        }
    }

    TEST_CASE("random chunkings of random bodies arrive whole") {
        std::mt19937 random(7);
        for (int round = 0; round < 300; ++round) {
            std::string body(random() % 3000, '\0');
            for (auto& c : body) c = static_cast<char>(random());
            std::string text = "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n";
            for (std::size_t at = 0; at < body.size();) {
                auto size = std::min<std::size_t>(1 + random() % 400, body.size() - at);
                char line[32];
                std::snprintf(
                    line, sizeof line, random() % 2 ? "%zX\r\n" : "00%zx;a=\"b\"\r\n", size
                );
                text += line + body.substr(at, size) + "\r\n";
                at += size;
            }
            text += "0\r\n\r\n";
            HttpReader reader(small_limits());
            std::vector<std::size_t> sizes(200);
            for (auto& size : sizes) size = 1 + random() % 60;
            REQUIRE(feed(reader, text, sizes) == text.size());
            REQUIRE(reader.state() == State::done);
            CHECK(reader.take().body == body);
        }
    }

    TEST_CASE("shapes that let requests be smuggled are refused, at any cut") {
        struct Row {
            const char* name;
            std::string text;
            int status;
        };
        const std::string get = "GET / HTTP/1.1\r\n";
        const std::string post = "POST / HTTP/1.1\r\nHost: h\r\n";
        const std::string end = "\r\n\r\n";
        const std::vector<Row> rows = {
            {"both lengths",
             post + "Content-Length: 3\r\nTransfer-Encoding: chunked" + end + "0\r\n\r\n", 400},
            {"both lengths, other order",
             post + "Transfer-Encoding: chunked\r\nContent-Length: 3" + end + "0\r\n\r\n", 400},
            {"two lengths", post + "Content-Length: 3\r\nContent-Length: 4" + end + "abcd", 400},
            {"the same length twice", post + "Content-Length: 3\r\nContent-Length: 3" + end + "abc",
             400},
            {"a list of lengths", post + "Content-Length: 3, 3" + end + "abc", 400},
            {"negative length", post + "Content-Length: -1" + end, 400},
            {"signed length", post + "Content-Length: +3" + end + "abc", 400},
            {"hex length", post + "Content-Length: 0x3" + end + "abc", 400},
            {"empty length", post + "Content-Length: " + end, 400},
            {"huge length", post + "Content-Length: 99999999999999999999" + end, 400},
            {"length beyond the limit", post + "Content-Length: 4097" + end, 413},
            {"unknown coding", post + "Transfer-Encoding: gzip" + end, 501},
            {"chunked and more", post + "Transfer-Encoding: gzip, chunked" + end + "0\r\n\r\n",
             501},
            {"chunked not last", post + "Transfer-Encoding: chunked, identity" + end, 501},
            {"chunked twice",
             post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked" + end + "0\r\n\r\n",
             400},
            {"disguised chunked", post + "Transfer-Encoding: xchunked" + end, 501},
            {"chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked" + end + "0\r\n\r\n",
             400},
            {"folded line", get + "Host: h\r\nX: a\r\n b" + end, 400},
            {"folded length", post + "Content-Length:\r\n 3" + end + "abc", 400},
            {"space before colon", get + "Host: h\r\nX : a" + end, 400},
            {"space before the name", get + " Host: h" + end, 400},
            {"bare line feeds", "GET / HTTP/1.1\nHost: h\n\n", 400},
            {"bare line feed in a value", get + "Host: h\r\nX: a\nY: b" + end, 400},
            {"bare carriage return", get + "Host: h\r\nX: a\rY: b" + end, 400},
            {"zero byte", get + "Host: h\r\nX: a" + std::string(1, '\0') + "b" + end, 400},
            {"no host", get + "X: a" + end, 400},
            {"two hosts", get + "Host: a\r\nHost: b" + end, 400},
            {"the same host twice", get + "Host: a\r\nHost: a" + end, 400},
            {"host with a path", get + "Host: a/b" + end, 400},
            {"host with a user", get + "Host: a@b" + end, 400},
            {"host with a space", get + "Host: a b" + end, 400},
            {"relative target", "GET x HTTP/1.1\r\nHost: h" + end, 400},
            {"other scheme", "GET ftp://h/x HTTP/1.1\r\nHost: h" + end, 400},
            {"connect", "CONNECT h:443 HTTP/1.1\r\nHost: h" + end, 400},
            {"two spaces", "GET  / HTTP/1.1\r\nHost: h" + end, 400},
            {"version 0.9", "GET /\r\n\r\n", 400},
            {"version 2", "GET / HTTP/2.0\r\nHost: h" + end, 505},
            {"bad method", "G(T / HTTP/1.1\r\nHost: h" + end, 400},
            {"no colon", get + "Host: h\r\nfoo" + end, 400},
            {"empty name", get + "Host: h\r\n: a" + end, 400},
            {"chunk size not hex", post + "Transfer-Encoding: chunked" + end + "zz\r\n", 400},
            {"chunk size empty", post + "Transfer-Encoding: chunked" + end + "\r\n0\r\n\r\n", 400},
            {"chunk size overflow",
             post + "Transfer-Encoding: chunked" + end + "fffffffffffffffff\r\n", 400},
            {"chunk beyond the limit", post + "Transfer-Encoding: chunked" + end + "1001\r\n", 413},
            {"chunk without its line break",
             post + "Transfer-Encoding: chunked" + end + "3\r\nabcX0\r\n\r\n", 400},
            {"unknown expectation", post + "Content-Length: 1\r\nExpect: miracles" + end + "a",
             417},
            {"long target", "GET /" + std::string(300, 'a') + " HTTP/1.1\r\nHost: h" + end, 414},
            {"endless target", "GET /" + std::string(3000, 'a'), 414},
            {"many fields",
             get + "Host: h\r\n" +
                 [] {
                     std::string many;
                     for (int i = 0; i < 30; ++i) many += "a: b\r\n";
                     return many;
                 }() +
                 "\r\n",
             431},
            {"large field", get + "Host: h\r\nX: " + std::string(2000, 'a') + end, 431},
            {"endless field", get + "Host: h\r\nX: " + std::string(9000, 'a'), 431},
        };
        for (const auto& row : rows) {
            CAPTURE(row.name);
            CHECK(status_of(row.text) == row.status);
        }
    }

    TEST_CASE("what is unusual but right is taken") {
        struct Row {
            const char* name;
            std::string text;
            const char* target;
            const char* host;
        };
        const std::vector<Row> rows = {
            {"line breaks before", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "/", "h"},
            {"absolute form", "GET http://Other.org:80/a?b HTTP/1.1\r\nHost: h\r\n\r\n", "/a?b",
             "other.org"},
            {"absolute form without a path", "GET https://other.org HTTP/1.1\r\nHost: h\r\n\r\n",
             "/", "other.org"},
            {"absolute form with only a query",
             "GET https://other.org?q HTTP/1.1\r\nHost: h\r\n\r\n", "/?q", "other.org"},
            {"options of the server", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "*", "h"},
            {"IPv6 host", "GET / HTTP/1.1\r\nHost: [2001:DB8::1]:8443\r\n\r\n", "/",
             "[2001:db8::1]"},
            {"HTTP/1.0 without a host", "GET / HTTP/1.0\r\n\r\n", "/", ""},
            {"tabs around a value", "GET / HTTP/1.1\r\nHost:\t h \t\r\n\r\n", "/", "h"},
        };
        for (const auto& row : rows) {
            CAPTURE(row.name);
            CHECK(status_of(row.text) == 200);
            HttpReader reader(small_limits());
            feed(reader, row.text, {row.text.size()});
            REQUIRE(reader.state() == State::done);
            auto request = reader.take();
            CHECK(request.target == row.target);
            CHECK(request.host == row.host);
        }
    }

    TEST_CASE("keeping the connection follows version and header") {
        auto keeps = [](const std::string& text) {
            HttpReader reader(small_limits());
            feed(reader, text, {text.size()});
            return reader.keep_alive();
        };
        CHECK(keeps("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
        CHECK(!keeps("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
        CHECK(!keeps("GET / HTTP/1.0\r\n\r\n"));
        CHECK(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    }

    TEST_CASE("a WebSocket is wanted only when every part of the request says so") {
        const std::string whole =
            "GET /link HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: "
            "websocket\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        auto wants = [](const std::string& text) {
            HttpReader reader(small_limits());
            feed(reader, text, {text.size()});
            REQUIRE(reader.state() == State::done);
            return reader.take().wants_websocket;
        };
        CHECK(wants(whole));
        for (auto part :
             {"Connection", "Upgrade: ", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "GET"}) {
            auto text = whole;
            text.replace(
                text.find(part), std::strlen(part), std::string(part) == "GET" ? "PUT" : "X-Other: "
            );
            CAPTURE(part);
            CHECK(!wants(text));
        }
    }

    TEST_CASE("a client that waits for 100 Continue is known once, and only when there is a body") {
        HttpReader reader(small_limits());
        std::string head =
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
        feed(reader, head, {head.size()});
        CHECK(reader.state() == State::body);
        CHECK(reader.expects_continue());
        CHECK(!reader.expects_continue());
        feed(reader, "ab", {2});
        CHECK(reader.take().body == "ab");
    }

    TEST_CASE("a body can be taken in pieces, which then count no more for its limit") {
        auto limits = small_limits();
        HttpReader reader(limits);
        std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
        feed(reader, head, {head.size()});
        REQUIRE(reader.state() == State::body);
        std::string piece = "1\r\na\r\n";
        std::string got;
        for (int i = 0; i < 3; ++i) {
            feed(reader, piece, {piece.size()});
            got += reader.take_body();
        }
        CHECK(got == "aaa");
        feed(reader, "0\r\n\r\n", {5});
        CHECK(reader.state() == State::done);
        CHECK(reader.take().body == "");
    }

    TEST_CASE("random noise never gets a request through, nor the reader out of step") {
        std::mt19937 random(11);
        const std::string seed = with_body + chunked;
        for (int round = 0; round < 3000; ++round) {
            auto text = seed;
            for (unsigned i = 0; i < 1 + random() % 4; ++i)
                text[random() % text.size()] = static_cast<char>(random());
            HttpReader reader(small_limits());
            std::string_view rest = text;
            for (int steps = 0; !rest.empty() && steps < 10'000; ++steps) {
                std::vector<char> exact(
                    rest.begin(),
                    rest.begin() +
                        static_cast<long>(std::min<std::size_t>(rest.size(), 1 + random() % 50))
                );
                auto used = reader.feed({exact.data(), exact.size()});
                REQUIRE(used <= exact.size());
                rest.remove_prefix(used);
                if (reader.state() == State::refused) break;
                if (reader.state() == State::done) CHECK(reader.take().body.size() <= 4096);
            }
        }
    }
}
