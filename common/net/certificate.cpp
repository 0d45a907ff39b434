#include "common/net/openssl.hpp"

#include <openssl/asn1.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <ctime>

namespace fairlead::net {

namespace {

std::string hex(const unsigned char* bytes, std::size_t size) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(size * 2);
    for (std::size_t i = 0; i < size; ++i) {
        text += digits[bytes[i] >> 4];
        text += digits[bytes[i] & 15];
    }
    return text;
}

std::string common_name_of(X509& certificate) {
    auto* subject = X509_get_subject_name(&certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0) return {};
    unsigned char* utf8 = nullptr;
    int size =
        ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (size < 0) return {};
    std::string text(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(size));
    OPENSSL_free(utf8);
    return text;
}

std::string serial_of(X509& certificate) {
    BIGNUM* number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr);
    if (!number) return {};
    std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
    BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
    BN_free(number);
    return hex(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

void read_names(X509& certificate, PeerCertificate& into) {
    auto* names = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)
    );
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
        const auto* name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS && name->type != GEN_URI) continue;
        const auto* text = name->d.ia5;
        auto& list = name->type == GEN_DNS ? into.dns_names : into.uris;
        list.emplace_back(
            reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))
        );
    }
    GENERAL_NAMES_free(names);
}

} // namespace

std::string sha256_hex(std::string_view bytes) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
    return hex(digest, sizeof digest);
}

std::string fingerprint_of(X509& certificate) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (X509_digest(&certificate, EVP_sha256(), digest, &size) != 1) return {};
    return hex(digest, size);
}

std::string key_hash_of(X509& certificate) {
    unsigned char* der = nullptr;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(&certificate), &der);
    if (size <= 0) return {};
    auto hash = sha256_hex({reinterpret_cast<char*>(der), static_cast<std::size_t>(size)});
    OPENSSL_free(der);
    return hash;
}

Timestamp timestamp_of(const ASN1_TIME& time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(&time, &parts) != 1) return {};
    return Timestamp(std::chrono::seconds(timegm(&parts)));
}

PeerCertificate facts_of(X509& certificate) {
    PeerCertificate facts;
    facts.common_name = common_name_of(certificate);
    read_names(certificate, facts);
    facts.serial = serial_of(certificate);
    facts.not_before = timestamp_of(*X509_get0_notBefore(&certificate));
    facts.not_after = timestamp_of(*X509_get0_notAfter(&certificate));
    facts.fingerprint = fingerprint_of(certificate);
    facts.key_hash = key_hash_of(certificate);
    return facts;
}

Result<std::vector<X509Ptr>> read_certificates(std::string_view pem) {
    BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    std::vector<X509Ptr> found;
    while (X509Ptr one{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)})
        found.push_back(std::move(one));
    auto last = ERR_peek_last_error();
    bool at_end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (found.empty())
        return fail(Errc::invalid, "There is no certificate in PEM format in this text.");
    if (!at_end)
        return fail(
            Errc::invalid,
            "Certificate " + std::to_string(found.size() + 1) + " of this text is damaged."
        );
    return found;
}

Result<Identity> read_identity(std::string_view chain_pem, const Secret& key_pem) {
    FAIRLEAD_TRY(certificates, read_certificates(chain_pem));
    auto text = key_pem.reveal();
    BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    auto no_password = [](char*, int, int, void*) { return 0; };
    Identity identity;
    identity.key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
    ERR_clear_error();
    if (!identity.key)
        return fail(
            Errc::invalid, "There is no unencrypted private key in PEM format in this text."
        );
    identity.leaf = std::move(certificates.front());
    if (X509_check_private_key(identity.leaf.get(), identity.key.get()) != 1) {
        ERR_clear_error();
        return fail(
            Errc::invalid, "The private key does not belong to the certificate of " +
                               common_name_of(*identity.leaf) + "."
        );
    }
    identity.chain.reset(sk_X509_new_null());
    for (std::size_t i = 1; i < certificates.size(); ++i)
        sk_X509_push(identity.chain.get(), certificates[i].release());
    return identity;
}

} // namespace fairlead::net
