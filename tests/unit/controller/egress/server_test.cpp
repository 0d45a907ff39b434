#include "controller/egress/server.hpp"
#include "support.hpp"

#include <doctest/doctest.h>

namespace fairlead::egress {

using namespace std::chrono_literals;

namespace {

std::string connect_head(const std::string& place, const std::string& more = "") {
    return "CONNECT " + place + " HTTP/1.1\r\n" + more + "\r\n";
}

bool is(const std::string& answer, std::string_view status, std::string_view code) {
    return answer.starts_with("HTTP/1.1 " + std::string(status)) &&
           answer.find("fairlead-code: " + std::string(code)) != std::string::npos;
}

struct World {
    Echo echo;
    FakeNames names;
    std::string port = std::to_string(echo.port);

    Settings settings(std::vector<std::string> allow = {}) const {
        Settings given;
        given.allow = std::move(allow);
        return given;
    }
};

} // namespace

TEST_SUITE("controller/egress/server") {

    TEST_CASE("bytes pass in both directions where an exception allows it") {
        World world;
        world.names.set("hooks.test", {{"127.0.0.1"}});
        RunningServer server(world.settings({"hooks.test:" + world.port}), world.names);
        CHECK(
            server.ask(connect_head("hooks.test:" + world.port) + "abc") ==
            "HTTP/1.1 200 OK\r\n\r\nhello abc"
        );
        auto pinned = connect_head("hooks.test:" + world.port, "fairlead-address: 127.0.0.1\r\n");
        CHECK(server.ask(pinned + "x") == "HTTP/1.1 200 OK\r\n\r\nhello x");
        CHECK(world.echo.connections == 2);
    }

    TEST_CASE("[S-SSRF-08] what is not on the internet is refused, whatever the controller says") {
        World world;
        world.names.set("inside.test", {{"127.0.0.1"}});
        world.names.set("mixed.test", {{"93.184.216.34", "127.0.0.1"}});
        world.names.set("meta.test", {{"169.254.169.254"}});
        RunningServer server(world.settings({"hooks.test:" + world.port}), world.names);
        for (const auto& head :
             {connect_head("127.0.0.1:" + world.port), connect_head("127.0.0.1:443"),
              connect_head("[::1]:443"), connect_head("10.0.0.1:443"),
              connect_head("169.254.169.254:443"), connect_head("[64:ff9b::a00:1]:443"),
              connect_head("inside.test:443"), connect_head("mixed.test:443"),
              connect_head("meta.test:443"), connect_head("93.184.216.34:" + world.port),
              connect_head("public.example:443", "fairlead-address: 10.0.0.1\r\n"),
              connect_head("public.example:443", "fairlead-address: 169.254.169.254\r\n"),
              connect_head("93.184.216.34:443", "fairlead-address: 127.0.0.1\r\n")}) {
            CAPTURE(head);
            CHECK(is(server.ask(head), "403", "address_refused"));
        }
        CHECK(world.echo.connections == 0);
    }

    TEST_CASE("an exception's name counts for what it resolves to, not for what is claimed") {
        World world;
        world.names.set("hooks.test", {{"10.0.0.9"}});
        RunningServer server(world.settings({"hooks.test:" + world.port}), world.names);
        auto claimed = connect_head("hooks.test:" + world.port, "fairlead-address: 127.0.0.1\r\n");
        CHECK(is(server.ask(claimed), "403", "address_refused"));
        CHECK(world.echo.connections == 0);
    }

    TEST_CASE("names are looked up, and ones that do not exist are said to be so") {
        World world;
        world.names.set("two.test", {{"93.184.216.34", "10.0.0.1"}});
        RunningServer server(world.settings(), world.names);
        CHECK(server.ask("GET /addresses/two.test HTTP/1.1\r\n\r\n")
                  .ends_with("\r\n\r\n93.184.216.34\n10.0.0.1\n"));
        CHECK(is(server.ask("GET /addresses/none.test HTTP/1.1\r\n\r\n"), "502", "unreachable"));
    }

    TEST_CASE(
        "records are looked up by the host that they prove, and port 80 is for challenges alone"
    ) {
        FakeNames names;
        names.set("inside.example.org", {{"10.0.0.1"}});
        names.set("shop.example.org", {{"93.184.216.34"}});
        RunningServer server({}, names);
        CHECK(server.ask("GET /texts/shop.example.org HTTP/1.1\r\n\r\n")
                  .ends_with("fairlead-domain=of-shop.example.org\n"));
        CHECK(
            server.ask("GET /texts/silent.example.org HTTP/1.1\r\n\r\n")
                .find("fairlead-code: resolver_failed") != std::string::npos
        );
        auto token = std::string(43, 'a');
        CHECK(
            server.ask("GET /challenge/inside.example.org/" + token + " HTTP/1.1\r\n\r\n")
                .find("fairlead-code: address_refused") != std::string::npos
        );
        CHECK(
            server
                .ask(
                    "GET /challenge/shop.example.org/" + token +
                    " HTTP/1.1\r\nfairlead-address: 127.0.0.1\r\n\r\n"
                )
                .find("fairlead-code: address_refused") != std::string::npos
        );
        CHECK(
            server.ask("CONNECT shop.example.org:80 HTTP/1.1\r\n\r\n")
                .find("fairlead-code: address_refused") != std::string::npos
        );
    }

    TEST_CASE("only the controller's user is served") {
        World world;
        RunningServer server(world.settings(), world.names, ::geteuid() + 1);
        CHECK(server.ask(connect_head("127.0.0.1:443")).empty());
    }

    TEST_CASE("heads that are wrong or too long are refused") {
        World world;
        RunningServer server(world.settings(), world.names);
        CHECK(is(server.ask("GET / HTTP/1.1\r\n\r\n"), "400", "bad_request"));
        CHECK(is(server.ask(std::string(5000, 'x')), "400", "bad_request"));
        CHECK(is(server.ask(""), "400", "bad_request"));
    }

    TEST_CASE("report mode lets through what would be refused") {
        World world;
        auto settings = world.settings();
        settings.mode = Mode::report;
        RunningServer server(settings, world.names);
        CHECK(server.ask(connect_head("127.0.0.1:" + world.port) + "a").ends_with("hello a"));
    }

    TEST_CASE("one connection too many is told so, and others go on") {
        World world;
        auto settings = world.settings({"127.0.0.1:" + world.port});
        settings.connections = 2;
        RunningServer server(settings, world.names);
        auto first = server.connect(), second = server.connect();
        auto third = server.connect();
        CHECK(is(RunningServer::read_all(third), "503", "busy"));
        auto head = connect_head("127.0.0.1:" + world.port) + "still here";
        ::send(first.get(), head.data(), head.size(), MSG_NOSIGNAL);
        ::shutdown(first.get(), SHUT_WR);
        CHECK(RunningServer::read_all(first).ends_with("hello still here"));
    }

    TEST_CASE("a connection ends when it is silent, old, or had its bytes") {
        World world;
        auto settings = world.settings({"127.0.0.1:" + world.port});
        auto head = connect_head("127.0.0.1:" + world.port);
        SUBCASE("silent") {
            settings.idle = 1s;
        }
        SUBCASE("old") {
            settings.life = 1s;
        }
        SUBCASE("bytes") {
            settings.mebibytes = 1;
            head += std::string(2 << 20, 'x');
        }
        RunningServer server(settings, world.names);
        auto socket = server.connect();
        std::thread writer([&] { ::send(socket.get(), head.data(), head.size(), MSG_NOSIGNAL); });
        auto got = RunningServer::read_all(socket).size();
        writer.join();
        CHECK(got < (1 << 20) + 100'000);
    }
}

} // namespace fairlead::egress
