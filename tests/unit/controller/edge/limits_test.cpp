#include "stand.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::edge;

TEST_SUITE("controller/edge/limits") {

    TEST_CASE("each wait has its limit and its answer") {
        EdgeLimits limits;
        limits.http.header_time = 1s;
        limits.http.idle_time = 1s;
        limits.body_time = 100ms;
        limits.answer_time = 100ms;
        limits.stall_time = 100ms;
        limits.write_time = 100ms;
        auto silent = [](stream::Stream stream) -> Task<> { co_await read_until(stream, "never"); };
        SUBCASE("for the first byte") {
            Stand stand(silent, limits);
            CHECK(stand.talk("") == "");
        }
        SUBCASE("for the head") {
            Stand stand(silent, limits);
            CHECK(stand.talk("GET / HTTP/1.1\r\n").starts_with("HTTP/1.1 408 "));
        }
        SUBCASE("for the body") {
            limits.answer_time = 10s;
            Stand stand(silent, limits);
            auto answer =
                stand.talk("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5\r\n\r\nhel");
            CHECK(answer.starts_with("HTTP/1.1 408 "));
        }
        SUBCASE("for the answer") {
            Stand stand(silent, limits);
            CHECK(stand.talk(get).starts_with("HTTP/1.1 504 "));
        }
        SUBCASE("for the rest of the answer") {
            auto site = [](stream::Stream stream) -> Task<> {
                auto request = co_await read_until(stream, "\r\n\r\n");
                auto written =
                    co_await stream.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
                CHECK(written);
                co_await read_until(stream, "never");
            };
            Stand stand(site, limits);
            CHECK(stand.talk(get).ends_with("hello"));
            CHECK(stand.last->aborted);
        }
        SUBCASE("for the client to take it") {
            Stand stand(answers(ok("hello")), limits);
            auto body = [&]() -> Task<> {
                auto wire = std::make_shared<PlayedWire>(stand.io.get_executor(), "shop.example");
                wire->room = 10;
                std::function<Task<>(PlayedWire&)> client = [&](PlayedWire& one) -> Task<> {
                    one.send(get);
                    auto never = [](const std::string&) { return false; };
                    co_await one.until(never);
                    CHECK(one.out == "");
                };
                co_await stand.connection(wire, client);
            };
            stand.run(body);
        }
    }

    TEST_CASE("a body that takes longer than an answer may is no answer that is late") {
        EdgeLimits limits;
        limits.answer_time = 1500ms;
        auto site = [](stream::Stream stream) -> Task<> {
            co_await read_until(stream, "end");
            auto written = co_await stream.write(ok("hello"));
            CHECK(written);
            co_await read_until(stream, "never");
        };
        Stand stand(site, limits);
        auto body = [&]() -> Task<> {
            auto wire = std::make_shared<PlayedWire>(stand.io.get_executor(), "shop.example");
            std::function<Task<>(PlayedWire&)> client = [&](PlayedWire& one) -> Task<> {
                one.send("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 9\r\n\r\n");
                for (int i = 0; i < 6; ++i) {
                    co_await sleep_for(400ms);
                    one.send("a");
                }
                one.send("end");
                auto whole = [](const std::string& text) { return ends(text, "hello"); };
                co_await one.until(whole);
                CHECK(one.out.starts_with("HTTP/1.1 200 "));
            };
            co_await stand.connection(wire, client);
        };
        stand.run(body);
    }

    TEST_CASE("a download may take longer than all limits together, as long as it moves") {
        EdgeLimits limits;
        limits.answer_time = limits.stall_time = 300ms;
        auto site = [](stream::Stream stream) -> Task<> {
            auto request = co_await read_until(stream, "\r\n\r\n");
            auto head = co_await stream.write("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n");
            CHECK(head);
            for (int i = 0; i < 20; ++i) {
                co_await sleep_for(100ms);
                auto written = co_await stream.write("x");
                if (!written) co_return;
            }
            co_await read_until(stream, "never");
        };
        Stand stand(site, limits);
        auto answer = stand.talk(get);
        CHECK(ends(answer, std::string(20, 'x')));
        CHECK(!stand.last->aborted);
    }

    TEST_CASE("a site that takes nothing of a body is given up") {
        EdgeLimits limits;
        limits.answer_time = 100ms;
        bool speaks = false;
        SUBCASE("and says nothing") {}
        SUBCASE("though it said that it would answer") {
            speaks = true;
        }
        auto silent = [speaks](stream::Stream stream) -> Task<> {
            if (speaks) {
                auto written = co_await stream.write("HTTP/1.1 102 Processing\r\n\r\n");
                CHECK(written);
            }
            co_await sleep_for(1h);
        };
        Stand stand(silent, limits);
        auto answer = stand.talk(
            "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 9000000\r\n\r\n" +
            std::string(9'000'000, 'x')
        );
        CHECK(answer.starts_with("HTTP/1.1 504 "));
    }

    TEST_CASE("an environment and an organization have no more than their share") {
        EdgeLimits limits;
        std::string status;
        SUBCASE("connections of an environment") {
            limits.of_environment = 1;
            status = "503";
        }
        SUBCASE("connections of an organization") {
            limits.of_org = 1;
            status = "429";
        }
        SUBCASE("streams of an environment") {
            limits.streams_of_environment = 1;
            status = "429";
        }
        SUBCASE("streams of an organization") {
            limits.streams_of_org = 1;
            status = "429";
        }
        SUBCASE("connections of all") {
            limits.connections = 1;
            status = "503";
        }
        SUBCASE("connections of one address") {
            limits.of_address = 1;
            status = "429";
        }
        SUBCASE("connections of one address to an environment") {
            limits.of_environment = 2;
            status = "429";
        }
        SUBCASE("streams of one address to an environment") {
            limits.streams_of_environment = 2;
            status = "429";
        }
        auto silent = [](stream::Stream stream) -> Task<> { co_await read_until(stream, "never"); };
        Stand stand(silent, limits);
        auto body = [&]() -> Task<> {
            auto first = std::make_shared<PlayedWire>(stand.io.get_executor(), "shop.example");
            auto second = std::make_shared<PlayedWire>(stand.io.get_executor(), "shop.example");
            std::function<Task<>(PlayedWire&)> one_more = [&](PlayedWire& one) -> Task<> {
                one.send(get);
                auto never = [](const std::string&) { return false; };
                co_await one.until(never);
                CHECK(one.out.starts_with("HTTP/1.1 " + status + " "));
            };
            std::function<Task<>(PlayedWire&)> client = [&](PlayedWire& one) -> Task<> {
                one.send(get);
                while (stand.far.open_streams() == 0) co_await sleep_for(1ms);
                co_await stand.connection(second, one_more);
            };
            co_await stand.connection(first, client);
            // What was taken is given back: the next one is let in.
            auto third = std::make_shared<PlayedWire>(stand.io.get_executor(), "shop.example");
            std::function<Task<>(PlayedWire&)> again = [&](PlayedWire& one) -> Task<> {
                one.send(get);
                while (stand.opened.size() < 2) co_await sleep_for(1ms);
                CHECK(one.out == "");
            };
            co_await stand.connection(third, again);
        };
        stand.run(body);
    }

    TEST_CASE("another address has a place where one has all that it may") {
        bool network = false;
        SUBCASE("as connections come") {}
        SUBCASE("as a network before the edge says") {
            network = true;
        }
        EdgeLimits limits;
        limits.of_address = 1;
        limits.of_environment = 4;
        limits.streams_of_environment = 2;
        auto silent = [](stream::Stream stream) -> Task<> { co_await read_until(stream, "never"); };
        Stand stand(silent, limits);
        if (network) stand.edge.stand_behind("cf-connecting-ip");
        auto body = [&]() -> Task<> {
            auto wire_from = [&](std::string address) {
                auto wire = std::make_shared<PlayedWire>(
                    stand.io.get_executor(), "shop.example",
                    network ? "198.51.100.1" : std::move(address)
                );
                if (network) wire->show(net::PeerCertificate());
                return wire;
            };
            const std::string here = "2001:db8::1";
            const std::string neighbours = "2001:db8::2"; // of the same /64
            const std::string elsewhere = "2001:db8:0:1::1";
            auto first = wire_from(here);
            auto neighbour = wire_from(neighbours);
            auto other = wire_from(elsewhere);
            auto get_from = [](const std::string& address) {
                return "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n"
                       "CF-Connecting-IP: " +
                       address + "\r\n\r\n";
            };
            std::function<Task<>(PlayedWire&)> refused = [&](PlayedWire& one) -> Task<> {
                one.send(get_from(neighbours));
                auto never = [](const std::string&) { return false; };
                co_await one.until(never);
                CHECK(one.out.starts_with("HTTP/1.1 429 "));
            };
            std::function<Task<>(PlayedWire&)> served = [&](PlayedWire& one) -> Task<> {
                one.send(get_from(elsewhere));
                while (stand.far.open_streams() < 2) co_await sleep_for(1ms);
                CHECK(one.out == "");
            };
            std::function<Task<>(PlayedWire&)> client = [&](PlayedWire& one) -> Task<> {
                one.send(get_from(here));
                while (stand.far.open_streams() == 0) co_await sleep_for(1ms);
                co_await stand.connection(neighbour, refused);
                co_await stand.connection(other, served);
            };
            co_await stand.connection(first, client);
        };
        stand.run(body);
    }

    TEST_CASE("a kept stream counts for whoever asks over it now") {
        EdgeLimits limits;
        limits.streams_of_environment = 2;
        Stand stand(keeps_answering, limits);
        stand.edge.stand_behind("cf-connecting-ip");
        auto get_from = [](const std::string& address) {
            return "GET / HTTP/1.1\r\nHost: shop.example\r\nCF-Connecting-IP: " + address +
                   "\r\n\r\n";
        };
        auto body = [&]() -> Task<> {
            auto wire = [&] {
                auto made = std::make_shared<PlayedWire>(
                    stand.io.get_executor(), "shop.example", "198.51.100.1"
                );
                made->show(net::PeerCertificate());
                return made;
            };
            auto first = wire();
            auto second = wire();
            std::function<Task<>(PlayedWire&)> back = [&](PlayedWire& one) -> Task<> {
                one.send(get_from("203.0.113.1"));
                auto answered = [](const std::string& out) { return ends(out, "hello"); };
                co_await one.until(answered);
                CHECK(one.out.starts_with("HTTP/1.1 200 "));
            };
            std::function<Task<>(PlayedWire&)> both = [&](PlayedWire& one) -> Task<> {
                for (std::string address : {"203.0.113.1", "203.0.113.2"}) {
                    one.out.clear();
                    one.send(get_from(address));
                    auto answered = [](const std::string& out) { return ends(out, "hello"); };
                    co_await one.until(answered);
                }
                co_await stand.connection(second, back);
            };
            co_await stand.connection(first, both);
        };
        stand.run(body);
        CHECK(stand.opened.size() == 2);
    }

    TEST_CASE("no more streams are kept for later requests than the limit") {
        EdgeLimits limits;
        limits.kept_of_environment = 0;
        Stand stand(keeps_answering, limits);
        auto answer = stand.talk(get_and_stay + get);
        CHECK(count(answer, "HTTP/1.1 200 OK") == 2);
        CHECK(stand.opened.size() == 2);
    }
}
