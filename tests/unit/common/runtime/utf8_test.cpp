#include "common/runtime/utf8.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace fairlead;

TEST_SUITE("common/runtime/utf8") {

    TEST_CASE("letters of every length are letters, from the first to the last of each") {
        for (const std::string text :
             {"\x7f", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\U00010000",
              "\U0010ffff"}) {
            CAPTURE(text);
            CHECK(utf8::letter(text) == text.size());
            CHECK(utf8::letter(text + "x") == text.size());
            CHECK(utf8::repaired(text) == text);
            for (std::size_t cut = 1; cut < text.size(); ++cut)
                CHECK(utf8::letter(text.substr(0, cut)) == 0);
        }
        CHECK(utf8::letter("") == 0);
        CHECK(utf8::letter(std::string(1, '\0')) == 1);
    }

    TEST_CASE("what is no letter is none, and each byte of it is replaced") {
        for (const std::string text :
             {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
              "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
              "\xc3(", "\xe2\x82(", "\xf0\x9f\x98("}) {
            CAPTURE(text);
            CHECK(utf8::letter(text) == 0);
            CHECK_FALSE(utf8::valid("a" + text));
            CHECK(utf8::valid(utf8::repaired("a" + text + "b")));
        }
        CHECK(utf8::repaired("caf\xe9 \xe2\x82") == "caf\ufffd \ufffd\ufffd");
        CHECK(utf8::repaired("\xc3(") == "\ufffd(");
    }

    TEST_CASE("a cut is at the end of a letter, and text that fits stays whole") {
        const std::string text = "a\u00e9\u20ac\U0001f600"; // 1, 2, 3 and 4 bytes
        const std::size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
        for (std::size_t bytes = 0; bytes < std::size(ends); ++bytes)
            CHECK(utf8::cut(text, bytes).size() == ends[bytes]);
        // Of what is no UTF-8 something is left.
        CHECK(utf8::cut(std::string(9, '\x80'), 8).size() == 8);
    }
}
