#include "common/crypto/token.hpp"

#include "common/crypto/hash.hpp"
#include "common/crypto/random.hpp"

#include <cstdint>

namespace fairlead::crypto {
namespace {

constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::size_t random_size = 32;
constexpr std::size_t checksum_size = 6;

std::string checksum(std::string_view token) {
    auto digest = sha256(token);
    std::string text;
    for (std::size_t i = 0; i < checksum_size; ++i) text.push_back(alphabet[digest.bytes[i] & 31]);
    return text;
}

} // namespace

Secret make_token(std::string_view prefix) {
    auto random = random_bytes(random_size);
    std::string token;
    token.reserve(prefix.size() + random_size + checksum_size);
    token += prefix;
    for (unsigned char byte : random) token.push_back(alphabet[byte & 31]);
    token += checksum(token);
    wipe(random);
    return Secret(std::move(token));
}

bool well_formed_token(std::string_view prefix, std::string_view token) {
    if (token.size() != prefix.size() + random_size + checksum_size || !token.starts_with(prefix))
        return false;
    if (token.find_first_not_of(alphabet, prefix.size()) != std::string_view::npos) return false;
    return token.substr(prefix.size() + random_size) ==
           checksum(token.substr(0, prefix.size() + random_size));
}

std::string token_hash(std::string_view token) {
    return sha256(token).hex();
}

} // namespace fairlead::crypto
