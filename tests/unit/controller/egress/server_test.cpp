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

const std::string hello("\5\1\0", 3), welcome("\5\0", 2);

/// What comes back of a request by SOCKS: the welcome, and one of RFC 1928's replies.
std::string answered(char reply) {
    return welcome + '\5' + reply + std::string("\0\1", 2) + std::string(6, '\0');
}
const auto granted = answered(0), refused = answered(2), unreachable = answered(4);

std::string in_two_bytes(int port) {
    return {static_cast<char>(port >> 8), static_cast<char>(port & 0xff)};
}

/// A greeting and a request for a name, as libcurl sends them.
std::string socks(const std::string& host, int port) {
    return hello + std::string("\5\1\0\3", 4) + static_cast<char>(host.size()) + host +
           in_two_bytes(port);
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

    TEST_CASE("mail reaches the server that smtp names, by SOCKS, and nothing else does so") {
        World world;
        world.names.set("mail.test", {{"127.0.0.1"}});
        world.names.set("meta.test", {{"169.254.169.254"}});
        auto settings = world.settings({"hooks.test:" + world.port});
        settings.smtp = "Mail.test:" + world.port;
        RunningServer server(settings, world.names);
        CHECK(server.ask(socks("mail.test", world.echo.port) + "abc") == granted + "hello abc");
        CHECK(world.echo.connections == 1);
        // Not where webhooks may go, not the same server at another port, not this address itself.
        for (const auto& [host, port] : std::vector<std::pair<std::string, int>>{
                 {"hooks.test", world.echo.port},
                 {"mail.test", 443},
                 {"public.example", 443},
                 {"127.0.0.1", world.echo.port},
                 {"a b", 25}}) {
            CAPTURE(host);
            CHECK(server.ask(socks(host, port)) == refused);
        }
        // And what may be mailed to may not be asked for.
        CHECK(is(server.ask(connect_head("mail.test:" + world.port)), "403", "address_refused"));
        CHECK(world.echo.connections == 1);

        settings.smtp = "meta.test:25";
        RunningServer other(settings, world.names);
        CHECK(other.ask(socks("meta.test", 25)) == refused);
        CHECK(other.ask(socks("mail.test", world.echo.port)) == refused);
        settings.smtp = "none.test:25";
        RunningServer nowhere(settings, world.names);
        CHECK(nowhere.ask(socks("none.test", 25)) == unreachable);
        settings.smtp.reset();
        RunningServer without(settings, world.names);
        CHECK(without.ask(socks("mail.test", world.echo.port)) == refused);
    }

    TEST_CASE("a mail server is reached at its address too") {
        World world;
        auto settings = world.settings();
        settings.smtp = "127.0.0.1:" + world.port;
        RunningServer server(settings, world.names);
        std::string v4("\5\1\0\1\x7f\0\0\1", 8);
        CHECK(server.ask(hello + v4 + in_two_bytes(world.echo.port)) == granted + "hello ");
        std::string v6("\5\1\0\4", 4);
        v6 += std::string(15, '\0') + '\1' + in_two_bytes(world.echo.port);
        CHECK(server.ask(hello + v6) == refused);
    }

    TEST_CASE("what is no SOCKS, or not all of it, gets no connection") {
        World world;
        auto settings = world.settings();
        settings.smtp = "127.0.0.1:" + world.port;
        RunningServer server(settings, world.names);
        using namespace std::string_literals;
        const auto whole = socks("127.0.0.1", world.echo.port);
        for (std::size_t size = 1; size < whole.size(); ++size) {
            CAPTURE(size);
            CHECK(server.ask(whole.substr(0, size)) == (size < 3 ? ""s : welcome));
        }
        CHECK(server.ask("\5\1\2"s) == "\5\xff"s);         // a name and a password alone
        CHECK(server.ask("\5\0"s) == "\5\xff"s);           // nothing at all
        CHECK(server.ask(hello + "\4\1\0\1"s) == welcome); // SOCKS 4 in the middle
        CHECK(server.ask(hello + "\5\2\0\1"s).substr(2, 2) == "\5\7"s); // bind
        CHECK(server.ask(hello + "\5\3\0\1"s).substr(2, 2) == "\5\7"s); // UDP
        CHECK(server.ask(hello + "\5\1\0\2"s).substr(2, 2) == "\5\10"s);
        CHECK(server.ask(socks(std::string(255, 'a'), 25)) == refused);
        CHECK(world.echo.connections == 0);
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
