#include "controller/egress/allow.hpp"

#include <doctest/doctest.h>

namespace fairlead::egress {

namespace {

IpAddress ip(const char* text) {
    return IpAddress::parse(text).value();
}

} // namespace

TEST_SUITE("controller/egress/allow") {

    TEST_CASE("a challenge at port 80 needs no exception for the port, and one for the address") {
        auto none = Allow();
        CHECK(none.permits_challenge("a.example", ip("93.184.216.34")));
        for (auto inside : {"127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1"}) {
            auto may = none.permits_challenge("a.example", ip(inside));
            REQUIRE_FALSE(may);
            CHECK(may.error().code() == "address_refused");
        }
        auto some = Allow::parse({"10.1.0.0/16", "shop.lan:80", "other.lan"}).value();
        CHECK(some.permits_challenge("a.example", ip("10.1.2.3")));
        CHECK(some.permits_challenge("shop.lan", ip("10.9.9.9")));
        CHECK_FALSE(some.permits_challenge("other.lan", ip("10.9.9.9")));
        // It opens the port for nothing else.
        CHECK_FALSE(none.permits({"a.example", 80}, ip("93.184.216.34")));
    }

    TEST_CASE("without exceptions, port 443 of the internet and nothing else is allowed") {
        Allow allow;
        CHECK(allow.permits({"a.example", 443}, ip("93.184.216.34")));
        CHECK(allow.permits({"a.example", 443}, ip("2606:2800:220:1::1")));
        for (auto inside :
             {"127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "fe80::1",
              "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "100.64.0.1", "0.0.0.0"}) {
            CAPTURE(inside);
            auto may = allow.permits({"a.example", 443}, ip(inside));
            REQUIRE_FALSE(may);
            CHECK(may.error().code() == "address_refused");
        }
        CHECK_FALSE(allow.permits({"a.example", 8443}, ip("93.184.216.34")));
    }

    TEST_CASE("an exception names one host and port, or a network at port 443") {
        auto allow = Allow::parse({"Git.Internal:8443", "10.1.0.0/16", "[fd00::7]:9000"}).value();
        CHECK(allow.permits({"git.internal", 8443}, ip("10.9.9.9")));
        CHECK_FALSE(allow.permits({"git.internal", 443}, ip("10.9.9.9")));
        CHECK_FALSE(allow.permits({"other.internal", 8443}, ip("10.9.9.9")));
        CHECK(allow.permits({"other.internal", 443}, ip("10.1.2.3")));
        CHECK_FALSE(allow.permits({"other.internal", 8443}, ip("10.1.2.3")));
        CHECK_FALSE(allow.permits({"other.internal", 443}, ip("10.2.2.3")));
        CHECK(allow.permits({"fd00::7", 9000}, ip("fd00::7")));
    }

    TEST_CASE("no exception opens the link-local addresses where clouds keep credentials") {
        auto allow =
            Allow::parse({"169.254.0.0/16", "0.0.0.0/0", "fe80::/10", "meta.internal"}).value();
        CHECK_FALSE(allow.permits({"169.254.169.254", 443}, ip("169.254.169.254")));
        CHECK_FALSE(allow.permits({"meta.internal", 443}, ip("169.254.169.254")));
        CHECK_FALSE(allow.permits({"fe80::1", 443}, ip("fe80::1")));
    }

    TEST_CASE("entries that are none are refused by name") {
        for (auto entry :
             {"", ":443", "a:0", "a:65536", "a:", "a b", "http://a", "[::1", "[1.2.3.4]:1",
              "10.1.0.1/16", "a:1:2", "*.example.org", "[::1]:"}) {
            CAPTURE(entry);
            CHECK_FALSE(Allow::parse({entry}));
        }
        CHECK_FALSE(Allow::parse(std::vector<std::string>(1001, "a")));
        CHECK(Allow::parse(std::vector<std::string>(1000, "a")));
    }
}

} // namespace fairlead::egress
