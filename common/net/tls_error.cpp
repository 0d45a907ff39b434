#include "common/net/openssl.hpp"

#include <openssl/sslerr.h>

#include <cstring>

namespace fairlead::net {

namespace {

int notes_index() {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

std::string cut_name(std::string_view name) {
    return name.empty() ? std::string("the peer") : std::string(name);
}

std::string clock_text() {
    SystemClock clock;
    return to_rfc3339(clock.now());
}

long seconds_between(Timestamp from, Timestamp to) {
    return static_cast<long>(std::chrono::duration_cast<std::chrono::seconds>(to - from).count());
}

Error named(const char* code, std::string message, std::string detail = {}) {
    return Error(Errc::unauthenticated, std::move(message), std::move(detail)).with_code(code);
}

/// What we hold against the peer's certificate.
Error verify_failure(const HandshakeNotes& notes, bool client, const std::string& peer) {
    auto who = client ? "The certificate of " + peer
                      : "The client certificate of " + cut_name(notes.verify_subject);
    auto why = std::string(X509_verify_cert_error_string(notes.verify_error));
    SystemClock clock;
    switch (notes.verify_error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return named(
            client ? "tls_expired" : "tls_client_expired",
            who + " has expired on " + to_rfc3339(notes.not_after) + "; the clock here says " +
                clock_text() + "."
        );
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return named(
            client ? "tls_not_yet_valid" : "tls_client_not_yet_valid",
            who + " is not valid before " + to_rfc3339(notes.not_before) +
                ", but the clock here says " + clock_text() + ": it is wrong by at least " +
                std::to_string(seconds_between(clock.now(), notes.not_before)) + " s."
        );
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return named("tls_name_differs", who + " is for another name.");
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return named(
            client ? "tls_unknown_authority" : "tls_client_unknown_authority",
            who + " is from an authority that is not trusted here.", why
        );
    default:
        return named(
            client ? "tls_bad_certificate" : "tls_client_refused",
            who + " is not acceptable: " + why + "."
        );
    }
}

/// What the peer said, as far as TLS can say it.
Error alert_failure(int reason, bool client, const std::string& peer, const std::string& detail) {
    auto refused = [&](const char* code, const char* why) {
        return named(
            code,
            (client ? peer + " refused our certificate: " : peer + " refused our certificate: ") +
                why,
            detail
        );
    };
    switch (reason) {
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        return client
                   ? refused(
                         "tls_client_expired", "it has expired, or one of the two clocks is wrong."
                     )
                   : refused("tls_expired", "to it, the certificate has expired.");
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        return client ? refused(
                            "tls_client_unknown_authority",
                            "it is from an authority that is not trusted there."
                        )
                      : refused("tls_unknown_authority", "its authority is not trusted there.");
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        return refused("tls_client_revoked", "it has been revoked.");
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        return named(
            "tls_client_required", peer + " wants a client certificate and got none.", detail
        );
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        return refused("tls_client_refused", "it is not acceptable there.");
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return named(
            "tls_client_required",
            peer + " showed no client certificate; the agent link needs one.", detail
        );
    case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
    case SSL_R_NO_APPLICATION_PROTOCOL:
        return named("tls_alpn", peer + " does not speak the protocol that was asked for.", detail);
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_VERSION_NUMBER:
        return named("tls_version", peer + " speaks no version of TLS that we accept.", detail);
    default:
        return named("tls_failed", "The TLS handshake with " + peer + " failed.", detail);
    }
}

} // namespace

void attach_notes(SSL& ssl, HandshakeNotes* notes) {
    SSL_set_ex_data(&ssl, notes_index(), notes);
}

HandshakeNotes* notes_of(const SSL& ssl) {
    return static_cast<HandshakeNotes*>(SSL_get_ex_data(&ssl, notes_index()));
}

int note_verify_error(int ok, X509_STORE_CTX* context) {
    if (ok == 1) return 1;
    auto* ssl =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx())
        );
    auto* notes = ssl ? notes_of(*ssl) : nullptr;
    if (!notes || notes->verify_error != X509_V_OK) return 0;
    notes->verify_error = X509_STORE_CTX_get_error(context);
    if (auto* certificate = X509_STORE_CTX_get_current_cert(context)) {
        auto facts = facts_of(*certificate);
        notes->verify_subject = facts.common_name;
        notes->not_before = facts.not_before;
        notes->not_after = facts.not_after;
    }
    return 0;
}

Error tls_error(
    const HandshakeNotes& notes, bool client, std::string_view peer_name, int saved_errno
) {
    auto peer = cut_name(peer_name);
    auto first = ERR_peek_error();
    std::string detail;
    if (first != 0) {
        char text[256];
        ERR_error_string_n(first, text, sizeof text);
        detail = text;
    }
    ERR_clear_error();
    if (notes.fingerprint_differs)
        return named(
            "tls_fingerprint_differs", "The certificate of " + peer +
                                           " has another fingerprint than the one given: " +
                                           notes.seen_fingerprint + ". Somebody may be in between."
        );
    if (notes.verify_error != X509_V_OK) return verify_failure(notes, client, peer);
    if (first != 0 && ERR_GET_LIB(first) == ERR_LIB_SSL) {
        auto reason = ERR_GET_REASON(first);
        if (reason != SSL_R_UNEXPECTED_EOF_WHILE_READING)
            return alert_failure(reason, client, peer, detail);
    } else if (first != 0) {
        return named("tls_failed", "The TLS connection with " + peer + " failed.", detail);
    }
    auto why = saved_errno != 0 ? std::string(std::strerror(saved_errno))
                                : std::string("closed by the other side");
    return Error(
        Errc::unavailable, "The connection with " + peer + " was lost: " + why + ".", detail
    );
}

} // namespace fairlead::net
