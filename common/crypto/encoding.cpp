#include "common/crypto/encoding.hpp"

#include <sodium.h>

#include <array>

namespace fairlead::crypto {
namespace {

/// -1 for what is no digit. A table: what hash a line has, no branch can foresee.
constexpr auto hex_values = [] {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (char digit = 0; digit < 16; ++digit) values["0123456789abcdef"[int(digit)]] = digit;
    return values;
}();

std::string to_base64(std::string_view bytes, int variant) {
    std::string text(sodium_base64_encoded_len(bytes.size(), variant), '\0');
    sodium_bin2base64(
        text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
        bytes.size(), variant
    );
    text.pop_back(); // libsodium's terminating zero
    return text;
}

Result<std::string> from_base64(std::string_view text, int variant) {
    std::string bytes(text.size(), '\0');
    std::size_t size = 0;
    const char* end = nullptr;
    int failed = sodium_base642bin(
        reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(), text.size(),
        nullptr, &size, &end, variant
    );
    bytes.resize(failed ? 0 : size);
    // The last test refuses spare bits that are not zero: one spelling a value.
    if (failed || end != text.data() + text.size() || to_base64(bytes, variant) != text)
        return fail(Errc::invalid, "That is no base64 text.");
    return bytes;
}

} // namespace

std::string hex_encode(std::string_view bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text(bytes.size() * 2, '\0');
    auto* to = text.data();
    for (unsigned char byte : bytes) {
        *to++ = digits[byte >> 4];
        *to++ = digits[byte & 15];
    }
    return text;
}

bool hex_decode(std::string_view text, std::span<std::uint8_t> bytes) {
    if (text.size() != bytes.size() * 2) return false;
    const auto* from = reinterpret_cast<const unsigned char*>(text.data());
    int wrong = 0;
    for (auto& byte : bytes) {
        int high = hex_values[*from++], low = hex_values[*from++];
        wrong |= high | low; // of a wrong one the sign
        byte = static_cast<std::uint8_t>(high * 16 + low);
    }
    return wrong >= 0;
}

Result<std::string> hex_decode(std::string_view text) {
    if (text.size() % 2 != 0) return fail(Errc::invalid, "That is no hex text: its length is odd.");
    std::string bytes(text.size() / 2, '\0');
    if (!hex_decode(text, {reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()}))
        return fail(Errc::invalid, "That is no hex text: only 0-9 and a-f are known.");
    return bytes;
}

std::string base64url_encode(std::string_view bytes) {
    return to_base64(bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}
Result<std::string> base64url_decode(std::string_view text) {
    return from_base64(text, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}
std::string base64_encode(std::string_view bytes) {
    return to_base64(bytes, sodium_base64_VARIANT_ORIGINAL);
}
Result<std::string> base64_decode(std::string_view text) {
    return from_base64(text, sodium_base64_VARIANT_ORIGINAL);
}
std::string base32_encode(std::string_view bytes) {
    static constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    std::string text;
    unsigned held = 0, bits = 0;
    for (unsigned char byte : bytes) {
        held = held << 8 | byte;
        for (bits += 8; bits >= 5; bits -= 5) text.push_back(alphabet[held >> (bits - 5) & 31]);
    }
    if (bits > 0) text.push_back(alphabet[held << (5 - bits) & 31]);
    return text;
}

} // namespace fairlead::crypto
