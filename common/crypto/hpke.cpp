#include "common/crypto/hpke.hpp"

#include "common/crypto/openssl.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <array>

namespace fairlead::crypto {
namespace {

using CipherPtr = std::unique_ptr<EVP_CIPHER_CTX, FreeWith<EVP_CIPHER_CTX_free>>;

constexpr std::size_t hash_size = 32, key_size = 16, nonce_size = 12, tag_size = 16;

const unsigned char* raw(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* raw(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

std::string number(std::size_t value) { // two bytes, the high one first
    return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

/// Section 4.1 and 5.1: what keys and hashes are bound to.
const std::string kem_suite = "KEM" + number(0x0010);
const std::string suite = "HPKE" + number(0x0010) + number(0x0001) + number(0x0001);

std::string labeled_extract(
    const std::string& of, std::string_view salt, std::string_view label, std::string_view input
) {
    auto text = std::string("HPKE-v1").append(of).append(label).append(input);
    std::string found(hmac_sha256(salt, text).view());
    wipe(text);
    return found;
}

/// HKDF-Expand (RFC 5869): one block is enough for everything here.
std::string labeled_expand(
    const std::string& of, std::string_view key, std::string_view label, std::string_view info,
    std::size_t size
) {
    auto text = number(size) + "HPKE-v1" + of;
    text.append(label).append(info).append(1, '\x01');
    return std::string(hmac_sha256(key, text).view().substr(0, size));
}

PkeyPtr public_from_point(std::string_view point) {
    if (point.size() != hpke_key_size || point.front() != '\x04') return nullptr;
    auto context =
        owned<PkeyCtxPtr>(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr), "EVP_PKEY_CTX_new");
    must(EVP_PKEY_fromdata_init(context.get()) == 1, "EVP_PKEY_fromdata_init");
    std::string group = "P-256", bytes(point);
    std::array<OSSL_PARAM, 3> parts{
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, bytes.data(), bytes.size()),
        OSSL_PARAM_construct_end()};
    EVP_PKEY* made = nullptr;
    int done = EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parts.data());
    PkeyPtr key(made);
    ERR_clear_error();
    if (done != 1 || !key) return nullptr;
    // A point that is not on the curve would give bits of the other key away.
    auto check = owned<PkeyCtxPtr>(EVP_PKEY_CTX_new(key.get(), nullptr), "EVP_PKEY_CTX_new");
    bool sound = EVP_PKEY_public_check(check.get()) == 1;
    ERR_clear_error();
    return sound ? std::move(key) : nullptr;
}

/// The x-coordinate of the shared point.
std::string shared_point(EVP_PKEY* ours, EVP_PKEY* theirs) {
    auto context = owned<PkeyCtxPtr>(EVP_PKEY_CTX_new(ours, nullptr), "EVP_PKEY_CTX_new");
    must(EVP_PKEY_derive_init(context.get()) == 1, "EVP_PKEY_derive_init");
    must(EVP_PKEY_derive_set_peer(context.get(), theirs) == 1, "EVP_PKEY_derive_set_peer");
    std::size_t size = 0;
    must(EVP_PKEY_derive(context.get(), nullptr, &size) == 1, "EVP_PKEY_derive");
    std::string point(size, '\0');
    must(EVP_PKEY_derive(context.get(), raw(point), &size) == 1, "EVP_PKEY_derive");
    point.resize(size);
    return point;
}

struct Keys {
    std::string key, nonce;
    ~Keys() { wipe(key); }
};

/// ExtractAndExpand and the key schedule of sections 4.1 and 5.1; mode and PSK are none.
Keys schedule(
    std::string point, std::string_view encapsulated, std::string_view recipient,
    std::string_view info
) {
    auto extracted = labeled_extract(kem_suite, "", "eae_prk", point);
    wipe(point);
    auto both = std::string(encapsulated).append(recipient);
    auto shared = labeled_expand(kem_suite, extracted, "shared_secret", both, hash_size);
    auto context = std::string(1, '\0') + labeled_extract(suite, "", "psk_id_hash", "") +
                   labeled_extract(suite, "", "info_hash", info);
    auto secret = labeled_extract(suite, shared, "secret", "");
    Keys keys{
        labeled_expand(suite, secret, "key", context, key_size),
        labeled_expand(suite, secret, "base_nonce", context, nonce_size)};
    wipe(extracted);
    wipe(shared);
    wipe(secret);
    return keys;
}

CipherPtr cipher() {
    return owned<CipherPtr>(EVP_CIPHER_CTX_new(), "EVP_CIPHER_CTX_new");
}

std::string encrypt(const Keys& keys, std::string_view additional, std::string_view plain) {
    auto context = cipher();
    std::string out(plain.size() + tag_size, '\0');
    int size = 0;
    must(
        EVP_EncryptInit_ex(
            context.get(), EVP_aes_128_gcm(), nullptr, raw(keys.key), raw(keys.nonce)
        ) == 1,
        "EVP_EncryptInit"
    );
    must(
        EVP_EncryptUpdate(
            context.get(), nullptr, &size, raw(additional), static_cast<int>(additional.size())
        ) == 1,
        "EVP_EncryptUpdate"
    );
    must(
        EVP_EncryptUpdate(
            context.get(), raw(out), &size, raw(plain), static_cast<int>(plain.size())
        ) == 1,
        "EVP_EncryptUpdate"
    );
    must(EVP_EncryptFinal_ex(context.get(), raw(out) + size, &size) == 1, "EVP_EncryptFinal");
    must(
        EVP_CIPHER_CTX_ctrl(
            context.get(), EVP_CTRL_GCM_GET_TAG, tag_size, out.data() + plain.size()
        ) == 1,
        "EVP_CTRL_GCM_GET_TAG"
    );
    return out;
}

tl::unexpected<Error> refused() {
    return fail(Errc::invalid, "It was sealed for another key or purpose, or was changed since.");
}

} // namespace

std::string hpke_public(const P256Key& key) {
    std::array<unsigned char, hpke_key_size> point{};
    std::size_t size = 0;
    must(
        EVP_PKEY_get_octet_string_param(
            key.native(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(), &size
        ) == 1 &&
            size == point.size() && point.front() == 4,
        "the public half of a key"
    );
    return {reinterpret_cast<const char*>(point.data()), point.size()};
}

Result<std::string> hpke_seal_by(
    const P256Key& ephemeral, std::string_view recipient, std::string_view info,
    std::string_view additional, std::string_view plain
) {
    auto theirs = public_from_point(recipient);
    if (!theirs) return fail(Errc::invalid, "The key to seal for is no point of P-256.");
    auto sealed = hpke_public(ephemeral);
    auto point = shared_point(ephemeral.native(), theirs.get());
    auto keys = schedule(std::move(point), sealed, recipient, info);
    return sealed + encrypt(keys, additional, plain);
}

Result<std::string>
hpke_seal(std::string_view recipient, std::string_view info, std::string_view plain) {
    return hpke_seal_by(P256Key::generate(), recipient, info, "", plain);
}

Result<Secret> hpke_open(const P256Key& key, std::string_view info, std::string_view sealed) {
    if (sealed.size() < hpke_overhead) return refused();
    auto encapsulated = sealed.substr(0, hpke_key_size);
    auto theirs = public_from_point(encapsulated);
    if (!theirs) return refused();
    auto keys =
        schedule(shared_point(key.native(), theirs.get()), encapsulated, hpke_public(key), info);
    auto body = sealed.substr(hpke_key_size, sealed.size() - hpke_overhead);
    std::string tag(sealed.substr(sealed.size() - tag_size)), plain(body.size(), '\0');
    auto context = cipher();
    int size = 0;
    must(
        EVP_DecryptInit_ex(
            context.get(), EVP_aes_128_gcm(), nullptr, raw(keys.key), raw(keys.nonce)
        ) == 1,
        "EVP_DecryptInit"
    );
    must(
        EVP_DecryptUpdate(
            context.get(), raw(plain), &size, raw(body), static_cast<int>(body.size())
        ) == 1,
        "EVP_DecryptUpdate"
    );
    must(
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, tag_size, tag.data()) == 1,
        "EVP_CTRL_GCM_SET_TAG"
    );
    int rest = 0;
    bool good = EVP_DecryptFinal_ex(context.get(), raw(plain) + size, &rest) == 1;
    ERR_clear_error();
    if (!good) {
        wipe(plain);
        return refused();
    }
    return Secret(std::move(plain));
}

} // namespace fairlead::crypto
