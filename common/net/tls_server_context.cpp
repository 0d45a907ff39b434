#include "common/net/tls_impl.hpp"

#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>

namespace fairlead::net {

namespace {

constexpr unsigned char http_alpn[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
constexpr unsigned char agent_alpn_wire[] = {10, 'f', 'a', 'i', 'r', 'l', 'e', 'a', 'd', '/', '1'};
constexpr unsigned char recover_alpn_wire[] = {18,  'f', 'a', 'i', 'r', 'l', 'e', 'a', 'd', '-',
                                               'r', 'e', 'c', 'o', 'v', 'e', 'r', '/', '1'};
constexpr unsigned char acme_alpn_wire[] = {10, 'a', 'c', 'm', 'e', '-', 't', 'l', 's', '/', '1'};
constexpr std::string_view http_sessions = "fairlead-http", acme_sessions = "fairlead-acme";

TlsServerContext::Impl& impl_of(void* argument) {
    return *static_cast<TlsServerContext::Impl*>(argument);
}

bool offers(
    const unsigned char* list, std::size_t size, const unsigned char* wanted,
    std::size_t wanted_size
) {
    for (std::size_t at = 0; at < size; at += 1 + list[at])
        if (at + wanted_size <= size && std::memcmp(list + at, wanted, wanted_size) == 0)
            return true;
    return false;
}

bool asks_for(SSL* ssl, const unsigned char* wanted, std::size_t wanted_size) {
    const unsigned char* extension = nullptr;
    std::size_t size = 0;
    if (SSL_client_hello_get0_ext(
            ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &extension, &size
        ) != 1 ||
        size < 2)
        return false;
    return offers(extension + 2, size - 2, wanted, wanted_size);
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (auto& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

/// SNI as it came (RFC 6066, section 3), before OpenSSL has looked at it; "" when there is none.
std::string name_in_hello(SSL* ssl) {
    const unsigned char* extension = nullptr;
    std::size_t size = 0;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &extension, &size) != 1) return "";
    constexpr std::size_t head = 5; // length of the list, kind, length of the name
    if (size < head || extension[2] != TLSEXT_NAMETYPE_host_name) return "";
    auto length = std::size_t(extension[3]) << 8 | extension[4];
    if (length > size - head) return "";
    return lower({reinterpret_cast<const char*>(extension) + head, length});
}

/// Before anything is decided: an agent gets its own, stricter rules.
int on_client_hello(SSL* ssl, int*, void* argument) {
    auto& impl = impl_of(argument);
    auto settings = impl.current();
    auto* notes = notes_of(*ssl);
    std::string_view sessions = http_sessions;
    if (notes) notes->recovering = asks_for(ssl, recover_alpn_wire, sizeof recover_alpn_wire);
    if (asks_for(ssl, agent_alpn_wire, sizeof agent_alpn_wire)) {
        if (notes) notes->agent = true;
        SSL_set_min_proto_version(ssl, TLS1_3_VERSION);
        SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, note_verify_error);
        SSL_set1_verify_cert_store(ssl, settings->authorities.get());
        sessions = settings->agent_sessions;
    } else if (notes && asks_for(ssl, acme_alpn_wire, sizeof acme_alpn_wire)) {
        notes->challenged = true;
        sessions = acme_sessions;
    } else if (settings->visitor_authorities && settings->asks_visitors(name_in_hello(ssl))) {
        SSL_set_verify(ssl, SSL_VERIFY_PEER, note_verify_error);
        SSL_set1_verify_cert_store(ssl, settings->visitor_authorities.get());
        sessions = settings->visitor_sessions;
    }
    // A ticket is good for the same kind of connection and the same set of authorities only.
    SSL_set_session_id_context(
        ssl, reinterpret_cast<const unsigned char*>(sessions.data()),
        static_cast<unsigned>(sessions.size())
    );
    return SSL_CLIENT_HELLO_SUCCESS;
}

int on_certificate(SSL* ssl, void* argument) {
    auto settings = impl_of(argument).current();
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const auto* notes = notes_of(*ssl);
    bool agent = notes && (notes->agent || notes->recovering);
    const auto* identity = agent && settings->agents ? settings->agents.get()
                                                     : settings->identity_for(name ? name : "");
    // Null for other names: those handshakes end with on_alpn, before this or after it.
    if (notes && notes->challenged) identity = settings->challenge_for(name ? name : "");
    if (!identity) return 0;
    return SSL_use_certificate(ssl, identity->leaf.get()) == 1 &&
           SSL_use_PrivateKey(ssl, identity->key.get()) == 1 &&
           SSL_set1_chain(ssl, identity->chain.get()) == 1;
}

int on_alpn(
    SSL* ssl, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
    unsigned in_size, void* argument
) {
    auto* notes = notes_of(*ssl);
    if (notes && notes->challenged) {
        const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        if (!impl_of(argument).current()->challenge_for(name ? name : ""))
            return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    const auto* chosen = notes && notes->agent        ? agent_alpn_wire
                         : notes && notes->recovering ? recover_alpn_wire
                         : notes && notes->challenged ? acme_alpn_wire
                                                      : http_alpn;
    std::size_t size = 1 + std::size_t(chosen[0]);
    if (!offers(in, in_size, chosen, size)) return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen + 1;
    *out_size = chosen[0];
    return SSL_TLSEXT_ERR_OK;
}

/// OpenSSL's own check, but that the connection does not keep the chain that it found: the peer's
/// parsed certificate would stay for as long as the connection lives, and nobody asks for it again.
int on_verify(X509_STORE_CTX* check, void*) {
    int good = X509_verify_cert(check);
    X509_STORE_CTX_set0_verified_chain(check, nullptr);
    return good;
}

/// A ticket must not outlive the certificate that it stands for.
int on_ticket(SSL* ssl, void*) {
    auto facts = certificate_of_session(*ssl); // a resumed one's
    if (X509Ptr certificate{SSL_get1_peer_certificate(ssl)}) {
        facts = facts_of(*certificate);
        if (SSL_version(ssl) == TLS1_3_VERSION) lighten_ticket(*ssl, *facts);
    }
    if (!facts) return 1;
    auto left =
        std::chrono::duration_cast<std::chrono::seconds>(facts->not_after - SystemClock().now());
    auto* session = SSL_get_session(ssl);
    if (session && SSL_SESSION_get_timeout(session) > left.count())
        SSL_SESSION_set_timeout(
            session, static_cast<long>(std::max<std::int64_t>(left.count(), 0))
        );
    return 1;
}

/// Whose certificates are good, and a name for exactly these, for sessions.
struct Authorities {
    StorePtr store;
    std::string sessions;
};

Result<Authorities>
read_authorities(const std::vector<std::string>& pems, std::string_view purpose) {
    Authorities read{StorePtr(X509_STORE_new()), std::string(purpose)};
    std::vector<std::string> fingerprints;
    for (const auto& pem : pems) {
        FAIRLEAD_TRY(certificates, read_certificates(pem));
        for (auto& one : certificates) {
            if (X509_check_ca(one.get()) == 0)
                return fail(
                    Errc::invalid,
                    "The certificate of " + facts_of(*one).common_name + " is not an authority's."
                );
            X509_STORE_add_cert(read.store.get(), one.get());
            fingerprints.push_back(fingerprint_of(*one));
        }
    }
    std::sort(fingerprints.begin(), fingerprints.end());
    for (const auto& one : fingerprints) read.sessions += one;
    read.sessions = sha256_hex(read.sessions).substr(0, SSL_MAX_SID_CTX_LENGTH);
    return read;
}

} // namespace

const Identity* ServerSettings::identity_for(std::string_view name) const {
    auto wanted = lower(name);
    if (wanted.ends_with('.')) wanted.pop_back();
    if (auto exact = by_name.find(wanted); exact != by_name.end()) return exact->second.get();
    if (auto dot = wanted.find('.'); dot != std::string::npos)
        if (auto wildcard = by_name.find("*" + wanted.substr(dot)); wildcard != by_name.end())
            return wildcard->second.get();
    return fallback.get();
}

const Identity* ServerSettings::challenge_for(std::string_view name) const {
    auto found = challenges.find(lower(name));
    return found == challenges.end() ? nullptr : found->second.get();
}

SslCtxPtr new_context(bool server) {
    SslCtxPtr ctx(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
    if (!ctx) throw std::runtime_error("OpenSSL cannot make a TLS context");
    SSL_CTX_set_min_proto_version(ctx.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(
        ctx.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE
    );
    // Idle connections give their 34 KiB of record buffers back.
    SSL_CTX_set_mode(
        ctx.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
    );
    SSL_CTX_set_read_ahead(ctx.get(), 1);
    SSL_CTX_set_ciphersuites(
        ctx.get(), "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
    );
    SSL_CTX_set_cipher_list(ctx.get(), "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL");
    SSL_CTX_set1_groups_list(ctx.get(), "X25519:P-256");
    return ctx;
}

void forget_handshake(SSL& ssl) {
    if (SSL_version(&ssl) != TLS1_3_VERSION) return;
    // OpenSSL keeps the session, and in it perhaps the peer's parsed certificate, for as long as
    // the connection lives: up to 7 KiB that a TLS 1.3 server needs no more once its ticket is
    // sent.
    replace_session(ssl, nullptr);
    ERR_clear_error();
}

TlsServerContext::Impl::Impl()
    : ctx(new_context(true)), settings(std::make_shared<ServerSettings>()) {
    SSL_CTX_set_client_hello_cb(ctx.get(), on_client_hello, this);
    SSL_CTX_set_cert_cb(ctx.get(), on_certificate, this);
    SSL_CTX_set_alpn_select_cb(ctx.get(), on_alpn, this);
    SSL_CTX_set_cert_verify_callback(ctx.get(), on_verify, nullptr);
    // Sessions live in tickets with the clients, not here.
    SSL_CTX_set_session_cache_mode(ctx.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx.get(), 1);
    SSL_CTX_set_session_ticket_cb(ctx.get(), on_ticket, nullptr, nullptr);
    SSL_CTX_set_timeout(ctx.get(), 24 * 3600);
    auto first = std::make_shared<ServerSettings>();
    first->authorities.reset(X509_STORE_new());
    first->agent_sessions = "fairlead-agent-nobody";
    settings = first;
}

std::shared_ptr<const ServerSettings> TlsServerContext::Impl::current() const {
    std::lock_guard lock(mutex);
    return settings;
}

void TlsServerContext::Impl::change(const std::function<void(ServerSettings&)>& how) {
    std::lock_guard lock(mutex);
    auto next = std::make_shared<ServerSettings>();
    next->fallback = settings->fallback;
    next->agents = settings->agents;
    next->by_name = settings->by_name;
    next->challenges = settings->challenges;
    next->agent_sessions = settings->agent_sessions;
    X509_STORE_up_ref(settings->authorities.get());
    next->authorities.reset(settings->authorities.get());
    if (auto* visitors = settings->visitor_authorities.get()) {
        X509_STORE_up_ref(visitors);
        next->visitor_authorities.reset(visitors);
        next->visitor_sessions = settings->visitor_sessions;
        next->asks_visitors = settings->asks_visitors;
    }
    how(*next);
    settings = std::move(next);
}

TlsServerContext::TlsServerContext() : impl_(std::make_unique<Impl>()) {}
TlsServerContext::TlsServerContext(TlsServerContext&&) noexcept = default;
TlsServerContext& TlsServerContext::operator=(TlsServerContext&&) noexcept = default;
TlsServerContext::~TlsServerContext() = default;

Result<> TlsServerContext::set_certificate(std::string_view chain_pem, const Secret& key_pem) {
    FAIRLEAD_TRY(identity, read_identity(chain_pem, key_pem));
    auto shared = std::make_shared<const Identity>(std::move(identity));
    impl_->change([&](ServerSettings& next) { next.fallback = shared; });
    return {};
}

Result<>
TlsServerContext::set_agents_certificate(std::string_view chain_pem, const Secret& key_pem) {
    FAIRLEAD_TRY(identity, read_identity(chain_pem, key_pem));
    auto shared = std::make_shared<const Identity>(std::move(identity));
    impl_->change([&](ServerSettings& next) { next.agents = shared; });
    return {};
}

Result<> TlsServerContext::set_certificate_for(
    std::string_view name, std::string_view chain_pem, const Secret& key_pem
) {
    FAIRLEAD_TRY(identity, read_identity(chain_pem, key_pem));
    auto shared = std::make_shared<const Identity>(std::move(identity));
    impl_->change([&](ServerSettings& next) { next.by_name[lower(name)] = shared; });
    return {};
}

void TlsServerContext::remove_certificate_for(std::string_view name) {
    impl_->change([&](ServerSettings& next) { next.by_name.erase(lower(name)); });
}

bool TlsServerContext::covers(std::string_view name) const {
    auto settings = impl_->current();
    return settings->fallback && !name.empty() &&
           X509_check_host(settings->fallback->leaf.get(), name.data(), name.size(), 0, nullptr) ==
               1;
}

Result<> TlsServerContext::set_challenge_for(
    std::string_view name, std::string_view pem, const Secret& key_pem
) {
    FAIRLEAD_TRY(identity, read_identity(pem, key_pem));
    auto shared = std::make_shared<const Identity>(std::move(identity));
    impl_->change([&](ServerSettings& next) { next.challenges[lower(name)] = shared; });
    return {};
}

void TlsServerContext::remove_challenge_for(std::string_view name) {
    impl_->change([&](ServerSettings& next) { next.challenges.erase(lower(name)); });
}

Result<> TlsServerContext::set_agent_authorities(const std::vector<std::string>& pems) {
    FAIRLEAD_TRY(read, read_authorities(pems, ""));
    impl_->change([&](ServerSettings& next) {
        next.authorities = std::move(read.store);
        next.agent_sessions = read.sessions;
    });
    return {};
}

Result<> TlsServerContext::set_visitor_authorities(
    const std::string& pem, std::function<bool(std::string_view name)> asked
) {
    FAIRLEAD_TRY(read, read_authorities({pem}, "visitors"));
    impl_->change([&](ServerSettings& next) {
        next.visitor_authorities = std::move(read.store);
        next.visitor_sessions = read.sessions;
        next.asks_visitors = std::move(asked);
    });
    return {};
}

Result<> TlsServerContext::set_session_secret(const Secret& secret) {
    if (secret.reveal().size() < 32)
        return fail(Errc::invalid, "The session secret has fewer than 32 bytes.");
    unsigned char keys[80]; // name, HMAC key, AES key
    for (std::size_t at = 0; at < sizeof keys; at += 32) {
        std::string input(secret.reveal());
        input += "fairlead session tickets ";
        input += static_cast<char>('0' + at / 32);
        unsigned char digest[32];
        unsigned size = 0;
        EVP_Digest(input.data(), input.size(), digest, &size, EVP_sha256(), nullptr);
        std::memcpy(keys + at, digest, std::min<std::size_t>(32, sizeof keys - at));
        wipe(input);
    }
    bool set = SSL_CTX_set_tlsext_ticket_keys(impl_->ctx.get(), keys, sizeof keys) == 1;
    OPENSSL_cleanse(keys, sizeof keys);
    if (!set) return fail(Errc::internal, "OpenSSL refused the ticket keys.");
    return {};
}

} // namespace fairlead::net
