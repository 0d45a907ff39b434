#include "proto/source_url.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace fairlead;
using namespace fairlead::proto;

TEST_SUITE("proto/source_url") {

    TEST_CASE("an https address is taken apart, and its query kept from people") {
        auto url = parse_source_url("HTTPS://Files.Example.org:8443/a/b%20c.zip?sig=x&y=/%2F");
        REQUIRE(url);
        CHECK(url->host == "files.example.org");
        CHECK(url->port == 8443);
        CHECK(url->target() == "/a/b%20c.zip?sig=x&y=/%2F");
        CHECK(url->text() == "https://files.example.org:8443/a/b%20c.zip");
        CHECK(parse_source_url("https://a.example")->target() == "/");
        CHECK(parse_source_url("https://a.example?x=1")->target() == "/?x=1");
        CHECK(parse_source_url("https://a.example./x")->host == "a.example");
        auto v6 = parse_source_url("https://[2001:DB8::1]:444/x");
        REQUIRE(v6);
        CHECK(v6->host == "2001:db8::1");
        CHECK(v6->authority() == "[2001:db8::1]:444");
        CHECK(parse_source_url("https://192.0.2.7/x")->host == "192.0.2.7");
    }

    TEST_CASE("everything else is refused") {
        for (auto text :
             {"",
              "http://a.example/x",
              "ftp://a.example/x",
              "file:///etc/passwd",
              "gopher://a/x",
              "data:text/plain,x",
              "//a.example/x",
              "https:/a.example/x",
              "https:///x",
              "https://user@a.example/x",
              "https://a.example:pw@b.example/x",
              "https://a.example:0/x",
              "https://a.example:65536/x",
              "https://a.example:/x",
              "https://a.example:80x/x",
              "https://127.1/x",
              "https://2130706433/x",
              "https://0x7f000001/x",
              "https://0x7f.0.0.1/x",
              "https://0177.0.0.1/x",
              "https://[::ffff:127.0.0.1]/x",
              "https://[::1/x",
              "https://[fe80::1%25eth0]/x",
              "https://a..example/x",
              "https://-a.example/x",
              "https://a example/x",
              "https://a.example/x y",
              "https://a.example/../x",
              "https://a.example/a/./x",
              "https://a.example/%2e%2e/x",
              "https://a.example/a%2Fb",
              "https://a.example/a%5cb",
              "https://a.example/a\\b",
              "https://a.example/%zz",
              "https://a.example/x#y",
              "https://a.example/\r\nHost: b",
              "https://a.example/%0d%0aHost",
              "https://b\xc3\xbc"
              "cher.example/x",
              "https://a.example\\@b.example/x"}) {
            CAPTURE(text);
            auto url = parse_source_url(text);
            REQUIRE_FALSE(url);
            CHECK(url.error().message().starts_with("must "));
        }
        CHECK_FALSE(parse_source_url("https://a.example/" + std::string(5000, 'x')));
    }

    TEST_CASE("whoever puts a password into an address is told where it belongs instead") {
        auto refused = parse_source_url("https://user:pw@a.example/x");
        REQUIRE_FALSE(refused);
        CHECK(refused.error().message().find("signed address") != std::string::npos);
        CHECK(refused.error().message().find("pw") == std::string::npos);
    }

    TEST_CASE("a redirect leads to another https address, or nowhere") {
        auto base = parse_source_url("https://a.example:8443/x?sig=1").value();
        CHECK(follow(base, "/y?z=2")->text() == "https://a.example:8443/y");
        CHECK(follow(base, "//b.example/y")->text() == "https://b.example/y");
        CHECK(follow(base, "https://b.example/y")->host == "b.example");
        for (auto location :
             {"", "http://a.example/x", "y", "../y", "file:///etc/passwd", "javascript:x",
              "https://a.example/../y"}) {
            CAPTURE(location);
            CHECK_FALSE(follow(base, location));
        }
    }

    TEST_CASE("a domain of a list is itself or what is below its star") {
        const std::vector<std::string> list{"good.example", "*.files.example"};
        CHECK(among(list, "good.example"));
        CHECK(among(list, "GOOD.example."));
        CHECK(among(list, "a.b.files.example"));
        for (auto host :
             {"bad.example", "xgood.example", "good.example.evil.example", "files.example",
              "xfiles.example", "", "10.0.0.1"}) {
            CAPTURE(host);
            CHECK_FALSE(among(list, host));
        }
        CHECK(among({}, "anything.example"));
    }

    TEST_CASE("a path on a server has one spelling") {
        for (auto good :
             {"/srv/imports/old.zip", "/srv/imports", "/a", "/srv/a~b/c+d@e:f-1_2.sql"}) {
            CAPTURE(good);
            CHECK(is_source_path(good));
        }
        auto longest = "/" + std::string(399, 'a');
        CHECK(is_source_path(longest));
        CHECK_FALSE(is_source_path(longest + "a"));
        for (auto bad :
             {"", "/", "srv", "/srv/", "//srv", "/srv//a", "/srv/../etc/shadow", "/srv/..",
              "/srv/.", "/./srv", "/srv/a..b", "/srv/-rf", "/srv/a b", "/srv/a\nb", "/srv/%2e%2e/a",
              "/srv/*", "/srv/ä"}) {
            CAPTURE(bad);
            CHECK_FALSE(is_source_path(bad));
        }
        CHECK_FALSE(is_source_path(std::string_view("/srv/a\0b", 8)));
    }
}
