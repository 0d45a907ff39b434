#include "common/crypto/cose.hpp"

#include "common/crypto/cbor.hpp"

namespace fairlead::crypto {
namespace {

// Labels of RFC 9052 table 4, RFC 9053 tables 19 and 20, RFC 8230 table 4.
constexpr std::int64_t kty = 1, alg = 3, crv = -1, x = -2, y = -3, n = -1, e = -2;
constexpr std::size_t longest_modulus = 512;

tl::unexpected<Error> refused() {
    return fail(
        Errc::invalid, "That is no public key that is known here: ES256 on P-256, EdDSA on Ed25519 "
                       "or RS256 with 2048 to 4096 bits."
    );
}

bool is(const Cbor& map, std::int64_t key, std::int64_t wanted) {
    const auto* value = map.find(key);
    return value && value->integer() == wanted;
}

std::string_view bytes_of(const Cbor& map, std::int64_t key) {
    const auto* value = map.find(key);
    return value ? value->bytes().value_or("") : "";
}

Result<PublicKey> rsa_from(std::string_view modulus, std::string_view exponent) {
    if (modulus.size() > longest_modulus || exponent != std::string_view("\x01\x00\x01", 3))
        return refused();
    return PublicKey::rsa(modulus, exponent);
}

SignatureKind kind_of(CoseKey::Algorithm algorithm) {
    switch (algorithm) {
    case CoseKey::Algorithm::es256:
        return SignatureKind::es256_der;
    case CoseKey::Algorithm::eddsa:
        return SignatureKind::eddsa;
    case CoseKey::Algorithm::rs256:
        break;
    }
    return SignatureKind::rs256;
}

} // namespace

Result<CoseKey> CoseKey::from_bytes(std::string_view bytes) {
    FAIRLEAD_TRY(map, Cbor::parse(bytes));
    auto with = [&](Algorithm algorithm, Result<PublicKey> key) -> Result<CoseKey> {
        if (!key) return refused();
        return CoseKey(algorithm, *std::move(key));
    };
    if (is(map, kty, 2) && is(map, alg, -7) && is(map, crv, 1))
        return with(Algorithm::es256, PublicKey::p256(bytes_of(map, x), bytes_of(map, y)));
    if (is(map, kty, 1) && is(map, alg, -8) && is(map, crv, 6))
        return with(Algorithm::eddsa, PublicKey::ed25519(bytes_of(map, x)));
    if (is(map, kty, 3) && is(map, alg, -257))
        return with(Algorithm::rs256, rsa_from(bytes_of(map, n), bytes_of(map, e)));
    return refused();
}

bool CoseKey::verify(std::string_view message, std::string_view signature) const {
    return key_.verify(kind_of(algorithm_), message, signature);
}

} // namespace fairlead::crypto
