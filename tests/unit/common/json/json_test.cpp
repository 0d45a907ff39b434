#include "common/json/json.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using json::Strictness;

namespace {

BOOST_DEFINE_ENUM_CLASS(Colour, red, green)

struct Inner {
    std::string url;
    std::optional<int> port;
};
BOOST_DESCRIBE_STRUCT(Inner, (), (url, port))

struct Outer {
    std::string name;
    Colour colour = Colour::red;
    std::uint16_t count = 7;
    std::vector<Inner> items;
    std::map<std::string, std::string> labels;
};
BOOST_DESCRIBE_STRUCT(Outer, (), (name, colour, count, items, labels))

} // namespace

TEST_SUITE("common/json") {

    TEST_CASE("a struct goes out and comes back") {
        Outer outer{"a", Colour::green, 3, {{"u", 1}, {"v", std::nullopt}}, {{"k", "v"}}};
        auto text = json::encode(outer);
        CHECK(
            text ==
            R"({"name":"a","colour":"green","count":3,"items":[{"url":"u","port":1},{"url":"v","port":null}],"labels":{"k":"v"}})"
        );
        CHECK(json::encode(json::decode<Outer>(text, Strictness::exact).value()) == text);
    }

    TEST_CASE("exact reading names every missing, unknown and mistyped member") {
        auto error =
            json::decode<Outer>(
                R"({"name":1,"colour":"blue","count":70000,"items":[{"urll":"x"}],"labels":{}})",
                Strictness::exact
            )
                .error();
        CHECK(
            error.message() ==
            "name must be a string; colour must be one of red, green; "
            "count must be a whole number from 0 to 65535; items[0].url is required; "
            "items[0].urll is not known here."
        );
    }

    TEST_CASE("lenient reading keeps defaults for what is missing and ignores what is new") {
        auto outer = json::decode<Outer>(
                         R"({"name":"x","new":true,"colour":"ultraviolet"})", Strictness::lenient
        )
                         .value();
        CHECK(outer.count == 7);
        CHECK(outer.colour == Colour::red);
        CHECK(!json::decode<Outer>(R"({"name":[]})", Strictness::lenient));
    }

    TEST_CASE("numbers with fractions, out of range or as text are no whole numbers") {
        for (auto text : {"1.5", "-1", "65536", "1e99", "\"1\"", "true", "18446744073709551616"}) {
            CAPTURE(text);
            auto outer =
                json::decode<Outer>(std::string(R"({"count":)") + text + "}", Strictness::lenient);
            CHECK(!outer);
        }
    }

    TEST_CASE("bytes that are no UTF-8 go out as U+FFFD, and are read again") {
        Outer outer;
        outer.name = "caf\xe9";
        outer.labels = {{"k\xff", "\xe2\x82"}};
        auto text = json::encode(outer);
        auto back = json::decode<Outer>(text, Strictness::exact);
        REQUIRE(back);
        CHECK(back->name == "caf\ufffd");
        CHECK(back->labels == std::map<std::string, std::string>{{"k\ufffd", "\ufffd\ufffd"}});
        CHECK(json::serialize(boost::json::value("a\u20ac")) == "\"a\u20ac\"");
    }

    TEST_CASE("depth and size are limited, and rubbish is located") {
        CHECK(json::parse(std::string(32, '[') + std::string(32, ']')));
        CHECK(
            json::parse(std::string(33, '[') + std::string(33, ']')).error().message() ==
            "The JSON is nested deeper than 32 levels."
        );
        CHECK(json::parse("[1]", 2).error().kind() == Errc::invalid);
        for (auto text : {"", "{", "{\"a\":1,}", "1 2", "nul", "\"\x01\"", "{\"a\":1}x"}) {
            CAPTURE(text);
            CHECK(!json::parse(text));
        }
    }
}
