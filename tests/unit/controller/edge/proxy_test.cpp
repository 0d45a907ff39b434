#include "stand.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::edge;

TEST_SUITE("controller/edge/proxy") {

    TEST_CASE("a request reaches the environment's port and its answer comes back [S-TUN-04]") {
        std::string seen;
        Stand stand(answers(ok("hello", "Server: odoo\r\nConnection: keep-alive\r\n"), &seen));
        auto answer = stand.talk(get);
        CHECK(
            answer == "HTTP/1.1 200 OK\r\nserver: odoo\r\ncontent-length: 5\r\nconnection: "
                      "close\r\n\r\nhello"
        );
        CHECK(seen.starts_with("GET / HTTP/1.1\r\nhost: shop.example\r\nx-forwarded-for: "));
        CHECK(stand.opened == std::vector<std::uint16_t>{8069});
    }

    TEST_CASE("a name that is nobody's is answered with 421, and one that was taken away with 404"
    ) {
        Stand stand(answers(ok("hello")));
        auto unknown = stand.talk("GET / HTTP/1.1\r\nHost: other.example\r\n\r\n", "other.example");
        CHECK(unknown.starts_with("HTTP/1.1 421 "));
        auto body = [&]() -> Task<> {
            auto wire = std::make_shared<PlayedWire>(stand.io.get_executor(), "shop.example");
            std::function<Task<>(PlayedWire&)> client = [&](PlayedWire& one) -> Task<> {
                one.send(get_and_stay);
                auto first = [](const std::string& text) { return ends(text, "hello"); };
                co_await one.until(first);
                while (!one.may_cut) co_await sleep_for(1ms); // for the next request
                stand.edge.use(std::make_shared<const Table>());
                one.out.clear();
                one.send(get_and_stay);
                auto second = [](const std::string& text) { return !text.empty(); };
                co_await one.until(second);
                CHECK(one.out.starts_with("HTTP/1.1 404 "));
            };
            co_await stand.connection(wire, client);
        };
        stand.run(body);
        CHECK(stand.opened.size() == 1);
    }

    TEST_CASE("a name that leads elsewhere once its stream is open gets no answer of the site") {
        std::string seen;
        Stand stand(answers(ok("hello"), &seen));
        auto table = std::make_shared<Table>();
        std::string status = "404";
        SUBCASE("nowhere") {}
        SUBCASE("to another environment") {
            table->add("shop.example", Stand::route("env_other"));
            status = "503";
        }
        stand.opens = [&]() -> Task<> {
            co_await sleep_for(1ms);
            stand.edge.use(table);
        };
        CHECK(stand.talk(get).starts_with("HTTP/1.1 " + status + " "));
        CHECK(seen == "");
        CHECK(stand.near.open_streams() == 0);
    }

    TEST_CASE("behind a proxy nobody is served who does not come through it, and it says who asks"
    ) {
        std::string seen;
        Stand stand(answers(ok("hello"), &seen));
        const std::string from_there =
            "GET / HTTP/1.1\r\nHost: shop.example\r\nCF-Connecting-IP: 198.51.100.4\r\n"
            "Connection: close\r\n\r\n";
        // Without one before the edge, a client's word counts for nothing.
        CHECK(ends(stand.talk(from_there), "hello"));
        CHECK(count(seen, "x-forwarded-for: 203.0.113.7\r\n") == 1);
        CHECK(count(seen, "198.51.100.4") == 0);
        stand.edge.stand_behind("cf-connecting-ip");
        CHECK(stand.talk(from_there).starts_with("HTTP/1.1 403 "));
        CHECK(stand.talk("GET / HTTP/1.1\r\nHost: other.example\r\n\r\n", "other.example")
                  .starts_with("HTTP/1.1 421 "));
        seen.clear();
        stand.certificate.emplace();
        CHECK(ends(stand.talk(from_there), "hello"));
        CHECK(count(seen, "x-forwarded-for: 198.51.100.4\r\n") == 1);
        CHECK(count(seen, "cf-connecting-ip") == 0);
        CHECK(stand.opened.size() == 2);
    }

    TEST_CASE("a request in flight ends when its name leads elsewhere") {
        auto silent = [](stream::Stream stream) -> Task<> { co_await read_until(stream, "never"); };
        Stand stand(silent);
        auto body = [&]() -> Task<> {
            auto wire = std::make_shared<PlayedWire>(stand.io.get_executor(), "shop.example");
            std::function<Task<>(PlayedWire&)> client = [&](PlayedWire& one) -> Task<> {
                one.send(get);
                while (stand.far.open_streams() == 0) co_await sleep_for(1ms);
                auto moved = std::make_shared<Table>();
                moved->add("shop.example", Stand::route("env_other"));
                stand.edge.use(moved);
                auto never = [](const std::string&) { return false; };
                co_await one.until(never);
                CHECK(one.aborted);
                CHECK(one.out == "");
            };
            co_await stand.connection(wire, client);
        };
        stand.run(body);
    }

    TEST_CASE("bodies of either framing arrive as they were sent, and answers of each") {
        std::string body(300'000, 'x');
        for (std::size_t i = 0; i < body.size(); i += 100)
            body[i] = static_cast<char>('a' + i % 26);
        body.replace(body.size() - 3, 3, "END"); // once in it
        bool chunked = false, chunked_back = false;
        SUBCASE("counted") {}
        SUBCASE("chunked") {
            chunked = true;
        }
        SUBCASE("chunked answer") {
            chunked_back = true;
        }
        std::string got;
        auto site = [&](stream::Stream stream) -> Task<> {
            auto end = chunked ? std::string("\r\n0\r\n\r\n") : std::string("END");
            got = co_await read_until(stream, end);
            std::string answer = ok(body);
            if (chunked_back)
                answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n" +
                         std::string("493dd;x=y\r\n") + body.substr(3) + "\r\n0\r\nX-T: 1\r\n\r\n";
            auto written = co_await stream.write(answer);
            CHECK(written);
            co_await read_until(stream, "never");
        };
        Stand stand(site);
        std::string request = "POST / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n";
        if (chunked)
            request += "Transfer-Encoding: chunked\r\n\r\n493e0\r\n" + body + "\r\n0\r\n\r\n";
        else
            request += "Content-Length: 300000\r\n\r\n" + body;
        auto answer = stand.talk(request);
        CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
        if (chunked_back) {
            CHECK(answer.find("abc") != std::string::npos);
            CHECK(answer.find("x=y") == std::string::npos);
            CHECK(answer.find("X-T") == std::string::npos);
            CHECK(answer.ends_with("\r\n0\r\n\r\n"));
        } else {
            CHECK(answer.ends_with(body));
            CHECK(answer.find("content-length: 300000\r\n") != std::string::npos);
        }
        std::string arrived;
        auto rest = got.substr(got.find("\r\n\r\n") + 4);
        if (!chunked) {
            arrived = rest;
        } else {
            for (std::size_t at = 0;;) {
                auto line = rest.find("\r\n", at);
                auto size = std::stoul(rest.substr(at, line - at), nullptr, 16);
                if (size == 0) break;
                arrived += rest.substr(line + 2, size);
                at = line + 2 + size + 2;
            }
        }
        CHECK(arrived == body);
    }

    TEST_CASE("a body that comes in one piece with its head arrives") {
        std::string got;
        auto site = [&](stream::Stream stream) -> Task<> {
            got = co_await read_until(stream, "hello");
            auto written = co_await stream.write(ok("taken"));
            CHECK(written);
            co_await read_until(stream, "never");
        };
        Stand stand(site);
        auto answer = stand.talk("POST / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n"
                                 "Content-Length: 5\r\n\r\nhello");
        CHECK(got.ends_with("\r\n\r\nhello"));
        CHECK(answer.ends_with("taken"));
    }

    TEST_CASE("one stream serves the requests of a connection that are safe to repeat") {
        int streams = 0;
        auto site = [&](stream::Stream stream) -> Task<> {
            ++streams;
            for (;;) {
                auto request = co_await read_until(stream, "\r\n\r\n");
                if (request.empty()) co_return;
                auto written = co_await stream.write(ok("hello"));
                if (!written) co_return;
            }
        };
        Stand stand(site);
        auto post = "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\n\r\n";
        auto answer = stand.talk(get_and_stay + get_and_stay + post + get);
        CHECK(count(answer, "HTTP/1.1 200 OK") == 4);
        CHECK(streams == 2); // the POST has its own, which then serves the last
    }

    TEST_CASE("a kept stream that the site closes with the next request in flight costs nothing") {
        int streams = 0;
        auto site = [&](stream::Stream stream) -> Task<> {
            ++streams;
            auto request = co_await read_until(stream, "\r\n\r\n");
            auto written = co_await stream.write(ok("hello"));
            CHECK(written);
            if (streams > 1) {
                co_await read_until(stream, "never");
                co_return;
            }
            request = co_await read_until(stream, "\r\n\r\n"); // reads it, and goes away
            stream.reset(102, "closed");
        };
        Stand stand(site);
        auto answer = stand.talk(get_and_stay + get);
        CHECK(count(answer, "HTTP/1.1 200 OK") == 2);
        CHECK(streams == 2);
    }

    TEST_CASE("each way in which a site gives no answer has its page") {
        struct Row {
            const char* name;
            std::string failure; // of opening
            std::string answer;
            std::string status;
        };
        const Row rows[] = {
            {"the server is offline", "server_offline", "", "503"},
            {"the server is full", "too_many_streams", "", "503"},
            {"the agent is too old", "agent_too_old", "", "502"},
            {"no HTTP", "", "SSH-2.0-OpenSSH\r\n\r\n", "502"},
            {"nothing at all", "", "", "502"},
            {"half a head", "", "HTTP/1.1 200 OK\r\nContent-", "502"},
            {"two lengths", "",
             "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "502"},
            {"length and coding", "",
             "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
             "502"},
            {"a coding that nobody knows", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
             "502"},
            {"a bad chunk", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
             "502"},
            {"a Connection of commas", "",
             "HTTP/1.1 200 OK\r\nConnection: " + std::string(20'000, ',') + "\r\n\r\n", "502"},
            {"a folded line", "", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "502"},
            {"a bare line feed", "", "HTTP/1.1 200 OK\nA: b\r\n\r\n", "502"},
            {"an upgrade that nobody asked for", "", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
             "502"},
            {"interim answers for ever", "",
             [] {
                 std::string all;
                 for (int i = 0; i < 20; ++i) all += "HTTP/1.1 102 Processing\r\n\r\n";
                 return all;
             }(),
             "502"},
            {"a head of 40 KiB", "",
             "HTTP/1.1 200 OK\r\nA: " + std::string(40960, 'a') + "\r\n\r\n", "502"}};
        for (const auto& row : rows) {
            CAPTURE(row.name);
            Stand stand(answers(row.answer));
            stand.failure = row.failure;
            auto answer = stand.talk(get);
            CHECK(answer.starts_with("HTTP/1.1 " + row.status + " "));
            CHECK(stand.last->finished);
            CHECK(stand.near.open_streams() == 0);
        }
    }

    TEST_CASE("an answer that breaks off ends the client's connection as broken, never as whole") {
        struct Row {
            const char* name;
            std::string answer;
        };
        for (const auto& row :
             {Row{"counted", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"},
              Row{"chunked",
                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}}) {
            CAPTURE(row.name);
            Stand stand(answers(row.answer));
            auto answer = stand.talk(get);
            CHECK(answer.find("hello") != std::string::npos);
            CHECK(answer.find("0\r\n\r\n") == std::string::npos);
            CHECK(stand.last->aborted);
        }
        // Without a length the end of the stream is the end, but a reset is none.
        auto site = [](stream::Stream stream) -> Task<> {
            auto request = co_await read_until(stream, "\r\n\r\n");
            auto written = co_await stream.write("HTTP/1.1 200 OK\r\n\r\nhello");
            CHECK(written);
            while (stream.quiet()) {
                co_await sleep_for(1ms);
                stream.reset(102, "broken");
            }
        };
        Stand stand(site);
        auto answer = stand.talk(get);
        CHECK(answer.find("\r\n0\r\n\r\n") == std::string::npos);
        CHECK((stand.last->aborted || answer.starts_with("HTTP/1.1 502 ")));
    }

    TEST_CASE(
        "an answer without a length is chunked for HTTP/1.1 and ends with the connection before"
    ) {
        Stand stand(answers("HTTP/1.0 200 OK\r\n\r\nhello"));
        CHECK(
            stand.talk(get) == "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: "
                               "close\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        );
        CHECK(
            stand.talk("GET / HTTP/1.0\r\nHost: shop.example\r\nConnection: keep-alive\r\n\r\n") ==
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello"
        );
    }

    TEST_CASE("answers to HEAD, 204 and 304 have no body, whatever they say of its length") {
        Stand stand(answers("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"));
        auto head =
            stand.talk("HEAD / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
        CHECK(head == "HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\n");
        Stand cached(answers("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n"));
        CHECK(
            cached.talk(get) ==
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\nconnection: close\r\n\r\n"
        );
        Stand empty(answers("HTTP/1.1 204 No Content\r\n\r\n"));
        CHECK(empty.talk(get) == "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
    }

    TEST_CASE("who expects 100 gets it once the site is there, and the site's own are dropped") {
        std::string seen;
        auto site = [&](stream::Stream stream) -> Task<> {
            seen = co_await read_until(stream, "hello");
            auto written = co_await stream.write(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" +
                ok("done")
            );
            CHECK(written);
            co_await read_until(stream, "never");
        };
        Stand stand(site);
        const std::string head = "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: "
                                 "5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
        auto body = [&]() -> Task<> {
            auto wire = std::make_shared<PlayedWire>(stand.io.get_executor(), "shop.example");
            std::function<Task<>(PlayedWire&)> client = [&](PlayedWire& one) -> Task<> {
                one.send(head);
                auto asked = [](const std::string& text) { return !text.empty(); };
                co_await one.until(asked);
                CHECK(one.out == "HTTP/1.1 100 Continue\r\n\r\n");
                one.out.clear();
                one.send("hello");
                auto never = [](const std::string&) { return false; };
                co_await one.until(never);
                CHECK(
                    one.out ==
                    "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ndone"
                );
            };
            co_await stand.connection(wire, client);
        };
        stand.run(body);
        CHECK(seen.find("expect") == std::string::npos);
        CHECK(seen.ends_with("hello"));
        stand.failure = "server_offline";
        CHECK(stand.talk(head).starts_with("HTTP/1.1 503 "));
    }

    TEST_CASE("a client that goes away takes its request with it") {
        bool ended = false;
        std::string more;
        SUBCASE("without another word") {}
        SUBCASE("after a piece of the next request") {
            more = "GET /next";
        }
        auto site = [&](stream::Stream stream) -> Task<> {
            co_await read_until(stream, "never");
            ended = true;
        };
        Stand stand(site);
        auto body = [&]() -> Task<> {
            auto wire = std::make_shared<PlayedWire>(stand.io.get_executor(), "shop.example");
            std::function<Task<>(PlayedWire&)> client = [&](PlayedWire& one) -> Task<> {
                while (stand.far.open_streams() == 0) co_await sleep_for(1ms);
                one.send(more);
                co_await sleep_for(1ms); // so that it is read before the end
            };
            wire->send(get_and_stay);
            co_await stand.connection(wire, client);
            while (!ended) co_await sleep_for(1ms);
        };
        stand.run(body);
        CHECK(stand.last == nullptr);
        CHECK(stand.near.open_streams() == 0);
    }

    TEST_CASE("a connection may be cut off in the very turn in which one of its waits ends") {
        auto silent = [](stream::Stream stream) -> Task<> { co_await read_until(stream, "never"); };
        Stand stand(silent);
        auto body = [&]() -> Task<> {
            auto wire = std::make_shared<PlayedWire>(stand.io.get_executor(), "shop.example");
            wire->room = 0;
            wire->send("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5\r\n"
                       "Expect: 100-continue\r\n\r\n");
            TaskGroup serving(stand.io.get_executor());
            auto serve = [&]() -> Task<> { co_await stand.edge.serve(*wire); };
            serving.spawn(serve());
            while (stand.far.open_streams() == 0) co_await sleep_for(1ms);
            wire->take(1 << 30); // so that it may say "100"
            serving.cancel();
            co_await serving.join();
            CHECK(wire->out == "HTTP/1.1 100 Continue\r\n\r\n");
        };
        stand.run(body);
        CHECK(stand.near.open_streams() == 0);
    }

    TEST_CASE("a client that reads slowly holds back its own answer, and no more of it waits here"
    ) {
        std::size_t taken = 0;
        auto site = [&](stream::Stream stream) -> Task<> {
            auto request = co_await read_until(stream, "\r\n\r\n");
            std::string piece(64 * 1024, 'x');
            auto head =
                co_await stream.write("HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n");
            CHECK(head);
            for (int i = 0; i < 1024; ++i) {
                auto written = co_await stream.write(piece);
                if (!written) co_return;
                taken += piece.size();
            }
            co_await read_until(stream, "never");
        };
        Stand stand(site);
        auto body = [&]() -> Task<> {
            auto wire = std::make_shared<PlayedWire>(stand.io.get_executor(), "shop.example");
            wire->room = 100'000;
            std::function<Task<>(PlayedWire&)> client = [&](PlayedWire& one) -> Task<> {
                one.send(get);
                // Until nothing moves any more: the windows are full.
                for (std::size_t before = 1; before != taken;) {
                    before = taken;
                    co_await sleep_for(50ms);
                }
                CHECK(taken < 8u << 20);
                CHECK(one.out.size() <= 100'000);
                one.take(1 << 30);
                auto all = [](const std::string& text) { return text.size() > (64u << 20); };
                co_await one.until(all);
                CHECK(taken == 64u << 20);
            };
            co_await stand.connection(wire, client);
        };
        stand.run(body);
    }

    TEST_CASE("a listener that stops in the middle of an answer has the connection when that ends"
    ) {
        EdgeLimits limits;
        limits.http.idle_time = 1h;
        bool stopped = false;
        auto site = [&](stream::Stream stream) -> Task<> {
            auto request = co_await read_until(stream, "\r\n\r\n");
            auto written =
                co_await stream.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
            CHECK(written);
            while (!stopped) co_await sleep_for(1ms);
            written = co_await stream.write("world");
            CHECK(written);
            co_await read_until(stream, "never");
        };
        Stand stand(site, limits);
        auto body = [&]() -> Task<> {
            auto wire = std::make_shared<PlayedWire>(stand.io.get_executor(), "shop.example");
            std::function<Task<>(PlayedWire&)> client = [&](PlayedWire& one) -> Task<> {
                one.send(get_and_stay);
                auto half = [](const std::string& text) { return ends(text, "hello"); };
                co_await one.until(half);
                one.stops = stopped = true;
                auto never = [](const std::string&) { return false; };
                co_await one.until(never);
                CHECK(ends(one.out, "helloworld"));
                CHECK(!one.aborted);
            };
            co_await stand.connection(wire, client);
        };
        stand.run(body);
    }

    TEST_CASE("a listener that stops lets an answer end and takes no further request") {
        Stand stand(answers(ok("hello")));
        auto body = [&]() -> Task<> {
            auto wire = std::make_shared<PlayedWire>(stand.io.get_executor(), "shop.example");
            wire->stops = true;
            std::function<Task<>(PlayedWire&)> client = [&](PlayedWire& one) -> Task<> {
                one.send(get_and_stay + get_and_stay);
                auto never = [](const std::string&) { return false; };
                co_await one.until(never);
                CHECK(count(one.out, "HTTP/1.1 200 OK") == 1);
                CHECK(count(one.out, "connection: close") == 1);
            };
            co_await stand.connection(wire, client);
        };
        stand.run(body);
    }
}
