/// Pieces that issuing and reading certificates share. For .cpp files of this folder only.
#pragma once

#include "common/crypto/openssl.hpp"
#include "common/crypto/x509.hpp"

namespace fairlead::crypto {

/// The one common name; empty when there is none. Errc::invalid for several, or for characters that
/// deceive.
Result<std::string> common_name_of(const X509_NAME* name);

/// A name that holds nothing but a common name. Errc::invalid unless it has 1 to 64 printable
/// characters.
Result<X509NamePtr> name_from(std::string_view common_name);

/// Null for anything but one certificate.
X509Ptr certificate_from_pem(std::string_view pem);

std::string to_pem(X509* certificate);

Result<CertificateFacts> facts_of(X509* certificate);

Timestamp time_of(const ASN1_TIME* time);

} // namespace fairlead::crypto
