#include "common/crypto/x509_parts.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <ctime>

namespace fairlead::crypto {
namespace {

constexpr std::size_t pem_limit = 64 * 1024;
constexpr std::size_t certificates_limit = 32;
constexpr int names_limit = 100;

bool printable(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](unsigned char c) {
        return c < 0x20 || c == 0x7f;
    });
}

/// Empty for anything that is not plain text, such as names with a zero byte in them.
std::string ascii_of(const ASN1_IA5STRING* text) {
    std::string value(
        reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
        static_cast<std::size_t>(ASN1_STRING_length(text))
    );
    bool plain = std::all_of(value.begin(), value.end(), [](unsigned char c) {
        return c > 0x20 && c < 0x7f;
    });
    return plain ? value : std::string();
}

std::string address_of(const ASN1_OCTET_STRING* address) {
    char text[INET6_ADDRSTRLEN] = "";
    int size = ASN1_STRING_length(address);
    if (size == 4 || size == 16)
        ::inet_ntop(
            size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text, sizeof text
        );
    return text;
}

Result<Names> names_of(X509* certificate) {
    Names names;
    int critical = 0;
    GeneralNamesPtr found(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, nullptr)
    ));
    if (!found) {
        ERR_clear_error();
        if (critical != -1)
            return fail(Errc::invalid, "The certificate's alternative names cannot be read.");
        return names;
    }
    if (sk_GENERAL_NAME_num(found.get()) > names_limit)
        return fail(Errc::invalid, "The certificate has more than 100 alternative names.");
    for (int i = 0; i < sk_GENERAL_NAME_num(found.get()); ++i) {
        const auto* name = sk_GENERAL_NAME_value(found.get(), i);
        std::string text;
        switch (name->type) {
        case GEN_DNS:
            names.dns.push_back(text = ascii_of(name->d.dNSName));
            break;
        case GEN_URI:
            names.uri.push_back(text = ascii_of(name->d.uniformResourceIdentifier));
            break;
        case GEN_IPADD:
            names.ip.push_back(text = address_of(name->d.iPAddress));
            break;
        default:
            continue;
        }
        if (text.empty())
            return fail(
                Errc::invalid, "The certificate has an alternative name that is no plain text."
            );
    }
    return names;
}

std::string serial_of(X509* certificate) {
    BignumPtr number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
    if (!number) return "";
    std::string bytes(static_cast<std::size_t>(BN_num_bytes(number.get())), '\0');
    BN_bn2bin(number.get(), reinterpret_cast<unsigned char*>(bytes.data()));
    std::string text;
    for (unsigned char byte : bytes) {
        text.push_back("0123456789abcdef"[byte >> 4]);
        text.push_back("0123456789abcdef"[byte & 15]);
    }
    return text;
}

} // namespace

Timestamp time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return Timestamp{};
    return from_ms(static_cast<std::int64_t>(::timegm(&parts)) * 1000);
}

Result<std::string> common_name_of(const X509_NAME* name) {
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (at < 0) return std::string();
    if (X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
        return fail(Errc::invalid, "It has more than one common name.");
    unsigned char* text = nullptr;
    int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (size < 0) {
        ERR_clear_error();
        return fail(Errc::invalid, "Its common name cannot be read.");
    }
    std::string value(reinterpret_cast<char*>(text), static_cast<std::size_t>(size));
    OPENSSL_free(text);
    if (!printable(value))
        return fail(Errc::invalid, "Its common name holds characters that cannot be shown.");
    return value;
}

X509Ptr certificate_from_pem(std::string_view pem) {
    if (pem.size() > pem_limit) return nullptr;
    auto bio = reader_of(pem);
    X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr));
    ERR_clear_error();
    return certificate;
}

std::string to_pem(X509* certificate) {
    auto bio = writer();
    must(PEM_write_bio_X509(bio.get(), certificate) == 1, "PEM_write_bio_X509");
    return content(bio.get());
}

Result<CertificateFacts> facts_of(X509* certificate) {
    CertificateFacts facts;
    FAIRLEAD_TRY(subject, common_name_of(X509_get_subject_name(certificate)));
    FAIRLEAD_TRY(issuer, common_name_of(X509_get_issuer_name(certificate)));
    FAIRLEAD_TRY(names, names_of(certificate));
    facts.common_name = std::move(subject);
    facts.issuer_common_name = std::move(issuer);
    facts.names = std::move(names);
    facts.serial = serial_of(certificate);
    facts.not_before = time_of(X509_get0_notBefore(certificate));
    facts.not_after = time_of(X509_get0_notAfter(certificate));
    facts.ca = X509_check_ca(certificate) == 1;
    facts.public_der = to_der<X509_PUBKEY>(i2d_X509_PUBKEY, X509_get_X509_PUBKEY(certificate));
    facts.spki_sha256 = sha256(facts.public_der);
    facts.fingerprint = sha256(to_der<X509>(i2d_X509, certificate));
    ERR_clear_error();
    return facts;
}

Result<CertificateFacts> parse_certificate(std::string_view pem) {
    auto certificate = certificate_from_pem(pem);
    if (!certificate) return fail(Errc::invalid, "That is no certificate in PEM.");
    return facts_of(certificate.get());
}

Result<CertificateFacts> parse_certificate_der(std::string_view der) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const auto* end = at + der.size();
    X509Ptr certificate(
        der.size() > pem_limit ? nullptr : d2i_X509(nullptr, &at, static_cast<long>(der.size()))
    );
    ERR_clear_error();
    if (!certificate || at != end) return fail(Errc::invalid, "That is no certificate in DER.");
    return facts_of(certificate.get());
}

Result<std::vector<std::string>> split_certificates(std::string_view pem) {
    std::vector<std::string> found;
    if (pem.size() > pem_limit)
        return fail(Errc::invalid, "The certificates are larger than 64 KiB.");
    auto bio = reader_of(pem);
    for (;;) {
        X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr));
        if (!certificate) {
            bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
            ERR_clear_error();
            if (!at_end)
                return fail(
                    Errc::invalid,
                    "Certificate " + std::to_string(found.size() + 1) + " of the list is damaged."
                );
            break;
        }
        if (found.size() == certificates_limit)
            return fail(Errc::invalid, "There are more than 32 certificates in the list.");
        found.push_back(to_pem(certificate.get()));
    }
    if (found.empty()) return fail(Errc::invalid, "There is no certificate in PEM.");
    return found;
}

Result<CertificateFacts> verify_issued(
    std::string_view pem, std::span<const std::string> trusted, Usage usage,
    std::optional<Timestamp> at
) {
    auto refused = [](std::string why) { return fail(Errc::unauthenticated, std::move(why)); };
    auto certificate = certificate_from_pem(pem);
    if (!certificate) return refused("That is no certificate in PEM.");
    FAIRLEAD_TRY(facts, facts_of(certificate.get()));
    if (facts.ca || !is_p256(X509_get0_pubkey(certificate.get())))
        return refused("That is no certificate of a server or an agent of Fairlead.");

    X509Ptr issuer;
    for (const auto& candidate_pem : trusted) {
        auto candidate = certificate_from_pem(candidate_pem);
        if (!candidate || X509_check_ca(candidate.get()) != 1) continue;
        if (X509_NAME_cmp(
                X509_get_subject_name(candidate.get()), X509_get_issuer_name(certificate.get())
            ) != 0)
            continue;
        bool signed_by = X509_verify(certificate.get(), X509_get0_pubkey(candidate.get())) == 1;
        ERR_clear_error();
        if (signed_by) {
            issuer = std::move(candidate);
            break;
        }
    }
    if (!issuer)
        return refused(
            "The certificate was issued by somebody else (\"" + facts.issuer_common_name + "\")."
        );

    auto wanted = usage == Usage::client ? XKU_SSL_CLIENT : XKU_SSL_SERVER;
    bool has_usages = X509_get_extension_flags(certificate.get()) & EXFLAG_XKUSAGE;
    if (!has_usages || !(X509_get_extended_key_usage(certificate.get()) & wanted))
        return refused(
            std::string("The certificate is not for ") +
            (usage == Usage::client ? "agents." : "servers.")
        );

    if (!at) return facts;
    if (*at > facts.not_after)
        return refused("The certificate expired on " + to_rfc3339(facts.not_after) + ".");
    if (*at < facts.not_before)
        return refused(
            "The certificate is valid from " + to_rfc3339(facts.not_before) +
            " on only; is a clock wrong?"
        );
    if (*at > time_of(X509_get0_notAfter(issuer.get())))
        return refused("The issuer's own certificate has expired.");
    return facts;
}

} // namespace fairlead::crypto
