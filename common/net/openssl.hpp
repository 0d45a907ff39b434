/// OpenSSL's objects with owners. Only for the .cpp files of this folder and their private headers.
#pragma once

#include "common/net/peer.hpp"
#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::net {

template <auto Free>
struct OpensslFree {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};
inline void free_chain(STACK_OF(X509) * chain) {
    sk_X509_pop_free(chain, X509_free);
}

using SslPtr = std::unique_ptr<SSL, OpensslFree<SSL_free>>;
using SslCtxPtr = std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>>;
using SessionPtr = std::unique_ptr<SSL_SESSION, OpensslFree<SSL_SESSION_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslFree<X509_free>>;
using ChainPtr = std::unique_ptr<STACK_OF(X509), OpensslFree<free_chain>>;
using StorePtr = std::unique_ptr<X509_STORE, OpensslFree<X509_STORE_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, OpensslFree<BIO_free_all>>;

/// A certificate with the rest of its chain, and its key.
struct Identity {
    X509Ptr leaf;
    ChainPtr chain;
    KeyPtr key;
};

/// Errc::invalid when there is no certificate in the text or something else is.
Result<std::vector<X509Ptr>> read_certificates(std::string_view pem);

/// Checks that the key is the leaf's.
Result<Identity> read_identity(std::string_view chain_pem, const Secret& key_pem);

PeerCertificate facts_of(X509& certificate);

std::string sha256_hex(std::string_view bytes);
/// SHA-256 of the certificate, and of its SubjectPublicKeyInfo, as lower-case hex.
std::string fingerprint_of(X509& certificate);
std::string key_hash_of(X509& certificate);

Timestamp timestamp_of(const ASN1_TIME& time);

/// What one connection's callbacks found out; hangs on the SSL.
struct HandshakeNotes {
    HandshakeNotes() = default;

    int verify_error = X509_V_OK;
    std::string verify_subject; ///< common name of the certificate that the error is about
    Timestamp not_before, not_after;
    bool fingerprint_differs = false;
    std::string seen_fingerprint;
    bool agent = false;      ///< the client offered the agent ALPN
    bool recovering = false; ///< or the one of recovery
    bool challenged = false; ///< it asks for a challenge certificate, and there is one
    std::string session_key; ///< client: where a new session is remembered
};

void attach_notes(SSL& ssl, HandshakeNotes* notes);
HandshakeNotes* notes_of(const SSL& ssl);

/// For SSL_set_verify and inside our own verification: writes the first error into the notes.
int note_verify_error(int ok, X509_STORE_CTX* context);

/// One error out of OpenSSL's queue, the notes and errno, by name (see TlsClientContext). `client`
/// says which side we are. Empties the queue.
Error tls_error(
    const HandshakeNotes& notes, bool client, std::string_view peer_name, int saved_errno
);

} // namespace fairlead::net
