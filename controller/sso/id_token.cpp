#include "controller/sso/id_token.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "controller/sso/members.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::sso {
namespace {

using namespace std::chrono_literals;
using boost::json::object;

constexpr auto oldest = 10min; // one is asked for and used at once
constexpr std::string_view tenant_mark = "{tenantid}";

tl::unexpected<Error> bad(std::string why) {
    return fail(Errc::unauthenticated, "The ID token is not good: " + std::move(why) + ".");
}

/// The three parts of a compact JWS, not decoded.
struct Parts {
    std::string_view header, payload, signature, signed_text;
};

Result<Parts> take_apart(std::string_view token) {
    if (token.size() > most_member) return bad("it is too long");
    auto first = token.find('.');
    auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
        return bad("it has not three parts");
    return Parts{
        token.substr(0, first), token.substr(first + 1, second - first - 1),
        token.substr(second + 1), token.substr(0, second)};
}

Result<object> decoded(std::string_view part, const char* name) {
    auto text = crypto::base64url_decode(part);
    if (!text) return bad(std::string("its ") + name + " is no base64url");
    auto value = json::parse(*text, most_member);
    if (!value || !value->is_object()) return bad(std::string("its ") + name + " is no object");
    return std::move(value->get_object());
}

Result<const Jwk*> signing_key(const object& header, const Jwks& keys) {
    auto alg = text_member(header, "alg").value_or("");
    auto kind = signature_kind(alg);
    if (!kind) return bad(fmt::format("\"{}\" is no algorithm that is taken", alg.substr(0, 32)));
    // Extensions that must be understood, and none is.
    if (header.contains("crit")) return bad("it has critical extensions");
    auto type = text_member(header, "typ").value_or("JWT");
    if (type != "JWT" && type != "jwt") return bad("it is a \"" + type.substr(0, 32) + "\"");
    if (header.contains("kid") && !text_member(header, "kid")) return bad("its kid is no text");
    return keys.find(text_member(header, "kid").value_or(""), *kind);
}

Result<> check_audience(const object& claims, const std::string& client_id) {
    const auto* audience = claims.if_contains("aud");
    auto azp = text_member(claims, "azp");
    if (claims.contains("azp") && azp != client_id) return bad("it was given to another client");
    if (!audience) return bad("it names no audience");
    if (audience->is_string()) {
        if (*audience != boost::json::string_view(client_id))
            return bad("it is for another client");
        return {};
    }
    if (!audience->is_array()) return bad("its audience is no text");
    const auto& list = audience->get_array();
    if (std::ranges::find(list, boost::json::value(client_id)) == list.end())
        return bad("it is for another client");
    if (list.size() > 1 && !azp) return bad("it is for several clients and names none of them");
    return {};
}

Result<> check_times(const object& claims, Timestamp now) {
    auto at = [&](const char* name) -> std::optional<Timestamp> {
        auto seconds = number_member(claims, name);
        if (!seconds || *seconds < 0 || *seconds > 100'000'000'000) return std::nullopt;
        return Timestamp(std::chrono::seconds(*seconds));
    };
    auto expires = at("exp"), issued = at("iat"), begins = at("nbf");
    if (!expires || !issued) return bad("it says not when it was made or ends");
    if (claims.contains("nbf") && !begins) return bad("it says not when it begins");
    if (now >= *expires + clock_skew) return bad("it ended at " + to_rfc3339(*expires));
    if (*issued > now + clock_skew)
        return bad(fmt::format(
            "it was made at {}, which is still to come; look at this machine's clock",
            to_rfc3339(*issued)
        ));
    if (*issued < now - oldest) return bad("it was made at " + to_rfc3339(*issued));
    if (begins && *begins > now + clock_skew) return bad("it begins at " + to_rfc3339(*begins));
    return {};
}

} // namespace

bool is_guid(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        bool digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        if (hyphen ? text[i] != '-' : !digit) return false;
    }
    return true;
}

bool issuer_fits(std::string_view wanted, std::string_view issuer, std::string_view tenant) {
    auto mark = wanted.find(tenant_mark);
    if (mark == std::string_view::npos) return wanted == issuer;
    if (!is_guid(tenant)) return false;
    return issuer == std::string(wanted.substr(0, mark)) + std::string(tenant) +
                         std::string(wanted.substr(mark + tenant_mark.size()));
}

Result<IdToken> check_id_token(std::string_view token, const Jwks& keys, const Expected& expected) {
    FAIRLEAD_TRY(parts, take_apart(token));
    FAIRLEAD_TRY(header, decoded(parts.header, "header"));
    FAIRLEAD_TRY(jwk, signing_key(header, keys));
    auto kind = *signature_kind(*text_member(header, "alg"));
    auto signature = crypto::base64url_decode(parts.signature);
    if (!signature || !jwk->key.verify(kind, parts.signed_text, *signature))
        return bad("its signature is wrong");

    FAIRLEAD_TRY(claims, decoded(parts.payload, "payload"));
    auto issuer = text_member(claims, "iss").value_or("");
    auto tenant = text_member(claims, "tid").value_or("");
    if (!issuer_fits(expected.issuer, issuer, tenant))
        return bad(fmt::format("it is of the issuer \"{}\"", issuer.substr(0, 200)));
    if (!jwk->issuer.empty() && !issuer_fits(jwk->issuer, issuer, tenant))
        return bad("its key is of another issuer");
    FAIRLEAD_CHECK(check_audience(claims, expected.client_id));
    FAIRLEAD_CHECK(check_times(claims, expected.now));
    auto nonce = text_member(claims, "nonce").value_or("");
    if (expected.nonce.empty() || !crypto::same(nonce, expected.nonce))
        return bad("it answers another request");
    auto subject = text_member(claims, "sub", 255).value_or("");
    if (subject.empty()) return bad("it names nobody");
    return IdToken{std::move(issuer), std::move(subject), std::move(claims)};
}

} // namespace fairlead::sso
