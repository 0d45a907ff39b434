#include "common/crypto/totp.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/openssl.hpp"
#include "common/crypto/random.hpp"

#include <openssl/hmac.h>

#include <algorithm>
#include <array>

namespace fairlead::crypto {
namespace {

constexpr std::size_t key_bytes = 20;
constexpr std::size_t digits = 6;

std::array<unsigned char, 20> hmac_sha1(const Secret& key, std::string_view data) {
    std::array<unsigned char, 20> mac{};
    unsigned size = 0;
    must(
        HMAC(
            EVP_sha1(), key.reveal().data(), static_cast<int>(key.reveal().size()),
            reinterpret_cast<const unsigned char*>(data.data()), data.size(), mac.data(), &size
        ) != nullptr &&
            size == mac.size(),
        "HMAC-SHA-1"
    );
    return mac;
}

bool unreserved(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

std::string percent_encoded(std::string_view text) {
    std::string result;
    for (unsigned char c : text)
        if (unreserved(c))
            result.push_back(static_cast<char>(c));
        else
            result += '%' + hex_encode({reinterpret_cast<const char*>(&c), 1});
    return result;
}

} // namespace

Secret make_totp_key() {
    return random_secret(key_bytes);
}

std::int64_t totp_step_of(Timestamp at) {
    return std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()) / totp_step;
}

std::string totp_code(const Secret& key, std::int64_t step) {
    std::string counter;
    for (int shift = 56; shift >= 0; shift -= 8)
        counter.push_back(static_cast<char>(static_cast<std::uint64_t>(step) >> shift));
    auto mac = hmac_sha1(key, counter);
    auto offset = mac.back() & 15u;
    auto number = (mac[offset] & 0x7fu) << 24 | std::uint32_t(mac[offset + 1]) << 16 |
                  std::uint32_t(mac[offset + 2]) << 8 | std::uint32_t(mac[offset + 3]);
    auto code = std::to_string(number % 1'000'000);
    return std::string(digits - code.size(), '0') + code;
}

std::optional<std::int64_t>
match_totp(const Secret& key, std::string_view code, Timestamp at, std::int64_t last_used) {
    std::string typed(code.substr(0, 20));
    std::erase(typed, ' ');
    auto now = totp_step_of(at);
    std::optional<std::int64_t> found;
    // All three are compared, so that the time tells nothing.
    for (auto step : {now - 1, now, now + 1})
        if (same(totp_code(key, step), typed) && step > last_used && !found) found = step;
    return found;
}

Secret totp_key_text(const Secret& key) {
    return Secret(base32_encode(key.reveal()));
}

Secret otpauth_uri(const Secret& key, std::string_view issuer, std::string_view account) {
    auto name = percent_encoded(issuer);
    auto text = totp_key_text(key);
    std::string uri = "otpauth://totp/" + name + ":" + percent_encoded(account) + "?secret=";
    uri += text.reveal();
    uri += "&issuer=" + name + "&algorithm=SHA1&digits=6&period=30";
    return Secret(std::move(uri));
}

} // namespace fairlead::crypto
