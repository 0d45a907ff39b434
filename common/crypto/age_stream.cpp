#include "common/crypto/age_stream.hpp"

#include "common/crypto/age_header.hpp"

#include <sodium.h>

namespace fairlead::crypto::age {
namespace {

static_assert(tag_size == crypto_aead_chacha20poly1305_ietf_ABYTES);

const unsigned char* raw(std::span<const std::byte> bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

} // namespace

ChunkCipher::ChunkCipher(const Secret& file_key, std::string_view nonce)
    : key_(derive(file_key.reveal(), nonce, "payload")) {
    static_assert(sizeof nonce_ == crypto_aead_chacha20poly1305_ietf_NPUBBYTES);
}

void ChunkCipher::seal(std::span<const std::byte> from, unsigned char* into, bool last) {
    crypto_aead_chacha20poly1305_ietf_encrypt(
        into, nullptr, raw(from), from.size(), nullptr, 0, nullptr, next_nonce(last), key()
    );
}

bool ChunkCipher::open(std::span<const std::byte> from, unsigned char* into, bool last) {
    return crypto_aead_chacha20poly1305_ietf_decrypt(
               into, nullptr, nullptr, raw(from), from.size(), nullptr, 0, next_nonce(last), key()
           ) == 0;
}

const unsigned char* ChunkCipher::key() const {
    return reinterpret_cast<const unsigned char*>(key_.reveal().data());
}

/// The chunk's number in eleven bytes, of which eight are enough, and whether it is the last.
const unsigned char* ChunkCipher::next_nonce(bool last) {
    for (int i = 0; i < 8; ++i) nonce_[10 - i] = static_cast<unsigned char>(counter_ >> (8 * i));
    nonce_[11] = last ? 1 : 0;
    ++counter_;
    return nonce_;
}

} // namespace fairlead::crypto::age
