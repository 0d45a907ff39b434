#include "controller/sso/jwks.hpp"

#include "common/crypto/encoding.hpp"
#include "controller/sso/members.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace fairlead::sso {
namespace {

using crypto::PublicKey;
using crypto::SignatureKind;

constexpr std::array<std::pair<std::string_view, SignatureKind>, 4> kinds{{
    {"RS256", SignatureKind::rs256},
    {"PS256", SignatureKind::ps256},
    {"ES256", SignatureKind::es256},
    {"EdDSA", SignatureKind::eddsa},
}};

/// A number of a key: base64url of its bytes.
Result<std::string> number(const boost::json::object& from, std::string_view name) {
    auto text = text_member(from, name);
    if (!text) return fail(Errc::invalid, "The key lacks " + std::string(name) + ".");
    return crypto::base64url_decode(*text);
}

Result<PublicKey> key_of(const boost::json::object& from) {
    auto type = text_member(from, "kty").value_or("");
    auto curve = text_member(from, "crv").value_or("");
    if (type == "RSA") {
        FAIRLEAD_TRY(n, number(from, "n"));
        FAIRLEAD_TRY(e, number(from, "e"));
        return PublicKey::rsa(n, e);
    }
    if (type == "EC" && curve == "P-256") {
        FAIRLEAD_TRY(x, number(from, "x"));
        FAIRLEAD_TRY(y, number(from, "y"));
        return PublicKey::p256(x, y);
    }
    if (type == "OKP" && curve == "Ed25519") {
        FAIRLEAD_TRY(x, number(from, "x"));
        return PublicKey::ed25519(x);
    }
    return fail(Errc::invalid, "That kind of key is not known here.");
}

/// Published for checking signatures, or for whatever one likes.
bool for_signatures(const boost::json::object& from) {
    if (const auto* use = from.if_contains("use"); use && *use != "sig") return false;
    const auto* acts = from.if_contains("key_ops");
    if (!acts) return true;
    return acts->is_array() && std::ranges::find(acts->get_array(), boost::json::value("verify")) !=
                                   acts->get_array().end();
}

} // namespace

std::optional<SignatureKind> signature_kind(std::string_view alg) {
    for (const auto& [name, kind] : kinds)
        if (name == alg) return kind;
    return std::nullopt;
}

Result<Jwks> Jwks::parse(std::string_view text) {
    FAIRLEAD_TRY(root, json::parse(text, most_bytes));
    const auto* list = root.is_object() ? root.get_object().if_contains("keys") : nullptr;
    if (!list || !list->is_array()) return fail(Errc::invalid, "The issuer's keys are no key set.");
    const auto& given = list->get_array();
    if (given.size() > most_keys)
        return fail(
            Errc::invalid, "The issuer publishes " + std::to_string(given.size()) +
                               " keys; at most " + std::to_string(most_keys) + " are read."
        );
    Jwks keys;
    for (const auto& one : given) {
        if (!one.is_object() || !for_signatures(one.get_object())) continue;
        const auto& from = one.get_object();
        auto key = key_of(from);
        if (!key) continue;
        Jwk jwk{
            .id = text_member(from, "kid").value_or(""),
            .issuer = text_member(from, "issuer").value_or(""),
            .key = std::move(*key)};
        if (auto alg = text_member(from, "alg")) {
            jwk.only_for = signature_kind(*alg);
            if (!jwk.only_for) continue;
        }
        keys.keys_.push_back(std::move(jwk));
    }
    return keys;
}

Result<const Jwk*> Jwks::find(std::string_view id, SignatureKind kind) const {
    const Jwk* found = nullptr;
    for (const auto& one : keys_) {
        bool fits = one.key.fits(kind) && (!one.only_for || *one.only_for == kind);
        if (!fits || (!id.empty() && one.id != id)) continue;
        // Which of two it is nobody says, and trying them all is no answer.
        if (found)
            return fail(Error(Errc::not_found, "Several of the issuer's keys fit the token.")
                            .with_code("unknown_key"));
        found = &one;
    }
    if (found) return found;
    return fail(Error(
                    Errc::not_found, "The issuer publishes no key \"" +
                                         std::string(id.substr(0, 100)) + "\" for this token."
    )
                    .with_code("unknown_key"));
}

} // namespace fairlead::sso
