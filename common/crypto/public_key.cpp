#include "common/crypto/public_key.hpp"

#include "common/crypto/openssl.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

namespace fairlead::crypto {
namespace {

using ParamBldPtr = std::unique_ptr<OSSL_PARAM_BLD, FreeWith<OSSL_PARAM_BLD_free>>;
using ParamPtr = std::unique_ptr<OSSL_PARAM, FreeWith<OSSL_PARAM_free>>;
using EcdsaSigPtr = std::unique_ptr<ECDSA_SIG, FreeWith<ECDSA_SIG_free>>;

constexpr std::size_t coordinate = 32;

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

BignumPtr number(std::string_view big_endian) {
    return owned<BignumPtr>(
        BN_bin2bn(bytes_of(big_endian), static_cast<int>(big_endian.size()), nullptr), "BN_bin2bn"
    );
}

tl::unexpected<Error> unfit(const char* what) {
    ERR_clear_error();
    return fail(Errc::invalid, std::string("That is no public key of ") + what + ".");
}

/// JOSE writes r and s one after the other; OpenSSL wants DER.
std::string ecdsa_der(std::string_view raw) {
    auto signature = owned<EcdsaSigPtr>(ECDSA_SIG_new(), "ECDSA_SIG_new");
    auto r = number(raw.substr(0, coordinate)), s = number(raw.substr(coordinate));
    must(ECDSA_SIG_set0(signature.get(), r.get(), s.get()) == 1, "ECDSA_SIG_set0");
    r.release();
    s.release();
    return to_der(i2d_ECDSA_SIG, signature.get());
}

} // namespace

void PublicKey::Free::operator()(evp_pkey_st* key) const {
    EVP_PKEY_free(key);
}

Result<PublicKey> PublicKey::from_data(Type type, const char* name, void* parameters) {
    auto context =
        owned<PkeyCtxPtr>(EVP_PKEY_CTX_new_from_name(nullptr, name, nullptr), "EVP_PKEY_CTX_new");
    must(EVP_PKEY_fromdata_init(context.get()) == 1, "EVP_PKEY_fromdata_init");
    EVP_PKEY* made = nullptr;
    if (EVP_PKEY_fromdata(
            context.get(), &made, EVP_PKEY_PUBLIC_KEY, static_cast<OSSL_PARAM*>(parameters)
        ) != 1)
        return unfit(name);
    PublicKey key(type, made);
    if (type == Type::rsa) return key; // its check looks for primes, for as long as that takes
    auto check = owned<PkeyCtxPtr>(EVP_PKEY_CTX_new(made, nullptr), "EVP_PKEY_CTX_new");
    if (EVP_PKEY_public_check(check.get()) != 1) return unfit(name);
    return key;
}

Result<PublicKey> PublicKey::rsa(std::string_view modulus, std::string_view exponent) {
    // Lengths first: whoever publishes a key does not decide how long we calculate.
    if (modulus.size() > 1024 || exponent.size() > 5) return unfit("RSA");
    auto n = number(modulus), e = number(exponent);
    bool sound = BN_num_bits(n.get()) >= 2048 && BN_is_odd(n.get()) && BN_is_odd(e.get()) &&
                 BN_num_bits(e.get()) >= 2 && BN_num_bits(e.get()) <= 32;
    if (!sound) return unfit("RSA");
    auto builder = owned<ParamBldPtr>(OSSL_PARAM_BLD_new(), "OSSL_PARAM_BLD_new");
    must(
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
            OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1,
        "OSSL_PARAM_BLD_push_BN"
    );
    auto parameters =
        owned<ParamPtr>(OSSL_PARAM_BLD_to_param(builder.get()), "OSSL_PARAM_BLD_to_param");
    return from_data(Type::rsa, "RSA", parameters.get());
}

Result<PublicKey> PublicKey::p256(std::string_view x, std::string_view y) {
    if (x.size() != coordinate || y.size() != coordinate) return unfit("P-256");
    std::string point = "\x04" + std::string(x) + std::string(y);
    char group[] = "prime256v1";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
        OSSL_PARAM_construct_end()};
    return from_data(Type::p256, "EC", parameters);
}

Result<PublicKey> PublicKey::ed25519(std::string_view bytes) {
    if (bytes.size() != 32) return unfit("Ed25519");
    auto* key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(bytes), bytes.size());
    if (!key) return unfit("Ed25519");
    return PublicKey(Type::ed25519, key);
}

bool PublicKey::fits(SignatureKind kind) const {
    switch (kind) {
    case SignatureKind::rs256:
    case SignatureKind::ps256:
        return type_ == Type::rsa;
    case SignatureKind::es256:
    case SignatureKind::es256_der:
        return type_ == Type::p256;
    case SignatureKind::eddsa:
        return type_ == Type::ed25519;
    }
    return false;
}

bool PublicKey::verify(SignatureKind kind, std::string_view message, std::string_view signature)
    const {
    if (!fits(kind)) return false;
    std::string der;
    if (kind == SignatureKind::es256) {
        if (signature.size() != 2 * coordinate) return false;
        der = ecdsa_der(signature);
        signature = der;
    }
    auto context = owned<MdCtxPtr>(EVP_MD_CTX_new(), "EVP_MD_CTX_new");
    EVP_PKEY_CTX* options = nullptr;
    const auto* digest = kind == SignatureKind::eddsa ? nullptr : EVP_sha256();
    must(
        EVP_DigestVerifyInit(context.get(), &options, digest, nullptr, key_.get()) == 1,
        "EVP_DigestVerifyInit"
    );
    if (kind == SignatureKind::ps256)
        must(
            EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1,
            "EVP_PKEY_CTX_set_rsa_padding"
        );
    bool right =
        EVP_DigestVerify(
            context.get(), bytes_of(signature), signature.size(), bytes_of(message), message.size()
        ) == 1;
    ERR_clear_error();
    return right;
}

} // namespace fairlead::crypto
