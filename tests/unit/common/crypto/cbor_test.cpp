#include "common/crypto/cbor.hpp"
#include "common/crypto/encoding.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <random>

using namespace fairlead;
using namespace fairlead::crypto;

namespace {

std::string bytes(std::string_view hex) {
    return hex_decode(hex).value();
}

} // namespace

TEST_SUITE("common/crypto/cbor") {

    TEST_CASE("whole numbers are read as RFC 8949 appendix A writes them") {
        struct {
            const char* hex;
            std::int64_t value;
        } rows[] = {
            {"00", 0},
            {"17", 23},
            {"1818", 24},
            {"1903e8", 1000},
            {"1a000f4240", 1000000},
            {"1b000000e8d4a51000", 1000000000000},
            {"20", -1},
            {"29", -10},
            {"3863", -100},
            {"3903e7", -1000},
            {"390100", -257},
            {"3b7fffffffffffffff", std::numeric_limits<std::int64_t>::min()},
        };
        for (const auto& row : rows) {
            CAPTURE(row.hex);
            auto whole = bytes(row.hex);
            CHECK(Cbor::parse(whole).value().integer() == row.value);
        }
    }

    TEST_CASE("strings are views of what was read, and a map finds its values by number and name") {
        auto whole = bytes("a4016161024201022003636b657983010203");
        auto map = Cbor::parse(whole).value();
        CHECK(map.kind() == Cbor::Kind::map);
        CHECK(map.size() == 4);
        CHECK(map.find(1)->text() == "a");
        CHECK(map.find(1)->text()->data() == whole.data() + 3);
        CHECK(map.find(2)->bytes() == std::string_view("\x01\x02"));
        CHECK(map.find(-1)->integer() == 3);
        CHECK(map.find("key")->kind() == Cbor::Kind::array);
        CHECK(map.find("other") == nullptr);
        CHECK(map.find(7) == nullptr);
        CHECK(!map.find(1)->bytes());
        CHECK(!map.find(1)->integer());
    }

    TEST_CASE("an item is taken off the front, and what follows stays") {
        auto whole = bytes("8201f5f6");
        std::string_view rest = whole;
        CHECK(Cbor::take(rest).value().kind() == Cbor::Kind::array);
        CHECK(rest == bytes("f6"));
        CHECK(!Cbor::parse(whole));
    }

    TEST_CASE("what an authenticator does not write is refused") {
        struct {
            const char* why;
            const char* hex;
        } rows[] = {
            {"nothing at all", ""},
            {"an indefinite string", "5f42010243030405ff"},
            {"an indefinite map", "bf6161019fffff"},
            {"a reserved length", "1c"},
            {"a break alone", "ff"},
            {"a tag", "c11a514b67b0"},
            {"a number beyond 63 bits", "1bffffffffffffffff"},
            {"a negative number beyond 63 bits", "3bffffffffffffffff"},
            {"a key twice", "a201010102"},
            {"a key that is a list", "a1800101"},
            {"a text key twice", "a2616101616102"},
            {"nine levels below the first", "81818181818181818100"},
            {"a list that claims 4 billion entries", "9affffffff00"},
            {"a list that claims 2^63 entries", "9b8000000000000000"},
            {"a map that claims 2^63 entries", "bb800000000000000000"},
            {"a string that claims 2^63 bytes", "5b800000000000000000"},
            {"a string that claims all bytes there are", "5bffffffffffffffff00"},
        };
        for (const auto& row : rows) {
            CAPTURE(row.why);
            auto whole = bytes(row.hex);
            auto read = Cbor::parse(whole);
            REQUIRE(!read);
            CHECK(read.error().kind() == Errc::invalid);
        }
        auto eight = bytes("818181818181818100");
        CHECK(Cbor::parse(eight));
    }

    TEST_CASE("cut off anywhere it is refused") {
        auto whole = bytes("a363666d74646e6f6e656761747453746d74a0686175746844617461441a2b3c4d");
        REQUIRE(Cbor::parse(whole));
        for (std::size_t size = 0; size < whole.size(); ++size) {
            // A copy of that length, so that the address sanitizer sees one byte too many.
            auto part = whole.substr(0, size);
            part.shrink_to_fit();
            CAPTURE(size);
            CHECK(!Cbor::parse(part));
        }
    }

    TEST_CASE("random bytes are read or refused, and nothing else happens") {
        std::mt19937 random(7);
        for (int round = 0; round < 20000; ++round) {
            std::string any(random() % 40, '\0');
            for (char& c : any) c = static_cast<char>(random());
            std::string_view rest = any;
            auto read = Cbor::take(rest);
            CHECK(rest.size() <= any.size());
            if (read && read->bytes()) CHECK(read->bytes()->size() < any.size());
        }
    }
}
