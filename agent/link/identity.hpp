/// What this server is to its controller, in a folder that only the user fairlead reads:
///
///     identity.json     who we are, where the controllers are, what makes their certificate good;
///     written last key.pem           our key; never leaves the server certificate.pem   the newest
///     certificate for it ca.pem            the authorities to trust on the link
#pragma once

#include "agent/link/address.hpp"
#include "common/crypto/p256.hpp"
#include "common/net/tls_context.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::link {

inline constexpr const char* default_folder = "/var/lib/fairlead/link";

struct Identity {
    std::string server_id;
    std::string org_id;
    std::string enrolled_with;            ///< the URL that enrolment was given
    std::vector<std::string> controllers; ///< in order
    std::string pin; ///< of enrolment, "" where a public authority vouches for the controller
};

/// The certificate as far as renewal cares.
struct Validity {
    Timestamp not_before;
    Timestamp not_after;
    std::string sha256; ///< of the certificate, hex

    bool expired(Timestamp now) const { return now > not_after; }
    /// A third of its life is over.
    bool renewal_due(Timestamp now) const {
        return now > not_before + (not_after - not_before) / 3;
    }
};

/// The folder. Every write leaves the old or the new file.
class IdentityFolder {
public:
    explicit IdentityFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// Errc::not_found before enrolment; Errc::invalid names the damaged file.
    Result<Identity> load() const;
    Result<> save(const Identity& identity) const;

    /// The key; made when there is none.
    Result<crypto::P256Key> key() const;
    Result<std::string> certificate() const;
    Result<Validity> validity() const;
    /// Errc::invalid when it is not for our key. An empty `ca` keeps the old one.
    Result<> save_certificate(const std::string& pem, const std::string& ca) const;
    /// "" when there is none.
    Result<std::string> ca() const;

    /// With our certificate and what is trusted. `with_identity` is false for calls that need none.
    Result<net::TlsClientContext> tls(const Identity& identity, bool with_identity) const;

    const std::filesystem::path& path() const { return folder_; }

private:
    std::filesystem::path folder_;
};

} // namespace fairlead::link
