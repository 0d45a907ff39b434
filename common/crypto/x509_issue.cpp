#include "common/crypto/random.hpp"
#include "common/crypto/x509_parts.hpp"
#include "common/crypto/x509_web.hpp"

#include <algorithm>

namespace fairlead::crypto {
namespace {

constexpr std::size_t csr_limit = 8 * 1024;
constexpr std::size_t names_limit = 100;

void add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    auto extension = owned<ExtensionPtr>(
        X509V3_EXT_conf_nid(nullptr, &context, nid, value), "X509V3_EXT_conf_nid"
    );
    must(X509_add_ext(certificate, extension.get(), -1) == 1, "X509_add_ext");
}

bool valid_dns(std::string_view name) {
    if (name.empty() || name.size() > 253) return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '*';
    });
}

bool valid_uri(std::string_view uri) {
    return !uri.empty() && uri.size() <= 255 &&
           std::all_of(uri.begin(), uri.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

Result<> add_name(GENERAL_NAMES* names, int type, std::string_view text) {
    auto* name = GENERAL_NAME_new();
    must(name && sk_GENERAL_NAME_push(names, name) > 0, "GENERAL_NAME_new");
    if (type == GEN_IPADD) {
        auto* address = a2i_IPADDRESS(std::string(text).c_str());
        ERR_clear_error();
        if (!address) return fail(Errc::invalid, "\"" + std::string(text) + "\" is no IP address.");
        GENERAL_NAME_set0_value(name, type, address);
        return {};
    }
    auto* value = ASN1_IA5STRING_new();
    must(
        value && ASN1_STRING_set(value, text.data(), static_cast<int>(text.size())) == 1,
        "ASN1_IA5STRING_new"
    );
    GENERAL_NAME_set0_value(name, type, value);
    return {};
}

Result<GeneralNamesPtr> general_names(const Names& names) {
    if (names.dns.size() + names.ip.size() + names.uri.size() > names_limit)
        return fail(Errc::invalid, "A certificate can have at most 100 names.");
    auto list = owned<GeneralNamesPtr>(GENERAL_NAMES_new(), "GENERAL_NAMES_new");
    for (const auto& dns : names.dns) {
        if (!valid_dns(dns))
            return fail(
                Errc::invalid,
                "\"" + dns + "\" is no host name in lower-case letters, digits, dots and hyphens."
            );
        FAIRLEAD_CHECK(add_name(list.get(), GEN_DNS, dns));
    }
    for (const auto& uri : names.uri) {
        if (!valid_uri(uri)) return fail(Errc::invalid, "\"" + uri + "\" is no URI.");
        FAIRLEAD_CHECK(add_name(list.get(), GEN_URI, uri));
    }
    for (const auto& ip : names.ip) FAIRLEAD_CHECK(add_name(list.get(), GEN_IPADD, ip));
    return list;
}

Result<> add_names(X509* certificate, const Names& names) {
    if (names == Names()) return {};
    FAIRLEAD_TRY(list, general_names(names));
    must(
        X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), 0, X509V3_ADD_DEFAULT) ==
            1,
        "subjectAltName"
    );
    return {};
}

void set_serial(X509* certificate) {
    auto bytes = random_bytes(16);
    bytes[0] = static_cast<char>((bytes[0] & 0x7f) | 0x40); // positive, and always 16 bytes long
    auto number = owned<BignumPtr>(
        BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), 16, nullptr), "BN_bin2bn"
    );
    must(
        BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr,
        "serial number"
    );
}

void set_validity(X509* certificate, Validity validity) {
    auto seconds = [](Timestamp at) { return static_cast<time_t>(to_ms(at) / 1000); };
    must(
        ASN1_TIME_set(X509_getm_notBefore(certificate), seconds(validity.not_before)) != nullptr,
        "notBefore"
    );
    must(
        ASN1_TIME_set(X509_getm_notAfter(certificate), seconds(validity.not_after)) != nullptr,
        "notAfter"
    );
}

X509Ptr blank(Validity validity) {
    auto certificate = owned<X509Ptr>(X509_new(), "X509_new");
    must(X509_set_version(certificate.get(), X509_VERSION_3) == 1, "X509_set_version");
    set_serial(certificate.get());
    set_validity(certificate.get(), validity);
    return certificate;
}

} // namespace

Result<X509NamePtr> name_from(std::string_view common_name) {
    bool printable = std::none_of(common_name.begin(), common_name.end(), [](unsigned char c) {
        return c < 0x20 || c == 0x7f;
    });
    auto name = owned<X509NamePtr>(X509_NAME_new(), "X509_NAME_new");
    bool set = printable && !common_name.empty() &&
               X509_NAME_add_entry_by_NID(
                   name.get(), NID_commonName, MBSTRING_UTF8,
                   reinterpret_cast<const unsigned char*>(common_name.data()),
                   static_cast<int>(common_name.size()), -1, 0
               ) == 1;
    ERR_clear_error();
    if (!set) return fail(Errc::invalid, "A common name has 1 to 64 printable characters.");
    return name;
}

std::string make_csr(const P256Key& key, std::string_view common_name) {
    auto request = owned<X509ReqPtr>(X509_REQ_new(), "X509_REQ_new");
    auto name = name_from(common_name);
    if (!name) throw std::logic_error(name.error().message());
    must(X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1, "X509_REQ_set_version");
    must(X509_REQ_set_subject_name(request.get(), name->get()) == 1, "X509_REQ_set_subject_name");
    must(X509_REQ_set_pubkey(request.get(), key.native()) == 1, "X509_REQ_set_pubkey");
    must(X509_REQ_sign(request.get(), key.native(), EVP_sha256()) > 0, "X509_REQ_sign");
    auto bio = writer();
    must(PEM_write_bio_X509_REQ(bio.get(), request.get()) == 1, "PEM_write_bio_X509_REQ");
    return content(bio.get());
}

Result<std::string> make_csr_for(const P256Key& key, const std::vector<std::string>& dns) {
    if (dns.empty()) return fail(Errc::invalid, "A certificate needs a name.");
    FAIRLEAD_TRY(names, general_names({.dns = dns, .ip = {}, .uri = {}}));
    auto request = owned<X509ReqPtr>(X509_REQ_new(), "X509_REQ_new");
    must(X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1, "X509_REQ_set_version");
    auto extensions = owned<ExtensionsPtr>(sk_X509_EXTENSION_new_null(), "sk_X509_EXTENSION");
    auto* wanted = extensions.get();
    must(
        X509V3_add1_i2d(&wanted, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) == 1,
        "subjectAltName"
    );
    must(X509_REQ_add_extensions(request.get(), wanted) == 1, "X509_REQ_add_extensions");
    must(X509_REQ_set_pubkey(request.get(), key.native()) == 1, "X509_REQ_set_pubkey");
    must(X509_REQ_sign(request.get(), key.native(), EVP_sha256()) > 0, "X509_REQ_sign");
    auto bio = writer();
    must(PEM_write_bio_X509_REQ(bio.get(), request.get()) == 1, "PEM_write_bio_X509_REQ");
    return content(bio.get());
}

Result<Csr> parse_csr(std::string_view pem) {
    if (pem.size() > csr_limit)
        return fail(Errc::invalid, "The certificate request is larger than 8 KiB.");
    auto bio = reader_of(pem);
    X509ReqPtr request(PEM_read_bio_X509_REQ(bio.get(), nullptr, no_password, nullptr));
    ERR_clear_error();
    if (!request) return fail(Errc::invalid, "That is no certificate request in PEM.");
    auto* key = X509_REQ_get0_pubkey(request.get());
    ERR_clear_error();
    if (!is_p256(key))
        return fail(Errc::invalid, "The certificate request is not for a P-256 key.");
    bool proven = X509_REQ_verify(request.get(), key) == 1;
    ERR_clear_error();
    if (!proven)
        return fail(Errc::invalid, "The certificate request is not signed by its own key.");
    FAIRLEAD_TRY(name, common_name_of(X509_REQ_get_subject_name(request.get())));
    return Csr{std::move(name), to_der<EVP_PKEY>(i2d_PUBKEY, key)};
}

std::string self_sign_ca(const P256Key& key, std::string_view common_name, Validity validity) {
    auto name = name_from(common_name);
    if (!name) throw std::logic_error(name.error().message());
    auto certificate = blank(validity);
    must(X509_set_subject_name(certificate.get(), name->get()) == 1, "X509_set_subject_name");
    must(X509_set_issuer_name(certificate.get(), name->get()) == 1, "X509_set_issuer_name");
    must(X509_set_pubkey(certificate.get(), key.native()) == 1, "X509_set_pubkey");
    add_extension(
        certificate.get(), certificate.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0"
    );
    add_extension(
        certificate.get(), certificate.get(), NID_key_usage, "critical,keyCertSign,cRLSign"
    );
    add_extension(certificate.get(), certificate.get(), NID_subject_key_identifier, "hash");
    must(X509_sign(certificate.get(), key.native(), EVP_sha256()) > 0, "X509_sign");
    return to_pem(certificate.get());
}

Result<std::string> self_sign_challenge(
    const P256Key& key, const std::string& dns, const Digest& authorization, Validity validity
) {
    FAIRLEAD_TRY(name, name_from("ACME challenge"));
    auto certificate = blank(validity);
    must(X509_set_subject_name(certificate.get(), name.get()) == 1, "X509_set_subject_name");
    must(X509_set_issuer_name(certificate.get(), name.get()) == 1, "X509_set_issuer_name");
    must(X509_set_pubkey(certificate.get(), key.native()) == 1, "X509_set_pubkey");
    FAIRLEAD_CHECK(add_names(certificate.get(), {.dns = {dns}, .ip = {}, .uri = {}}));
    // acmeIdentifier, which OpenSSL 3.0 has no name for: an OCTET STRING of the digest.
    auto oid = owned<ObjectPtr>(OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1), "OBJ_txt2obj");
    std::string value = "\x04\x20" + std::string(authorization.view());
    auto octets = owned<OctetsPtr>(ASN1_OCTET_STRING_new(), "ASN1_OCTET_STRING_new");
    must(
        ASN1_OCTET_STRING_set(
            octets.get(), reinterpret_cast<const unsigned char*>(value.data()),
            static_cast<int>(value.size())
        ) == 1,
        "ASN1_OCTET_STRING_set"
    );
    auto extension = owned<ExtensionPtr>(
        X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), 1, octets.get()), "acmeIdentifier"
    );
    must(X509_add_ext(certificate.get(), extension.get(), -1) == 1, "X509_add_ext");
    must(X509_sign(certificate.get(), key.native(), EVP_sha256()) > 0, "X509_sign");
    return to_pem(certificate.get());
}

Result<std::string>
issue(const P256Key& ca_key, std::string_view ca_pem, const IssueRequest& request) {
    auto ca = certificate_from_pem(ca_pem);
    if (!ca || X509_check_ca(ca.get()) != 1 ||
        EVP_PKEY_eq(X509_get0_pubkey(ca.get()), ca_key.native()) != 1) {
        ERR_clear_error();
        return fail(Errc::invalid, "The CA's certificate does not belong to the CA's key.");
    }
    auto subject = public_from_der(request.public_der);
    if (!subject) return fail(Errc::invalid, "The key to certify is not on P-256.");
    if (request.validity.not_before >= request.validity.not_after)
        return fail(Errc::invalid, "A certificate must end after it begins.");
    if (request.validity.not_after > time_of(X509_get0_notAfter(ca.get())))
        return fail(
            Errc::invalid, "The certificate would outlive its CA, which ends on " +
                               to_rfc3339(time_of(X509_get0_notAfter(ca.get()))) + "."
        );
    FAIRLEAD_TRY(name, name_from(request.common_name));

    auto certificate = blank(request.validity);
    must(X509_set_subject_name(certificate.get(), name.get()) == 1, "X509_set_subject_name");
    must(
        X509_set_issuer_name(certificate.get(), X509_get_subject_name(ca.get())) == 1,
        "X509_set_issuer_name"
    );
    must(X509_set_pubkey(certificate.get(), subject.get()) == 1, "X509_set_pubkey");
    add_extension(certificate.get(), ca.get(), NID_basic_constraints, "critical,CA:FALSE");
    add_extension(certificate.get(), ca.get(), NID_key_usage, "critical,digitalSignature");
    add_extension(
        certificate.get(), ca.get(), NID_ext_key_usage,
        request.usage == Usage::client ? "clientAuth" : "serverAuth"
    );
    add_extension(certificate.get(), ca.get(), NID_subject_key_identifier, "hash");
    add_extension(certificate.get(), ca.get(), NID_authority_key_identifier, "keyid:always");
    FAIRLEAD_CHECK(add_names(certificate.get(), request.names));
    must(X509_sign(certificate.get(), ca_key.native(), EVP_sha256()) > 0, "X509_sign");
    return to_pem(certificate.get());
}

} // namespace fairlead::crypto
