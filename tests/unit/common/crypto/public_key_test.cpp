#include "common/crypto/encoding.hpp"
#include "common/crypto/public_key.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace fairlead;
using namespace fairlead::crypto;

namespace {

std::string decoded(std::string_view text) {
    return base64url_decode(text).value();
}

// RFC 7515 appendix A.2.
constexpr auto rsa_n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-"
                       "4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL"
                       "-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-"
                       "bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-"
                       "KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_"
                       "I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_"
                       "h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
constexpr auto claims =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290"
    "Ijp0cnVlfQ";
constexpr auto rsa_signature =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
    "O8W2Fp5jujGbds9"
    "uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"
    "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB"
    "_eSN9383LcOLn6_dO--xi12jzDwusC-"
    "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rq"
    "Vt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

// RFC 7515 appendix A.3.
constexpr auto ec_x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
constexpr auto ec_y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
constexpr auto ec_signature =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

// RFC 8037 appendix A.4.
constexpr auto ed_x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
constexpr auto ed_text = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
constexpr auto ed_signature =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

} // namespace

TEST_SUITE("common/crypto/public_key") {

    TEST_CASE("the RFCs' own signatures are right, and nothing else with the same key") {
        auto rsa = PublicKey::rsa(decoded(rsa_n), decoded("AQAB"));
        auto ec = PublicKey::p256(decoded(ec_x), decoded(ec_y));
        auto ed = PublicKey::ed25519(decoded(ed_x));
        REQUIRE(rsa);
        REQUIRE(ec);
        REQUIRE(ed);
        auto rsa_text = std::string("eyJhbGciOiJSUzI1NiJ9.") + claims;
        auto ec_text = std::string("eyJhbGciOiJFUzI1NiJ9.") + claims;
        using enum SignatureKind;
        CHECK(rsa->verify(rs256, rsa_text, decoded(rsa_signature)));
        CHECK(ec->verify(es256, ec_text, decoded(ec_signature)));
        CHECK(ed->verify(eddsa, ed_text, decoded(ed_signature)));

        CHECK_FALSE(rsa->verify(rs256, ec_text, decoded(rsa_signature)));
        CHECK_FALSE(rsa->verify(ps256, rsa_text, decoded(rsa_signature)));
        CHECK_FALSE(rsa->verify(es256, rsa_text, decoded(rsa_signature)));
        CHECK_FALSE(ec->verify(es256, rsa_text, decoded(ec_signature)));
        CHECK_FALSE(ec->verify(rs256, ec_text, decoded(ec_signature)));
        CHECK_FALSE(ed->verify(eddsa, ec_text, decoded(ed_signature)));
        CHECK_FALSE(ed->verify(eddsa, ed_text, decoded(ec_signature)));
        for (auto size : {0, 1, 63, 65, 128}) {
            CHECK_FALSE(ec->verify(es256, ec_text, std::string(size, '\0')));
            CHECK_FALSE(ed->verify(eddsa, ed_text, std::string(size, '\0')));
            CHECK_FALSE(rsa->verify(rs256, rsa_text, std::string(size, '\0')));
        }
        // CVE-2022-21449: r and s of zero sign nothing.
        CHECK_FALSE(ec->verify(es256, ec_text, std::string(64, '\0')));
    }

    TEST_CASE("numbers that are no key are refused") {
        auto n = decoded(rsa_n);
        for (auto e :
             {std::string(), std::string("\0", 1), std::string("\1"), std::string("\2"),
              std::string("\1\0\0", 3), std::string("\1\0\0\0\1", 5)})
            CHECK_FALSE(PublicKey::rsa(n, e));
        CHECK(PublicKey::rsa(n, "\3"));
        CHECK_FALSE(PublicKey::rsa(n.substr(0, 255), "\3"));
        CHECK_FALSE(PublicKey::rsa(n.substr(0, 255) + '\2', "\3"));
        CHECK_FALSE(PublicKey::rsa(std::string(2048, '\xff'), "\3"));
        CHECK_FALSE(PublicKey::rsa("", "\3"));

        auto x = decoded(ec_x), y = decoded(ec_y);
        CHECK_FALSE(PublicKey::p256(x, x));
        CHECK_FALSE(PublicKey::p256(x, y.substr(1)));
        CHECK_FALSE(PublicKey::p256(std::string(32, '\0'), std::string(32, '\0')));
        CHECK_FALSE(PublicKey::p256("", ""));
        CHECK_FALSE(PublicKey::ed25519(""));
        CHECK_FALSE(PublicKey::ed25519(std::string(33, 'x')));
    }
}
