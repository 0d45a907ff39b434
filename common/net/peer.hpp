/// Who is at the other end of a connection.
#pragma once

#include "common/runtime/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::net {

/// ALPN name of the agent link; only for it does the controller ask for a client certificate.
inline constexpr std::string_view agent_alpn = "fairlead/1";
/// HTTP/1.1 for an agent that has no good certificate any more: like the link it is shown the
/// controller's own certificate, also where browsers are shown the operator's.
inline constexpr std::string_view recover_alpn = "fairlead-recover/1";

/// What a verified certificate says. Hashes are lower-case hex of SHA-256, `serial` is lower-case
/// hex.
struct PeerCertificate {
    PeerCertificate() = default;

    std::string common_name;            ///< an agent's server id
    std::vector<std::string> dns_names; ///< SAN entries of type DNS
    std::vector<std::string> uris;      ///< SAN entries of type URI
    std::string serial;
    Timestamp not_before;
    Timestamp not_after;
    std::string fingerprint; ///< of the whole certificate
    std::string key_hash;    ///< of the SubjectPublicKeyInfo
};

/// One connection's facts; never changes after the handshake.
struct PeerInfo {
    PeerInfo() = default;

    std::string address; ///< "203.0.113.7", "2001:db8::1"; v4-mapped addresses are written as v4
    std::uint16_t port = 0;
    std::string alpn;        ///< "" when none was agreed
    std::string server_name; ///< SNI, lower case, "" when absent
    std::string tls_version; ///< "TLSv1.3"
    bool resumed = false;    ///< by a session ticket
    std::optional<PeerCertificate> certificate;
};

} // namespace fairlead::net
