#include "common/crypto/seal.hpp"

#include "common/crypto/random.hpp"

#include <sodium.h>

#include <stdexcept>

namespace fairlead::crypto {
namespace {

constexpr std::size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(seal_overhead == nonce_size + tag_size);
static_assert(seal_key_size == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);

const unsigned char* raw(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

void expect_size(const Secret& key) {
    if (key.reveal().size() != seal_key_size) throw std::logic_error("a sealing key has 32 bytes");
}

} // namespace

std::string seal(const Secret& key, std::string_view plain, std::string_view context) {
    expect_size(key);
    auto sealed = random_bytes(nonce_size);
    sealed.resize(nonce_size + plain.size() + tag_size);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        reinterpret_cast<unsigned char*>(sealed.data() + nonce_size), nullptr, raw(plain),
        plain.size(), raw(context), context.size(), nullptr, raw(sealed), raw(key.reveal())
    );
    return sealed;
}

Result<Secret> open(const Secret& key, std::string_view sealed, std::string_view context) {
    expect_size(key);
    auto refused = [] {
        return fail(Errc::invalid, "A sealed value was altered, or is not from here.");
    };
    if (sealed.size() < seal_overhead) return refused();
    std::string plain(sealed.size() - seal_overhead, '\0');
    auto body = sealed.substr(nonce_size);
    int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(
        reinterpret_cast<unsigned char*>(plain.data()), nullptr, nullptr, raw(body), body.size(),
        raw(context), context.size(), raw(sealed), raw(key.reveal())
    );
    if (failed) return refused();
    return Secret(std::move(plain));
}

} // namespace fairlead::crypto
