#include "controller/access/address_list.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace fairlead;
using access::holds;
using access::normal_network;

TEST_SUITE("controller/access/address_list") {

    TEST_CASE("addresses and networks are kept in their shortest spelling") {
        CHECK(normal_network("192.0.2.7").value() == "192.0.2.7");
        CHECK(normal_network("192.0.2.7/32").value() == "192.0.2.7");
        CHECK(normal_network("192.0.2.0/24").value() == "192.0.2.0/24");
        CHECK(normal_network("0.0.0.0/0").value() == "0.0.0.0/0");
        CHECK(normal_network("2001:DB8:0:0::/32").value() == "2001:db8::/32");
        CHECK(normal_network("::ffff:192.0.2.0/24").value() == "192.0.2.0/24");
    }

    TEST_CASE("what is no network is refused, and so is a host inside one") {
        for (auto bad :
             {"", "x", "192.0.2", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/2 4",
              "192.0.2.1/24", "2001:db8::1/32", "2001:db8::/129", "010.0.0.1", "192.0.2.0/24/8",
              "fe80::1%eth0"}) {
            CAPTURE(std::string(bad));
            CHECK(!normal_network(bad));
        }
    }

    TEST_CASE("a list holds what is in one of its networks, in whatever spelling the caller comes"
    ) {
        std::vector<std::string> networks{"192.0.2.0/24", "198.51.100.7", "2001:db8::/33"};
        for (auto inside :
             {"192.0.2.0", "192.0.2.255", "198.51.100.7", "::ffff:192.0.2.9", "2001:db8:7fff::1"}) {
            CAPTURE(std::string(inside));
            CHECK(holds(networks, inside));
        }
        for (auto outside :
             {"192.0.3.0", "198.51.100.8", "2001:db8:8000::1", "", "x", "::192.0.2.9"}) {
            CAPTURE(std::string(outside));
            CHECK(!holds(networks, outside));
        }
        CHECK(!holds({}, "192.0.2.1"));
        CHECK(!holds(std::vector<std::string>{"0.0.0.0/0"}, "2001:db8::1"));
        CHECK(holds(std::vector<std::string>{"0.0.0.0/0"}, "203.0.113.1"));
    }
}
