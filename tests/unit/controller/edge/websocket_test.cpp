#include "stand.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::edge;

namespace {

const std::string upgrade =
    "GET /websocket HTTP/1.1\r\nHost: shop.example\r\nUpgrade: websocket\r\nConnection: "
    "Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const std::string upgraded =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: x\r\n\r\n";

} // namespace

TEST_SUITE("controller/edge/websocket") {

    TEST_CASE("a WebSocket goes to the bus's port and carries bytes both ways until either ends") {
        std::string seen;
        auto site = [&](stream::Stream stream) -> Task<> {
            seen = co_await read_until(stream, "\r\n\r\n");
            auto written = co_await stream.write(upgraded + "first");
            CHECK(written);
            for (;;) {
                auto bytes = co_await stream.read();
                if (!bytes || bytes->empty()) co_return;
                auto back = co_await stream.write("<" + *bytes + ">");
                if (!back) co_return;
            }
        };
        Stand stand(site);
        auto body = [&]() -> Task<> {
            auto wire = std::make_shared<PlayedWire>(stand.io.get_executor(), "shop.example");
            std::function<Task<>(PlayedWire&)> client = [&](PlayedWire& one) -> Task<> {
                one.send(upgrade);
                auto first = [](const std::string& text) { return ends(text, "first"); };
                co_await one.until(first);
                CHECK(
                    one.out == "HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: "
                               "x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nfirst"
                );
                CHECK(one.may_cut);
                one.send("frame");
                auto second = [](const std::string& text) { return ends(text, "<frame>"); };
                co_await one.until(second);
            };
            co_await stand.connection(wire, client);
        };
        stand.run(body);
        CHECK(stand.opened == std::vector<std::uint16_t>{8072});
        CHECK(
            seen.find("\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n") != std::string::npos
        );
        CHECK(stand.near.open_streams() == 0);
    }

    TEST_CASE("a WebSocket over which the site alone speaks goes on, and a quiet one ends") {
        EdgeLimits limits;
        limits.quiet_time = 300ms;
        auto site = [](stream::Stream stream) -> Task<> {
            auto request = co_await read_until(stream, "\r\n\r\n");
            auto written = co_await stream.write(upgraded);
            CHECK(written);
            for (int i = 0; i < 20; ++i) {
                co_await sleep_for(100ms);
                auto sent = co_await stream.write("x");
                if (!sent) co_return;
            }
            co_await read_until(stream, "never");
        };
        Stand stand(site, limits);
        auto answer = stand.talk(upgrade);
        CHECK(ends(answer, "\r\n\r\n" + std::string(20, 'x')));
        CHECK(stand.near.open_streams() == 0);
    }

    TEST_CASE("WebSockets take no place of requests, and have a number of their own") {
        EdgeLimits limits;
        limits.streams_of_environment = limits.streams_of_org = 1;
        limits.sockets_of_environment = 4;
        std::string status;
        SUBCASE("an environment's") {
            limits.sockets_of_environment = 1;
            status = "503";
        }
        SUBCASE("an organization's") {
            limits.sockets_of_org = 1;
            status = "429";
        }
        SUBCASE("an address's") {
            limits.sockets_of_environment = 2;
            status = "429";
        }
        auto site = [](stream::Stream stream) -> Task<> {
            auto request = co_await read_until(stream, "\r\n\r\n");
            bool socket = request.starts_with("GET /websocket");
            auto answer = socket ? upgraded : ok("hello");
            auto written = co_await stream.write(answer);
            CHECK(written);
            co_await read_until(stream, "never");
        };
        Stand stand(site, limits);
        auto body = [&]() -> Task<> {
            auto wire = [&] {
                return std::make_shared<PlayedWire>(stand.io.get_executor(), "shop.example");
            };
            auto first = wire(), second = wire(), third = wire();
            auto never = [](const std::string&) { return false; };
            std::function<Task<>(PlayedWire&)> plain = [&](PlayedWire& one) -> Task<> {
                one.send(get);
                co_await one.until(never);
                CHECK(ends(one.out, "hello"));
            };
            std::function<Task<>(PlayedWire&)> beyond = [&](PlayedWire& one) -> Task<> {
                one.send(upgrade);
                co_await one.until(never);
                CHECK(one.out.starts_with("HTTP/1.1 " + status + " "));
            };
            std::function<Task<>(PlayedWire&)> client = [&](PlayedWire& one) -> Task<> {
                one.send(upgrade);
                auto open = [](const std::string& text) { return ends(text, "\r\n\r\n"); };
                co_await one.until(open);
                co_await stand.connection(second, plain);
                co_await stand.connection(third, beyond);
                CHECK(!one.over);
            };
            co_await stand.connection(first, client);
        };
        stand.run(body);
    }

    TEST_CASE("the last words of a client arrive, and those of the site after them") {
        std::string seen;
        auto site = [&](stream::Stream stream) -> Task<> {
            seen = co_await read_until(stream, "\r\n\r\n");
            auto written = co_await stream.write(upgraded);
            CHECK(written);
            seen = co_await read_until(stream, "never");
            written = co_await stream.write("farewell");
            CHECK(written);
            stream.close();
        };
        Stand stand(site);
        auto wire = std::make_shared<PlayedWire>(stand.io.get_executor(), "shop.example");
        auto body = [&]() -> Task<> {
            bool away = false;
            std::function<Task<>(PlayedWire&)> client = [&](PlayedWire& one) -> Task<> {
                one.send(upgrade);
                auto open = [](const std::string& text) { return ends(text, "\r\n\r\n"); };
                co_await one.until(open);
                stand.detach();
                away = true;
                one.send("last words");
            };
            auto comes_back = [&]() -> Task<> {
                while (!away) co_await sleep_for(1ms);
                co_await sleep_for(20ms);
                stand.attach();
            };
            TaskGroup link(stand.io.get_executor());
            link.spawn(comes_back());
            co_await stand.connection(wire, client);
            co_await link.join();
        };
        stand.run(body);
        CHECK(seen == "last words");
        CHECK(ends(wire->out, "farewell"));
        CHECK(!wire->aborted);
        CHECK(stand.near.open_streams() == 0);
    }

    TEST_CASE("a client that ended is not waited for by a site that says nothing") {
        EdgeLimits limits;
        limits.quiet_time = 100ms;
        auto site = [](stream::Stream stream) -> Task<> {
            auto request = co_await read_until(stream, "\r\n\r\n");
            auto written = co_await stream.write(upgraded);
            CHECK(written);
            co_await sleep_for(1h);
        };
        Stand stand(site, limits);
        auto body = [&]() -> Task<> {
            auto wire = std::make_shared<PlayedWire>(stand.io.get_executor(), "shop.example");
            std::function<Task<>(PlayedWire&)> client = [&](PlayedWire& one) -> Task<> {
                one.send(upgrade);
                auto open = [](const std::string& text) { return ends(text, "\r\n\r\n"); };
                co_await one.until(open);
            };
            co_await stand.connection(wire, client);
        };
        stand.run(body);
        CHECK(stand.near.open_streams() == 0);
    }

    TEST_CASE("a WebSocket that is accepted once the listener stops ends at once") {
        auto site = [](stream::Stream stream) -> Task<> {
            auto request = co_await read_until(stream, "\r\n\r\n");
            auto written = co_await stream.write(upgraded);
            CHECK(written);
            co_await read_until(stream, "never");
        };
        Stand stand(site);
        auto body = [&]() -> Task<> {
            auto wire = std::make_shared<PlayedWire>(stand.io.get_executor(), "shop.example");
            wire->stops = true;
            std::function<Task<>(PlayedWire&)> client = [&](PlayedWire& one) -> Task<> {
                one.send(upgrade);
                auto never = [](const std::string&) { return false; };
                co_await one.until(never);
                CHECK(one.aborted);
            };
            co_await stand.connection(wire, client);
        };
        stand.run(body);
    }
}
