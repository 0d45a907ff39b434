#include "controller/domains/names.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::domains;

namespace {

std::string normal(std::string_view text) {
    auto name = normalise(text);
    return name ? *name : "refused: " + name.error().message();
}

std::string times(std::size_t count, std::string_view text) {
    std::string all;
    while (count-- > 0) all += text;
    return all;
}

} // namespace

TEST_SUITE("controller/domains/names") {

    TEST_CASE("a name has one spelling, however it is written") {
        struct Row {
            std::string_view text, name;
        };
        const Row rows[] = {
            {"shop.example.org", "shop.example.org"},
            {"SHOP.Example.ORG", "shop.example.org"},
            {"shop.example.org.", "shop.example.org"},
            {"*.Example.org.", "*.example.org"},
            {"Bücher.example", "xn--bcher-kva.example"},
            {"BU\xcc\x88"
             "CHER.example",
             "xn--bcher-kva.example"}, // u and a combining diaeresis
            {"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
            {"straße.example", "xn--strae-oqa.example"}, // not strasse: non-transitional
            {"shop。example．org", "shop.example.org"},  // ideographic and full-width dots
            {"ｓｈｏｐ.example.org", "shop.example.org"},
            {"sh\xc2\xad"
             "op.example.org",
             "shop.example.org"}, // soft hyphen
            {"sh\xe2\x80\x8b"
             "op.example.org",
             "shop.example.org"}, // zero width space
            {"ⓢhop.example.org", "shop.example.org"},
            {"Kelvin\xe2\x84\xaa.example.org", "kelvink.example.org"}, // the Kelvin sign
            {"1.2.3.4.example.org", "1.2.3.4.example.org"},
            {"例え.jp", "xn--r8jz45g.jp"},
            {"a-b.c-d.example", "a-b.c-d.example"}};
        for (const auto& row : rows) {
            CAPTURE(row.text);
            CHECK(normal(row.text) == row.name);
            CHECK(normal(row.name) == row.name);
        }
    }

    TEST_CASE("names that look alike and are not stay apart") {
        CHECK(normal("ex\xd0\xb0mple.org") == "xn--exmple-4nf.org"); // Cyrillic а
        CHECK(normal("раураl.example") != "paypal.example");
        CHECK(normal("faß.example") != normal("fass.example"));
    }

    TEST_CASE("what is no name is refused") {
        const std::string hostile[] = {
            "",
            ".",
            "..",
            "*",
            "*.",
            "*.org",
            "org",
            "localhost",
            "a..example.org",
            ".example.org",
            "example.org..",
            "*.*.example.org",
            "a.*.example.org",
            "a*.example.org",
            "**.example.org",
            "-a.example.org",
            "a-.example.org",
            "a_b.example.org",
            "_fairlead-challenge.example.org",
            "a b.example.org",
            " example.org",
            "example.org ",
            "example.org\n",
            std::string("example.org\0.evil.org", 21),
            "https://example.org",
            "example.org:443",
            "example.org/path",
            "user@example.org",
            "exa'mple.org",
            "example.org;drop",
            "1.2.3.4",
            "127.1",
            "2130706433.",
            "0x7f.0x1",
            "shop.0x7f000001",
            "example.123",
            "１.２.３.４",
            "[::1]",
            "::1",
            "2001:db8::1",
            "xn--.example",
            "xn--a.example",
            "xn--zzzzzzzzzz99999999.example",
            "xn--shop-.example",
            "\xff\xfe.example.org",
            "\xc3\x28.example.org",
            "\xcc\x88"
            "a.example.org", // begins with a combining mark
            "a\xe2\x80\xae"
            "b.example.org", // right-to-left override
            "a≠b.example.org",
            "a=\xcc\xb8"
            "b.example.org",          // the same, in two
            "xn--ab-miv.example.org", // and as an A-label
            "ü_b.example.org",
            "℀.example.org", // a/c
            "ab--cd.example.org",
            "aאb.example.org", // both directions in a part
            std::string(64, 'a') + ".example.org",
            times(50, "abcd.") + "orgs",
            times(40, "ü.") + times(20, "ab.") + "org",
            std::string(5000, 'a')};
        for (const auto& text : hostile) {
            CAPTURE(text);
            auto name = normalise(text);
            REQUIRE_FALSE(name);
            CHECK(name.error().kind() == Errc::invalid);
            CHECK(name.error().code() == "domain_invalid");
            CHECK_FALSE(name.error().message().empty());
        }
        CHECK(normal(times(50, "abcd.") + "org") == times(50, "abcd.") + "org");
    }

    TEST_CASE("a wildcard covers every depth below it, and not the name itself") {
        CHECK(covers("*.example.org", "shop.example.org"));
        CHECK(covers("*.example.org", "a.b.example.org"));
        CHECK_FALSE(covers("*.example.org", "example.org"));
        CHECK_FALSE(covers("*.example.org", "badexample.org"));
        CHECK(covers("*.example.org", "*.example.org"));
        CHECK(covers("shop.example.org", "shop.example.org"));
        CHECK_FALSE(covers("shop.example.org", "a.shop.example.org"));
        CHECK_FALSE(covers("shop.example.org", "example.org"));
        CHECK(
            covering("a.b.example.org") ==
            std::vector<std::string>{"a.b.example.org", "*.b.example.org", "*.example.org", "*.org"}
        );
    }

    TEST_CASE("what lies below a name starts with its tree") {
        CHECK(tree_of("shop.example.org") == "org.example.shop.");
        CHECK(tree_of("*.shop.example.org") == tree_of("shop.example.org"));
        CHECK(
            trees_above("shop.example.org") ==
            std::vector<std::string>{"org.", "org.example.", "org.example.shop."}
        );
    }

    TEST_CASE("names of internal networks and the controller's own cannot be claimed") {
        const std::string own = "fairlead.example.net";
        for (const char* name :
             {"odoo.local", "odoo.corp", "a.home.arpa", "*.odoo.internal", "shop.test",
              "fairlead.example.net", "a.fairlead.example.net", "*.fairlead.example.net"}) {
            CAPTURE(name);
            auto may = claimable(name, own);
            REQUIRE_FALSE(may);
            CHECK(may.error().code() == "domain_invalid");
        }
        CHECK(claimable("example.net", own));
        CHECK(claimable("*.example.net", own));
        CHECK(claimable("notfairlead.example.net", own));
        // The TXT record's own name has to be one.
        CHECK(claimable(times(45, "abcd.") + "abc.com", own)); // 232
        CHECK_FALSE(claimable(times(46, "abcd.") + "abc.com", own));
    }
}
