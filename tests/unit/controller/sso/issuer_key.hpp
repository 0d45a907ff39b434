/// An issuer's keys and what it signs with them, good and bad.
#pragma once

#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/openssl.hpp"
#include "common/crypto/public_key.hpp"

#include <boost/json.hpp>

#include <string>
#include <string_view>

namespace fairlead::test {

class IssuerKey {
public:
    static IssuerKey rsa(std::size_t bits = 2048) {
        return IssuerKey("RSA", EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", bits));
    }
    static IssuerKey p256() {
        return IssuerKey("EC", EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    }
    static IssuerKey ed25519() {
        return IssuerKey("OKP", EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    }

    /// The public half, as an issuer publishes it.
    boost::json::object jwk(std::string_view id) const {
        boost::json::object key{{"kty", kty_}, {"kid", id}, {"use", "sig"}};
        if (kty_ == "RSA") {
            key["n"] = number("n");
            key["e"] = number("e");
        } else if (kty_ == "EC") {
            key["crv"] = "P-256";
            key["x"] = number("qx", 32);
            key["y"] = number("qy", 32);
        } else {
            std::string raw(32, '\0');
            std::size_t size = raw.size();
            EVP_PKEY_get_raw_public_key(
                key_.get(), reinterpret_cast<unsigned char*>(raw.data()), &size
            );
            key["crv"] = "Ed25519";
            key["x"] = crypto::base64url_encode(raw);
        }
        return key;
    }

    /// Exactly as a JWS wants it.
    std::string sign(std::string_view alg, std::string_view text) const {
        crypto::MdCtxPtr context(EVP_MD_CTX_new());
        EVP_PKEY_CTX* options = nullptr;
        EVP_DigestSignInit(
            context.get(), &options, kty_ == "OKP" ? nullptr : EVP_sha256(), nullptr, key_.get()
        );
        if (alg == "PS256") {
            EVP_PKEY_CTX_ctrl_str(options, "rsa_padding_mode", "pss");
            EVP_PKEY_CTX_ctrl_str(options, "rsa_pss_saltlen", "digest");
        }
        std::string signature(2048, '\0');
        std::size_t size = signature.size();
        EVP_DigestSign(
            context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
            reinterpret_cast<const unsigned char*>(text.data()), text.size()
        );
        signature.resize(size);
        return kty_ == "EC" ? raw_of(signature) : signature;
    }

    std::string public_pem() const {
        auto out = crypto::writer();
        PEM_write_bio_PUBKEY(out.get(), key_.get());
        return crypto::content(out.get());
    }

private:
    IssuerKey(std::string kty, EVP_PKEY* key) : kty_(std::move(kty)), key_(key) {}

    std::string number(const char* name, int size = 0) const {
        BIGNUM* found = nullptr;
        EVP_PKEY_get_bn_param(key_.get(), name, &found);
        crypto::BignumPtr held(found);
        std::string bytes(static_cast<std::size_t>(size ? size : BN_num_bytes(found)), '\0');
        BN_bn2binpad(
            found, reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size())
        );
        return crypto::base64url_encode(bytes);
    }

    /// The two numbers of a DER signature, 32 bytes each.
    static std::string raw_of(std::string_view der) {
        std::string raw;
        std::size_t at = 2;
        for (int i = 0; i < 2; ++i) {
            auto size = static_cast<std::size_t>(der[at + 1]);
            auto part = std::string(der.substr(at + 2, size));
            at += 2 + size;
            if (part.size() > 32) part.erase(0, part.size() - 32);
            raw += std::string(32 - part.size(), '\0') + part;
        }
        return raw;
    }

    std::string kty_;
    crypto::PkeyPtr key_;
};

inline std::string part(const boost::json::value& value) {
    return crypto::base64url_encode(boost::json::serialize(value));
}

inline std::string
jws(const IssuerKey& key, const boost::json::object& header, const boost::json::object& claims) {
    auto text = part(header) + "." + part(claims);
    auto alg = std::string(header.at("alg").as_string());
    return text + "." + crypto::base64url_encode(key.sign(alg, text));
}

inline std::string key_set(std::initializer_list<boost::json::object> keys) {
    boost::json::array list;
    for (const auto& key : keys) list.push_back(key);
    return boost::json::serialize(boost::json::object{{"keys", std::move(list)}});
}

} // namespace fairlead::test
