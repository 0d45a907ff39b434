#include "common/net/http_client.hpp"

#include <doctest/doctest.h>

using fairlead::net::Url;

TEST_SUITE("common/net/url") {

    TEST_CASE("an address to call is taken apart") {
        auto url = Url::parse("https://Controller.example.org:8443/api/v1/x?y=1").value();
        CHECK(url.host == "controller.example.org");
        CHECK(url.port == 8443);
        CHECK(url.target == "/api/v1/x?y=1");
        CHECK(url.host_field() == "controller.example.org:8443");

        CHECK(Url::parse("https://h").value().target == "/");
        CHECK(Url::parse("https://h?q").value().target == "/?q");
        CHECK(Url::parse("https://h").value().host_field() == "h");

        auto six = Url::parse("https://[2001:db8::1]:444/").value();
        CHECK(six.host == "2001:db8::1");
        CHECK(six.host_field() == "[2001:db8::1]:444");
    }

    TEST_CASE("anything else is refused with the address in the sentence") {
        for (auto text :
             {"http://h/", "h/x", "https://", "https:///x", "https://u:p@h/", "https://h/#f",
              "https://h:0/", "https://h:65536/", "https://h:x/", "https://h:/", "https://[::1/",
              "https://[::1]x/", "https://h/a b", "https://h/\r\nX: y"}) {
            CAPTURE(text);
            auto url = Url::parse(text);
            REQUIRE(!url);
            CHECK(url.error().message().find(text) != std::string::npos);
        }
    }
}
