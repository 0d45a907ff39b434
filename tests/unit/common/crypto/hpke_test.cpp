#include "common/crypto/encoding.hpp"
#include "common/crypto/hpke.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::crypto;

namespace {

P256Key key_of(std::string_view body) {
    const std::string kind = "PRIVATE KEY-----\n";
    return P256Key::from_pem("-----BEGIN " + kind + std::string(body) + "-----END " + kind).value();
}

/// skEm and skRm of RFC 9180 A.3.1.
P256Key ephemeral() {
    return key_of("MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSZV4jvS51hMrJJzl\n"
                  "mncoFJPrOa83PSNqH+QVywwte+uhRANCAASpJxnGGV1QhRBPRpqLmBTVg4/3K2BQ\n"
                  "HixEZuXmezJayYU217YaGvS3jlt/lRwJAL6GPEA85lyb/Lk4JlciLRjE\n");
}
P256Key recipient() {
    return key_of("MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg885/2uV+GjENh/Hr\n"
                  "vebzKL4Kmc28rfTWWJzyneS4/9KhRANCAAT+jBnOCQUZHrwpipJFeSUx8m8M7OJG\n"
                  "BjnovDnLf3Bqgmp3m0z5abig5TnH9i+z0wrWqo+A4w8dEoqv1oos5y6g\n");
}

const std::string ode = "Ode on a Grecian Urn", beauty = "Beauty is truth, truth beauty";

} // namespace

TEST_SUITE("common/crypto/hpke") {

    TEST_CASE("RFC 9180 A.3.1") {
        auto to = hpke_public(recipient());
        CHECK(
            hex_encode(to) == "04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a"
                              "779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0"
        );
        auto sealed = hpke_seal_by(ephemeral(), to, ode, "Count-0", beauty);
        REQUIRE(sealed);
        CHECK(
            hex_encode(sealed->substr(0, hpke_key_size)) ==
            "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac9"
            "8536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4"
        );
        CHECK(
            hex_encode(sealed->substr(hpke_key_size)) ==
            "5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f"
            "39513434"
        );
    }

    TEST_CASE("what another implementation sealed is opened") {
        // By pyca/cryptography 48.
        auto sealed = base64url_decode(
            "BPoXLBLpJG2ciZ4zuwenWKXujWdS9a1jc3I7h9R0sLMM44urkwl0WRDARwfFpYi4JQCpxtxRRTLAklxdYdQgei"
            "dTUs3JoRQfSsJwb2HlDFetBrQJ1vIuyvsVbWKesDdquMBVE-Kji6DAnfdP4k4"
        );
        REQUIRE(sealed);
        auto opened = hpke_open(recipient(), "odoo.login\nenv_1", *sealed);
        REQUIRE(opened);
        CHECK(opened->reveal() == beauty);
        CHECK_FALSE(hpke_open(recipient(), "odoo.login\nenv_2", *sealed));
        CHECK_FALSE(hpke_open(ephemeral(), "odoo.login\nenv_1", *sealed));
    }

    TEST_CASE("no two are alike, and what was altered or cut does not open") {
        auto key = P256Key::generate();
        auto one = hpke_seal(hpke_public(key), "i", ""), two = hpke_seal(hpke_public(key), "i", "");
        REQUIRE(one);
        REQUIRE(two);
        CHECK(*one != *two);
        CHECK(one->size() == hpke_overhead);
        CHECK(hpke_open(key, "i", *one)->reveal().empty());
        auto whole = hpke_seal(hpke_public(key), "i", "a text").value();
        CHECK(hpke_open(key, "i", whole)->reveal() == "a text");
        for (std::size_t at = 0; at < whole.size(); at += 7) {
            auto altered = whole;
            altered[at] = static_cast<char>(altered[at] ^ 1);
            CHECK_FALSE(hpke_open(key, "i", altered));
            CHECK_FALSE(hpke_open(key, "i", whole.substr(0, at)));
        }
    }

    TEST_CASE("what is no point of the curve is sealed for by nobody") {
        CHECK_FALSE(hpke_seal("", "i", "x"));
        CHECK_FALSE(hpke_seal(std::string(65, '\x04'), "i", "x"));
        auto off = hpke_public(recipient());
        off.back() = static_cast<char>(off.back() ^ 1);
        CHECK_FALSE(hpke_seal(off, "i", "x"));
        CHECK_FALSE(hpke_seal(std::string(1, '\0') + std::string(64, '\0'), "i", "x"));
    }
}
