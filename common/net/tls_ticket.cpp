// What a session ticket of an agent's link carries. OpenSSL 3.0 puts the client's whole certificate
// into it and decodes its key anew at each resumption, which costs half of the handshake that the
// ticket is there to save. So the certificate is taken out and what it said is put in; the ticket's
// own authentication covers both alike.
#include "common/net/tls_impl.hpp"

#include <charconv>

namespace fairlead::net {

namespace {

constexpr std::string_view mark = "fairlead-peer/1";

void put(std::string& into, std::string_view text) {
    into += std::to_string(text.size());
    into += ':';
    into += text;
}

/// Reads what put() wrote; `good` turns false for anything else.
std::string_view take(std::string_view& from, bool& good) {
    std::size_t size = 0;
    auto colon = from.find(':');
    if (colon == from.npos) return good = false, std::string_view();
    auto [end, failed] = std::from_chars(from.data(), from.data() + colon, size);
    from.remove_prefix(colon + 1);
    if (failed != std::errc() || *end != ':' || size > from.size())
        return good = false, std::string_view();
    auto text = from.substr(0, size);
    from.remove_prefix(size);
    return text;
}

std::int64_t take_number(std::string_view& from, bool& good) {
    std::int64_t value = 0;
    auto text = take(from, good);
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    good = good && failed == std::errc() && end == text.data() + text.size();
    return value;
}

/// Size of a DER element's head, and of the whole; nothing when the bytes end before it does.
struct Element {
    std::size_t head = 0, whole = 0;
};
std::optional<Element> element_at(std::string_view der) {
    if (der.size() < 2) return {};
    auto byte = [&](std::size_t at) { return static_cast<unsigned char>(der[at]); };
    std::size_t head = 2, length = byte(1);
    if (length >= 0x80) {
        head += length & 0x7f;
        if (length == 0x80 || length > 0x84 || der.size() < head) return {};
        length = 0;
        for (std::size_t i = 2; i < head; ++i) length = length << 8 | byte(i);
    }
    if (length > der.size() - head) return {};
    return Element{head, head + length};
}

/// An SSL_SESSION in DER without its element [3], the peer's certificate. Empty when this is no
/// sequence.
std::string without_certificate(std::string_view der) {
    constexpr char sequence = 0x30, certificate = char(0xa3);
    auto outer = element_at(der);
    if (!outer || der[0] != sequence || outer->whole != der.size()) return {};
    std::string kept;
    for (auto rest = der.substr(outer->head); !rest.empty();) {
        auto one = element_at(rest);
        if (!one) return {};
        if (rest[0] != certificate) kept += rest.substr(0, one->whole);
        rest.remove_prefix(one->whole);
    }
    std::string made(1, sequence);
    made += char(0x84);
    for (int shift = 24; shift >= 0; shift -= 8) made += static_cast<char>(kept.size() >> shift);
    return made + kept;
}

} // namespace

std::string pack_certificate(const PeerCertificate& facts) {
    std::string text;
    put(text, mark);
    for (const auto* one : {&facts.common_name, &facts.serial, &facts.fingerprint, &facts.key_hash})
        put(text, *one);
    put(text, std::to_string(to_ms(facts.not_before)));
    put(text, std::to_string(to_ms(facts.not_after)));
    for (const auto* list : {&facts.dns_names, &facts.uris}) {
        put(text, std::to_string(list->size()));
        for (const auto& name : *list) put(text, name);
    }
    return text;
}

std::optional<PeerCertificate> unpack_certificate(std::string_view text) {
    bool good = true;
    PeerCertificate facts;
    if (take(text, good) != mark) return {};
    for (auto* one : {&facts.common_name, &facts.serial, &facts.fingerprint, &facts.key_hash})
        *one = take(text, good);
    facts.not_before = from_ms(take_number(text, good));
    facts.not_after = from_ms(take_number(text, good));
    for (auto* list : {&facts.dns_names, &facts.uris})
        for (auto left = take_number(text, good); good && left > 0; --left)
            list->emplace_back(take(text, good));
    if (!good || !text.empty()) return {};
    return facts;
}

std::optional<PeerCertificate> certificate_of_session(SSL& ssl) {
    void* data = nullptr;
    std::size_t size = 0;
    auto* session = SSL_get0_session(&ssl);
    if (!session || SSL_SESSION_get0_ticket_appdata(session, &data, &size) != 1 || !data) return {};
    return unpack_certificate({static_cast<const char*>(data), size});
}

bool replace_session(SSL& ssl, SSL_SESSION* session) {
    // Possible only under a context of exactly the negotiated method; otherwise OpenSSL would start
    // the connection anew.
    static const SslCtxPtr parked(SSL_CTX_new(SSL_get_ssl_method(&ssl)));
    return parked && SSL_set_SSL_CTX(&ssl, parked.get()) && SSL_set_session(&ssl, session) == 1;
}

void lighten_ticket(SSL& ssl, const PeerCertificate& facts) {
    auto* session = SSL_get0_session(&ssl);
    unsigned char* bytes = nullptr;
    int size = i2d_SSL_SESSION(session, &bytes);
    if (size <= 0) return;
    auto der =
        without_certificate({reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size)});
    OPENSSL_clear_free(bytes, static_cast<std::size_t>(size));
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    SessionPtr light(d2i_SSL_SESSION(nullptr, &at, static_cast<long>(der.size())));
    wipe(der);
    auto text = pack_certificate(facts);
    // Where any of it fails the ticket stays as OpenSSL makes it: heavy, and as good.
    if (light && SSL_SESSION_set1_ticket_appdata(light.get(), text.data(), text.size()) == 1)
        replace_session(ssl, light.get());
    ERR_clear_error();
}

} // namespace fairlead::net
