#include "common/crypto/bech32.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::crypto;

TEST_SUITE("common/crypto/bech32") {

    TEST_CASE("what BIP-173 calls valid is read, and written again as its lower case") {
        std::string long_one = "11" + std::string(82, 'q') + "c8247j";
        for (std::string text :
             {std::string("A12UEL5L"), std::string("a12uel5l"),
              std::string("an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcluded"
                          "charactersbio1tt5tgs"),
              std::string("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw"), long_one,
              std::string("split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w"),
              std::string("?1ezyfcl")}) {
            CAPTURE(text);
            auto read = bech32_decode(text);
            REQUIRE(read);
            auto lower = text;
            for (char& c : lower)
                if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
            CHECK(bech32_encode(read->prefix, read->data.reveal()).reveal() == lower);
        }
    }

    TEST_CASE("what BIP-173 calls invalid is refused, as is what spells a value twice") {
        for (std::string text :
             {std::string(" 1nwldj5"),
              std::string("\x7f"
                          "1axkwrx"),
              std::string("\x80"
                          "1eym55h"),
              std::string("an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcluded"
                          "charactersbio1569pvx"),
              std::string("pzry9x0s0muk"), std::string("1pzry9x0s0muk"), std::string("x1b4n0q5v"),
              std::string("li1dgmt3"), std::string("de1lg7wt\xff"), std::string("A1G7SGD8"),
              std::string("10a06t8"), std::string("1qzzfhee"), std::string("A12uEL5L"),
              std::string(), std::string(2000, 'q')}) {
            CAPTURE(text);
            CHECK(!bech32_decode(text));
        }
        // A whole group of five bits that belongs to no byte, and one with bits that are not zero.
        CHECK(!bech32_decode("age1qdd35qf"));
        CHECK(!bech32_decode("age1qpu0j2ex"));
        CHECK(bech32_decode("age1qywnyetw").value().data.reveal() == "\x01");
    }

    TEST_CASE("every length comes back") {
        std::string data;
        for (int i = 0; i < 70; ++i) {
            auto text = bech32_encode("age", data);
            auto read = bech32_decode(text.reveal());
            REQUIRE(read);
            CHECK(read->data.reveal() == data);
            data.push_back(static_cast<char>(i * 37 + 1));
        }
    }
}
