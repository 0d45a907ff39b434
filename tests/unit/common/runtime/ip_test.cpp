#include "common/runtime/ip.hpp"

#include <doctest/doctest.h>

#include <netinet/in.h>

#include <cstring>

using namespace fairlead;

TEST_SUITE("common/runtime/ip") {

    TEST_CASE("an address has one spelling") {
        for (auto text : {"192.0.2.7", "8.8.8.8", "2001:db8::1", "::1"}) {
            auto address = IpAddress::parse(text);
            REQUIRE(address);
            CHECK(address->text() == text);
        }
        for (auto text :
             {"", "127.1", "0x7f.0.0.1", "2130706433", "0177.0.0.1", "1.2.3.4.5", "::g", "[::1]",
              "1.2.3.4 ", "example.org"}) {
            CAPTURE(text);
            CHECK_FALSE(IpAddress::parse(text));
        }
        CHECK(
            IpAddress::parse("::ffff:192.0.2.7").value() == IpAddress::parse("192.0.2.7").value()
        );
    }

    TEST_CASE("a subscriber has one IPv4 address, or 64 bits of IPv6") {
        CHECK(subscriber_of("192.0.2.7") == "192.0.2.7");
        CHECK(subscriber_of("::ffff:192.0.2.7") == "192.0.2.7");
        CHECK(subscriber_of("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::");
        CHECK(subscriber_of("2001:db8:1:2::1") == subscriber_of("2001:db8:1:2:ffff::9"));
        CHECK(subscriber_of("2001:db8:1:3::1") != subscriber_of("2001:db8:1:2::1"));
        CHECK(subscriber_of("somebody") == "somebody");
    }

    TEST_CASE("only what is on the internet is public") {
        for (auto text :
             {"8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1",
              "192.0.1.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "2003::1"}) {
            CAPTURE(text);
            CHECK(IpAddress::parse(text)->is_public());
        }
        for (auto text :
             {"127.0.0.1",
              "127.255.255.254",
              "0.0.0.0",
              "10.0.0.1",
              "172.16.0.1",
              "172.31.255.255",
              "192.168.1.1",
              "169.254.169.254",
              "100.64.0.1",
              "100.127.255.255",
              "192.0.0.8",
              "192.0.2.1",
              "198.18.0.1",
              "198.51.100.1",
              "203.0.113.1",
              "224.0.0.1",
              "239.255.255.255",
              "240.0.0.1",
              "255.255.255.255",
              "192.88.99.1",
              "::",
              "::1",
              "::ffff:127.0.0.1",
              "::ffff:10.0.0.1",
              "::127.0.0.1",
              "fe80::1",
              "fc00::1",
              "fd12:3456::1",
              "ff02::1",
              "64:ff9b::7f00:1",
              "64:ff9b::808:808",
              "2002:7f00:1::",
              "2001::1",
              "2001:db8::1",
              "100::1",
              "3fff::1",
              "fec0::1"}) {
            CAPTURE(text);
            CHECK_FALSE(IpAddress::parse(text)->is_public());
        }
    }

    TEST_CASE("a network holds what begins like it") {
        auto ten = IpNetwork::parse("10.20.0.0/15").value();
        CHECK(ten.holds(*IpAddress::parse("10.21.255.255")));
        CHECK(ten.holds(*IpAddress::parse("::ffff:10.20.0.1")));
        CHECK_FALSE(ten.holds(*IpAddress::parse("10.22.0.0")));
        CHECK(ten.text() == "10.20.0.0/15");
        auto local = IpNetwork::parse("fd00::/8").value();
        CHECK(local.holds(*IpAddress::parse("fdff::1")));
        CHECK_FALSE(local.holds(*IpAddress::parse("fc00::1")));
        CHECK(IpNetwork::parse("192.0.2.7")->holds(*IpAddress::parse("192.0.2.7")));
        CHECK(IpNetwork::parse("0.0.0.0/0")->holds(*IpAddress::parse("1.2.3.4")));
        CHECK_FALSE(IpNetwork::parse("0.0.0.0/0")->holds(*IpAddress::parse("::1")));
        for (auto text :
             {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "fd00::/129", "x"}) {
            CAPTURE(text);
            CHECK_FALSE(IpNetwork::parse(text));
        }
    }

    TEST_CASE("a socket's address is read, and no other kind of socket") {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_addr.s_addr = htonl(0x7f000001);
        CHECK(IpAddress::of(reinterpret_cast<sockaddr&>(v4))->text() == "127.0.0.1");
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_addr.s6_addr[15] = 1;
        CHECK(IpAddress::of(reinterpret_cast<sockaddr&>(v6))->text() == "::1");
        v6.sin6_family = AF_UNIX;
        CHECK_FALSE(IpAddress::of(reinterpret_cast<sockaddr&>(v6)));
    }
}
