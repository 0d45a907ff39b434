/// TLS settings of the two sides: what we show, whom we trust. OpenSSL stays in the .cpp files.
#pragma once

#include "common/net/peer.hpp"
#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::net {

/// Of an ACME authority that looks whether a name leads here (RFC 8737): the handshake is all.
inline constexpr std::string_view acme_alpn = "acme-tls/1";

/// A controller's TLS. TLS 1.3 only on the agent ALPN, 1.2 and 1.3 otherwise. Everything can be
/// replaced while connections are open: it counts from the next handshake on. Thread-safe.
class TlsServerContext {
public:
    TlsServerContext();
    TlsServerContext(TlsServerContext&&) noexcept;
    TlsServerContext& operator=(TlsServerContext&&) noexcept;
    ~TlsServerContext();

    /// The certificate for every name that has none of its own. `chain_pem` starts with the leaf;
    /// `key_pem` is PKCS#8. Errc::invalid says what is wrong (not PEM, key of another certificate)
    /// and nothing changes.
    Result<> set_certificate(std::string_view chain_pem, const Secret& key_pem);

    /// The certificate for agents (agent_alpn, recover_alpn) whatever name they ask for; until it
    /// is set they get the same as others.
    Result<> set_agents_certificate(std::string_view chain_pem, const Secret& key_pem);

    /// The certificate for one SNI name, exact or "*.example.org".
    Result<>
    set_certificate_for(std::string_view name, std::string_view chain_pem, const Secret& key_pem);
    void remove_certificate_for(std::string_view name);

    /// Whether the certificate for every name (set_certificate) is good for this host name.
    bool covers(std::string_view name) const;
    /// What an ACME authority is shown that asks for this name by acme_alpn: see
    /// crypto::self_sign_challenge. For names without one, and for everybody else, nothing changes.
    Result<> set_challenge_for(std::string_view name, std::string_view pem, const Secret& key_pem);
    void remove_challenge_for(std::string_view name);

    /// Whose client certificates agents may show; several while a CA is being replaced. Sessions
    /// that were granted under another set do not resume. An empty set refuses every agent.
    Result<> set_agent_authorities(const std::vector<std::string>& pems);

    /// Asks clients other than agents for a certificate of these authorities (PEM, one or more)
    /// where `asked` says so of the name that they come for (SNI, lower case);
    /// PeerInfo::certificate then holds one that was verified, and none where the client showed
    /// none. One of somebody else ends the handshake. `asked` is called in handshakes.
    Result<> set_visitor_authorities(
        const std::string& pem, std::function<bool(std::string_view name)> asked
    );

    /// Makes session tickets outlive a restart, so that thousands of agents come back cheaply.
    /// Without it the ticket keys are random and die with the process. At least 32 random bytes;
    /// call before the first handshake.
    Result<> set_session_secret(const Secret& secret);

    struct Impl;
    Impl& impl() const { return *impl_; }

private:
    std::unique_ptr<Impl> impl_;
};

/// What makes a server's certificate good; several together mean that any of them does. A copy
/// shares what was read for the first context that was made with it, so keep one for connections
/// that come again and again: reading the machine's store takes tens of milliseconds. Thread-safe.
class Trust {
public:
    /// The machine's own CA store, host name and dates checked.
    static Trust system();
    /// These CA certificates (PEM, one or more), host name and dates checked.
    static Trust authorities(std::string pem);
    /// SHA-256 of the server's certificate or of its public key, or of a CA certificate that the
    /// server sends along; then the rest is checked up to that CA. Dates always count. In hex
    /// (colons and case do not matter), or as curl writes it, "sha256//" and base64.
    static Trust fingerprint(std::string sha256);

    Trust or_system() const;
    Trust or_authorities(const std::string& pem) const;

    bool uses_system() const { return system_; }
    const std::string& pem() const { return pem_; }
    const std::string& pin() const { return pin_; }

    struct Store;
    Store& store() const { return *store_; }

private:
    Trust();
    bool system_ = false;
    std::string pem_;
    std::string pin_;
    std::shared_ptr<Store> store_;
};

/// A client's TLS: an agent dialling its controller, an HTTPS request. Remembers session tickets by
/// host, so that the next connection is cheap. Use it on one thread.
///
/// Failures name the reason in Error::code(): tls_unknown_authority, tls_fingerprint_differs,
/// tls_expired, tls_not_yet_valid (usually this machine's clock), tls_name_differs,
/// tls_bad_certificate for what we think of the server; tls_client_expired,
/// tls_client_unknown_authority, tls_client_revoked, tls_client_required, tls_client_refused for
/// what the server said of us; tls_version, tls_alpn, tls_failed otherwise.
class TlsClientContext {
public:
    /// Errc::invalid when the trust cannot be read.
    static Result<TlsClientContext> make(Trust trust);
    TlsClientContext(TlsClientContext&&) noexcept;
    TlsClientContext& operator=(TlsClientContext&&) noexcept;
    ~TlsClientContext();

    /// The certificate to show when the server asks. May be replaced (renewal); remembered sessions
    /// are dropped.
    Result<> set_identity(std::string_view chain_pem, const Secret& key_pem);

    /// Drops remembered sessions.
    void forget_sessions();

    struct Impl;
    Impl& impl() const { return *impl_; }

private:
    explicit TlsClientContext(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace fairlead::net
