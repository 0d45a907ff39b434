#include "common/crypto/p256.hpp"

#include "common/crypto/openssl.hpp"
#include "common/runtime/file.hpp"

namespace fairlead::crypto {

constexpr std::size_t pem_limit = 4096;

void P256Key::Free::operator()(evp_pkey_st* key) const {
    EVP_PKEY_free(key);
}

bool is_p256(const EVP_PKEY* key) {
    if (!key || !EVP_PKEY_is_a(key, "EC")) return false;
    char group[64];
    std::size_t size = 0;
    return EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1 &&
           std::string_view(group, size) == "prime256v1";
}

PkeyPtr public_from_der(std::string_view der) {
    if (der.size() > pem_limit) return nullptr;
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const auto* end = at + der.size();
    PkeyPtr key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
    ERR_clear_error();
    if (!key || at != end || !is_p256(key.get())) return nullptr;
    return key;
}

P256Key P256Key::generate() {
    auto* key = EVP_EC_gen("P-256");
    must(key != nullptr, "EVP_EC_gen");
    return P256Key(key);
}

Result<P256Key> P256Key::from_pem(std::string_view pem) {
    auto refused = [] {
        return fail(Errc::invalid, "That is no unencrypted P-256 private key in PEM.");
    };
    if (pem.size() > pem_limit) return refused();
    auto bio = reader_of(pem);
    PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
    ERR_clear_error();
    if (!key || !is_p256(key.get())) return refused();
    auto context = owned<PkeyCtxPtr>(EVP_PKEY_CTX_new(key.get(), nullptr), "EVP_PKEY_CTX_new");
    bool sound = EVP_PKEY_pairwise_check(context.get()) == 1;
    ERR_clear_error();
    if (!sound) return refused();
    return P256Key(key.release());
}

Result<P256Key> P256Key::load(const std::filesystem::path& file) {
    FAIRLEAD_TRY(pem, read_file(file, pem_limit));
    auto key = from_pem(pem);
    wipe(pem);
    if (!key) return fail(Errc::invalid, file.string() + ": " + key.error().message());
    return key;
}

Secret P256Key::to_pem() const {
    auto bio = writer();
    must(
        PEM_write_bio_PKCS8PrivateKey(
            bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr
        ) == 1,
        "PEM_write"
    );
    char* data = nullptr;
    auto size = BIO_get_mem_data(bio.get(), &data);
    Secret pem(std::string(data, static_cast<std::size_t>(size)));
    OPENSSL_cleanse(data, static_cast<std::size_t>(size));
    return pem;
}

Result<> P256Key::save(const std::filesystem::path& file, unsigned mode) const {
    return write_file(file, to_pem().reveal(), static_cast<mode_t>(mode));
}

std::string P256Key::public_der() const {
    return to_der<EVP_PKEY>(i2d_PUBKEY, key_.get());
}

Digest P256Key::spki_sha256() const {
    return sha256(public_der());
}

std::string P256Key::sign(std::string_view message) const {
    auto context = owned<MdCtxPtr>(EVP_MD_CTX_new(), "EVP_MD_CTX_new");
    must(
        EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1,
        "EVP_DigestSignInit"
    );
    const auto* data = reinterpret_cast<const unsigned char*>(message.data());
    std::size_t size = 0;
    must(
        EVP_DigestSign(context.get(), nullptr, &size, data, message.size()) == 1, "EVP_DigestSign"
    );
    std::string signature(size, '\0');
    must(
        EVP_DigestSign(
            context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, data,
            message.size()
        ) == 1,
        "EVP_DigestSign"
    );
    signature.resize(size);
    return signature;
}

bool verify_p256(
    std::string_view public_der, std::string_view message, std::string_view signature
) {
    auto key = public_from_der(public_der);
    if (!key) return false;
    auto context = owned<MdCtxPtr>(EVP_MD_CTX_new(), "EVP_MD_CTX_new");
    must(
        EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1,
        "EVP_DigestVerifyInit"
    );
    bool good =
        EVP_DigestVerify(
            context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
            signature.size(), reinterpret_cast<const unsigned char*>(message.data()), message.size()
        ) == 1;
    ERR_clear_error();
    return good;
}

} // namespace fairlead::crypto
