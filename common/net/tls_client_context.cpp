#include "common/net/tls_impl.hpp"

#include <openssl/x509v3.h>

#include <arpa/inet.h>

namespace fairlead::net {

namespace {

constexpr std::size_t max_sessions = 16;

bool is_address(const std::string& host) {
    unsigned char bytes[16];
    return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
           inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

/// The 64 hexadecimal digits of either spelling.
Result<std::string> clean_pin(std::string_view given) {
    constexpr std::string_view curl_prefix = "sha256//";
    std::string pin;
    if (given.starts_with(curl_prefix)) {
        auto text = given.substr(curl_prefix.size());
        unsigned char bytes[48];
        int size =
            text.size() == 44 && text.ends_with('=')
                ? EVP_DecodeBlock(bytes, reinterpret_cast<const unsigned char*>(text.data()), 44)
                : -1;
        static constexpr char digits[] = "0123456789abcdef";
        for (int i = 0; size == 33 && i < 32; ++i) {
            pin += digits[bytes[i] >> 4];
            pin += digits[bytes[i] & 15];
        }
    } else {
        for (char c : given) {
            if (c == ':' || c == ' ') continue;
            if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
            pin += c;
        }
    }
    if (pin.size() != 64 || pin.find_first_not_of("0123456789abcdef") != std::string::npos)
        return fail(
            Errc::invalid, "A SHA-256 fingerprint has 64 hexadecimal digits, or sha256// and 44 "
                           "characters of base64; '" +
                               std::string(given.substr(0, 100)) + "' has not."
        );
    return pin;
}

/// The pinned certificate itself is known, so only its dates are left to check.
int check_dates(X509_STORE_CTX* context, X509* leaf) {
    X509_STORE_CTX_set_current_cert(context, leaf);
    if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0)
        X509_STORE_CTX_set_error(context, X509_V_ERR_CERT_NOT_YET_VALID);
    else if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0)
        X509_STORE_CTX_set_error(context, X509_V_ERR_CERT_HAS_EXPIRED);
    else
        return 1;
    return note_verify_error(0, context);
}

/// `otherwise` says whether anything but the pin may make the certificate good.
int verify_pinned(
    X509_STORE_CTX* context, const std::string& pin, bool otherwise, HandshakeNotes& notes
) {
    X509* leaf = X509_STORE_CTX_get0_cert(context);
    if (fingerprint_of(*leaf) == pin || key_hash_of(*leaf) == pin)
        return check_dates(context, leaf);
    auto* sent = X509_STORE_CTX_get0_untrusted(context);
    for (int i = 0; i < sk_X509_num(sent); ++i) {
        X509* one = sk_X509_value(sent, i);
        if (X509_check_ca(one) == 0 || (fingerprint_of(*one) != pin && key_hash_of(*one) != pin))
            continue;
        ChainPtr trusted(sk_X509_new_null());
        X509_up_ref(one);
        sk_X509_push(trusted.get(), one);
        X509_STORE_CTX_set0_trusted_stack(context, trusted.get());
        return X509_verify_cert(context);
    }
    if (otherwise) return X509_verify_cert(context);
    notes.fingerprint_differs = true;
    notes.seen_fingerprint = fingerprint_of(*leaf);
    X509_STORE_CTX_set_error(context, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

int verify_server(X509_STORE_CTX* context, void* argument) {
    const auto& impl = *static_cast<TlsClientContext::Impl*>(argument);
    auto* ssl =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx())
        );
    auto* notes = ssl ? notes_of(*ssl) : nullptr;
    if (!notes) return 0;
    bool otherwise = impl.trust.uses_system() || !impl.trust.pem().empty();
    if (!impl.pin.empty()) return verify_pinned(context, impl.pin, otherwise, *notes);
    return X509_verify_cert(context);
}

int remember_session(SSL* ssl, SSL_SESSION* session) {
    auto* impl = static_cast<TlsClientContext::Impl*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    auto* notes = notes_of(*ssl);
    if (!impl || !notes) return 0;
    if (impl->sessions.size() >= max_sessions && !impl->sessions.contains(notes->session_key))
        impl->sessions.clear();
    impl->sessions[notes->session_key].reset(session);
    return 1; // it is ours now
}

} // namespace

TlsClientContext::Impl::Impl(Trust wanted) : trust(std::move(wanted)), ctx(new_context(false)) {
    SSL_CTX_set_verify(ctx.get(), SSL_VERIFY_PEER, note_verify_error);
    SSL_CTX_set_cert_verify_callback(ctx.get(), verify_server, this);
    SSL_CTX_set_session_cache_mode(ctx.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_app_data(ctx.get(), this);
    SSL_CTX_sess_set_new_cb(ctx.get(), remember_session);
}

SslPtr TlsClientContext::Impl::connection(
    const std::string& host, std::uint16_t port, std::string_view alpn, HandshakeNotes& notes
) {
    SslPtr ssl(SSL_new(ctx.get()));
    if (!ssl) throw std::runtime_error("OpenSSL cannot make a TLS connection");
    attach_notes(*ssl, &notes);
    notes.session_key = host + " " + std::to_string(port) + " " + std::string(alpn);
    if (is_address(host)) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), host.c_str());
    } else {
        SSL_set_tlsext_host_name(ssl.get(), host.c_str());
        SSL_set1_host(ssl.get(), host.c_str());
        SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    }
    std::string wire(1, static_cast<char>(alpn.size()));
    wire += alpn;
    SSL_set_alpn_protos(
        ssl.get(), reinterpret_cast<const unsigned char*>(wire.data()),
        static_cast<unsigned>(wire.size())
    );
    if (alpn == agent_alpn) SSL_set_min_proto_version(ssl.get(), TLS1_3_VERSION);
    if (auto found = sessions.find(notes.session_key); found != sessions.end())
        SSL_set_session(ssl.get(), found->second.get());
    SSL_set_connect_state(ssl.get());
    return ssl;
}

TlsClientContext::TlsClientContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsClientContext::TlsClientContext(TlsClientContext&&) noexcept = default;
TlsClientContext& TlsClientContext::operator=(TlsClientContext&&) noexcept = default;
TlsClientContext::~TlsClientContext() = default;

Result<TlsClientContext> TlsClientContext::make(Trust trust) {
    auto impl = std::make_unique<Impl>(trust);
    FAIRLEAD_TRY(authorities, authorities_of(trust));
    if (authorities) SSL_CTX_set1_cert_store(impl->ctx.get(), authorities.get());
    if (!trust.pin().empty()) {
        FAIRLEAD_TRY(pin, clean_pin(trust.pin()));
        impl->pin = pin;
    }
    ERR_clear_error();
    return TlsClientContext(std::move(impl));
}

Result<> TlsClientContext::set_identity(std::string_view chain_pem, const Secret& key_pem) {
    FAIRLEAD_TRY(identity, read_identity(chain_pem, key_pem));
    auto* ctx = impl_->ctx.get();
    if (SSL_CTX_use_cert_and_key(
            ctx, identity.leaf.get(), identity.key.get(), identity.chain.get(), 1
        ) != 1) {
        ERR_clear_error();
        return fail(Errc::invalid, "OpenSSL refused the client certificate.");
    }
    forget_sessions();
    return {};
}

void TlsClientContext::forget_sessions() {
    impl_->sessions.clear();
}

} // namespace fairlead::net
