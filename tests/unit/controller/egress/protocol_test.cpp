#include "controller/egress/protocol.hpp"

#include <doctest/doctest.h>

namespace fairlead::egress {

TEST_SUITE("controller/egress/protocol") {

    TEST_CASE("four requests are known") {
        auto ask = parse_ask("CONNECT Hooks.Example.org:443 HTTP/1.1\r\nHost: x\r\n"
                             "Fairlead-Address: 203.0.113.7\r\n\r\n");
        REQUIRE(ask);
        CHECK(ask->what == Ask::What::connect);
        CHECK(ask->place == Place{"hooks.example.org", 443});
        CHECK(ask->address->text() == "203.0.113.7");
        ask = parse_ask("CONNECT [2001:db8::1]:443 HTTP/1.1\r\n\r\n");
        REQUIRE(ask);
        CHECK(ask->place.host == "2001:db8::1");
        ask = parse_ask("GET /addresses/hooks.example.org HTTP/1.1\r\n\r\n");
        REQUIRE(ask);
        CHECK(ask->what == Ask::What::addresses);
        ask = parse_ask("GET /texts/Shop.example.org HTTP/1.1\r\n\r\n");
        REQUIRE(ask);
        CHECK(ask->what == Ask::What::texts);
        CHECK(ask->place.host == "shop.example.org");
        auto token = std::string(42, 'a') + "_";
        ask = parse_ask(
            "GET /challenge/shop.example.org/" + token +
            " HTTP/1.1\r\nfairlead-address: 203.0.113.7\r\n\r\n"
        );
        REQUIRE(ask);
        CHECK(ask->what == Ask::What::challenge);
        CHECK(ask->place == Place{"shop.example.org", 80});
        CHECK(ask->token == token);
        CHECK(ask->address->text() == "203.0.113.7");
    }

    TEST_CASE("a challenge names a host and a token, and nothing that makes another request of it"
    ) {
        auto token = std::string(43, 'a');
        for (const auto& rest :
             {std::string("shop.example.org"), std::string("shop.example.org/"),
              "shop.example.org/" + token + "a", "shop.example.org/" + token.substr(1),
              "shop.example.org/" + std::string(42, 'a') + "/",
              "shop.example.org/" + std::string(42, 'a') + " ",
              "shop.example.org/" + std::string(40, 'a') + "%2f", "shop.example.org:80/" + token,
              "shop.example.org/x/" + token, "/" + token}) {
            CAPTURE(rest);
            CHECK_FALSE(parse_ask("GET /challenge/" + rest + " HTTP/1.1\r\n\r\n"));
        }
        for (auto rest : {"", "a:53", "a/b", "a b", "..%2f"})
            CHECK_FALSE(parse_ask("GET /texts/" + std::string(rest) + " HTTP/1.1\r\n\r\n"));
    }

    TEST_CASE("everything else is refused") {
        for (auto head :
             {"", "\r\n\r\n", "CONNECT a:443\r\n\r\n", "CONNECT a HTTP/1.1\r\n\r\n",
              "CONNECT a:443 HTTP/1.0\r\n\r\n", "CONNECT  a:443 HTTP/1.1\r\n\r\n",
              "CONNECT a@b:443 HTTP/1.1\r\n\r\n", "CONNECT a:99999 HTTP/1.1\r\n\r\n",
              "GET http://a/ HTTP/1.1\r\n\r\n", "GET /addresses/ HTTP/1.1\r\n\r\n",
              "GET /addresses/a/b HTTP/1.1\r\n\r\n", "GET /addresses/a:1 HTTP/1.1\r\n\r\n",
              "POST / HTTP/1.1\r\n\r\n", "CONNECT a:443 HTTP/1.1\r\nno colon\r\n\r\n",
              "CONNECT a:443 HTTP/1.1\r\nfairlead-address: 0x7f.1\r\n\r\n",
              "CONNECT a:443 HTTP/1.1\r\nfairlead-address: 1.1.1.1\r\nfairlead-address: "
              "1.1.1.1\r\n\r\n"}) {
            CAPTURE(head);
            CHECK_FALSE(parse_ask(head));
        }
    }
}

} // namespace fairlead::egress
