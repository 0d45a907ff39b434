#include "common/crypto/encoding.hpp"

#include <sodium.h>

namespace fairlead::crypto {
namespace {

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
    std::string text;
    text.reserve(bytes.size() * 2);
    for (unsigned char byte : bytes) {
        text.push_back(digits[byte >> 4]);
        text.push_back(digits[byte & 15]);
    }
    return text;
}

Result<std::string> hex_decode(std::string_view text) {
    auto value = [](char digit) {
        if (digit >= '0' && digit <= '9') return digit - '0';
        if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
        return -1;
    };
    if (text.size() % 2 != 0) return fail(Errc::invalid, "That is no hex text: its length is odd.");
    std::string bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        int high = value(text[i]), low = value(text[i + 1]);
        if (high < 0 || low < 0)
            return fail(Errc::invalid, "That is no hex text: only 0-9 and a-f are known.");
        bytes.push_back(static_cast<char>(high << 4 | low));
    }
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
