#include "common/crypto/encoding.hpp"
#include "common/crypto/totp.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::crypto;
using namespace std::chrono_literals;

namespace {

const Secret rfc_key(std::string("12345678901234567890"));

constexpr std::int64_t never = -1;

Timestamp at_second(std::int64_t seconds) {
    return Timestamp(std::chrono::seconds(seconds));
}

} // namespace

TEST_SUITE("common/crypto/totp") {

    TEST_CASE("codes of counters are those of RFC 4226 appendix D") {
        const char* codes[] = {"755224", "287082", "359152", "969429", "338314",
                               "254676", "287922", "162583", "399871", "520489"};
        for (int counter = 0; counter < 10; ++counter)
            CHECK(totp_code(rfc_key, counter) == codes[counter]);
    }

    TEST_CASE("codes of times are the last six digits of RFC 6238 appendix B") {
        struct {
            std::int64_t seconds;
            const char* code;
        } rows[] = {{59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
                    {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
        for (const auto& row : rows) {
            CAPTURE(row.seconds);
            CHECK(totp_code(rfc_key, totp_step_of(at_second(row.seconds))) == row.code);
        }
    }

    TEST_CASE("a code is good in its own half minute and the ones beside it, and no longer") {
        auto step = totp_step_of(at_second(1'000'020)); // a step begins here
        auto code = totp_code(rfc_key, step);
        auto begin = at_second(1'000'020);
        for (auto late : {-30s, -1s, 0s, 29s, 59s})
            CHECK(match_totp(rfc_key, code, begin + late, never) == step);
        for (auto late : {-31s, 60s, 3600s}) CHECK(!match_totp(rfc_key, code, begin + late, never));
    }

    TEST_CASE("a code counts once, and none from before the last one counts") {
        auto now = at_second(1'000'020);
        auto step = totp_step_of(now);
        CHECK(match_totp(rfc_key, totp_code(rfc_key, step), now, step - 1) == step);
        CHECK(!match_totp(rfc_key, totp_code(rfc_key, step), now, step));
        CHECK(!match_totp(rfc_key, totp_code(rfc_key, step - 1), now, step));
        CHECK(match_totp(rfc_key, totp_code(rfc_key, step + 1), now, step) == step + 1);
    }

    TEST_CASE("spaces as apps show them are fine, anything else is not") {
        auto now = at_second(59);
        CHECK(match_totp(rfc_key, "287 082", now, never));
        for (const char* wrong : {"", "287081", "28708", "2870820", "287o82", "-87082"})
            CHECK(!match_totp(rfc_key, wrong, now, never));
    }

    TEST_CASE("keys are random and typed in base 32") {
        CHECK(make_totp_key().reveal().size() == 20);
        CHECK(make_totp_key().reveal() != make_totp_key().reveal());
        CHECK(totp_key_text(rfc_key).reveal() == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        // RFC 4648 section 10, without padding.
        const char* rows[][2] = {
            {"", ""},
            {"f", "MY"},
            {"fo", "MZXQ"},
            {"foo", "MZXW6"},
            {"foob", "MZXW6YQ"},
            {"fooba", "MZXW6YTB"},
            {"foobar", "MZXW6YTBOI"}};
        for (const auto& [plain, text] : rows) CHECK(base32_encode(plain) == text);
    }

    TEST_CASE("the address for a QR picture names issuer and account, escaped") {
        CHECK(
            otpauth_uri(rfc_key, "Fairlead & Co", "ann+odoo@example.org").reveal() ==
            "otpauth://totp/Fairlead%20%26%20Co:ann%2bodoo%40example.org"
            "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Fairlead%20%26%20Co"
            "&algorithm=SHA1&digits=6&period=30"
        );
    }
}
