/// The insides of the two contexts, for this folder's .cpp files.
#pragma once

#include "common/net/openssl.hpp"
#include "common/net/tls_context.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace fairlead::net {

/// Never changes once it is current; handshakes keep the one they began with alive.
struct ServerSettings {
    ServerSettings() = default;
    const Identity* identity_for(std::string_view name) const;
    /// Null where no authority is expected.
    const Identity* challenge_for(std::string_view name) const;

    std::shared_ptr<const Identity> fallback;
    std::shared_ptr<const Identity> agents; ///< null: as everybody else
    std::map<std::string, std::shared_ptr<const Identity>, std::less<>> by_name;
    /// By exact name, while an authority may ask.
    std::map<std::string, std::shared_ptr<const Identity>, std::less<>> challenges;
    StorePtr authorities;
    StorePtr visitor_authorities; ///< null: nobody but agents is asked
    std::string visitor_sessions; ///< likewise
    std::function<bool(std::string_view)> asks_visitors;
    std::string agent_sessions; ///< session id context of agent links: names the set of authorities
};

struct TlsServerContext::Impl {
    Impl();
    std::shared_ptr<const ServerSettings> current() const;
    void change(const std::function<void(ServerSettings&)>& how);

    SslCtxPtr ctx;
    mutable std::mutex mutex;
    std::shared_ptr<const ServerSettings> settings;
};

struct TlsClientContext::Impl {
    explicit Impl(Trust wanted);
    /// A new client SSL for `host`, with the remembered session for it. The notes must outlive it.
    SslPtr connection(
        const std::string& host, std::uint16_t port, std::string_view alpn, HandshakeNotes& notes
    );

    Trust trust;
    std::string pin; ///< of the trust, in 64 digits; "" without one
    SslCtxPtr ctx;
    std::map<std::string, SessionPtr> sessions;
};

/// When the machine's file and folder of authorities were changed, in nanoseconds.
using SystemStamp = std::pair<std::int64_t, std::int64_t>;

/// Authorities as OpenSSL has them, read once (tls_trust.cpp).
struct Trust::Store {
    std::mutex mutex;
    StorePtr authorities;
    SystemStamp stamp; ///< when they were read
};

/// Null where there are none to trust. Errc::invalid: cannot be read. Thread-safe.
Result<StorePtr> authorities_of(const Trust& trust);

SslCtxPtr new_context(bool server);

/// Frees what a server's connection needs no more after its handshake.
void forget_handshake(SSL& ssl);

// ---- tickets of agents (tls_ticket.cpp) ----

/// The session that becomes a ticket carries `facts` in the certificate's place. From the ticket
/// callback only, TLS 1.3 only; the connection has no X509 of its peer afterwards.
void lighten_ticket(SSL& ssl, const PeerCertificate& facts);
/// What lighten_ticket put into the session of this connection, or of the one that it resumes.
std::optional<PeerCertificate> certificate_of_session(SSL& ssl);

std::string pack_certificate(const PeerCertificate& facts);
/// Nothing when it is not whole.
std::optional<PeerCertificate> unpack_certificate(std::string_view text);

/// Gives a TLS 1.3 server's connection another session, or none. False: nothing changed.
bool replace_session(SSL& ssl, SSL_SESSION* session);

} // namespace fairlead::net
