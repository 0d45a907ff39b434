/// Certificates as far as Fairlead needs them: P-256 only, one level below a CA. Everything travels
/// as PEM.
#pragma once

#include "common/crypto/hash.hpp"
#include "common/crypto/p256.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::crypto {

/// Subject alternative names.
struct Names {
    std::vector<std::string> dns;
    std::vector<std::string> ip;  ///< "192.0.2.1", "2001:db8::1"
    std::vector<std::string> uri; ///< "urn:fairlead:org:org_01…"
    bool operator==(const Names&) const = default;
};

struct Csr {
    std::string common_name;
    std::string public_der;
    Digest spki_sha256() const { return sha256(public_der); }
};

/// A request for a certificate, signed by its key.
std::string make_csr(const P256Key& key, std::string_view common_name);

/// At most 8 KiB. Errc::invalid, in words: malformed, not P-256, signature does not match.
/// Extensions that it asks for are ignored: the issuer decides.
Result<Csr> parse_csr(std::string_view pem);

enum class Usage { server, client };

struct Validity {
    Timestamp not_before;
    Timestamp not_after;
};

struct IssueRequest {
    std::string public_der;
    std::string common_name;
    Names names;
    Usage usage = Usage::client;
    Validity validity{};
};

/// A CA certificate that signs itself; path length 0.
std::string self_sign_ca(const P256Key& key, std::string_view common_name, Validity validity);

/// A certificate for somebody's key, with a random serial of 127 bits. Errc::invalid for bad names
/// or validity, or when the key is not on P-256 or `ca_pem` is not the certificate of `ca_key`.
Result<std::string>
issue(const P256Key& ca_key, std::string_view ca_pem, const IssueRequest& request);

/// What a certificate says.
struct CertificateFacts {
    std::string common_name;
    std::string issuer_common_name;
    Names names;
    std::string serial; ///< lower-case hex
    Timestamp not_before;
    Timestamp not_after;
    bool ca = false;
    std::string public_der;
    Digest spki_sha256; ///< of the public key
    Digest fingerprint; ///< of the whole certificate
};

/// The first certificate in the text; at most 64 KiB. Errc::invalid.
Result<CertificateFacts> parse_certificate(std::string_view pem);
Result<CertificateFacts> parse_certificate_der(std::string_view der);

/// All certificates of a PEM file, each as PEM. Text between them is skipped. Errc::invalid when
/// there is none, when one is damaged, or beyond 32.
Result<std::vector<std::string>> split_certificates(std::string_view pem);

/// Was `pem` issued by one of `trusted` for this use? `at` is the time to check validity for;
/// without it an expired certificate passes (recovery). Errc::unauthenticated with the reason:
/// "expired on …", "issued by somebody else".
Result<CertificateFacts> verify_issued(
    std::string_view pem, std::span<const std::string> trusted, Usage usage,
    std::optional<Timestamp> at
);

} // namespace fairlead::crypto
