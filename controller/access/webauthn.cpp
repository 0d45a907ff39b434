#include "controller/access/webauthn.hpp"

#include "common/crypto/cbor.hpp"
#include "common/crypto/cose.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/json/json.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace fairlead::access {
namespace {

using crypto::Cbor;

constexpr std::size_t client_data_limit = 8 * 1024;
constexpr std::size_t authenticator_data_limit = 8 * 1024;
constexpr std::size_t attestation_limit = 64 * 1024;
constexpr std::size_t signature_limit = 1024;
constexpr std::size_t shortest_id = 16, longest_id = 1023; // section 6.5.1
constexpr std::size_t longest_handle = 64;
constexpr std::array<std::string_view, 6> known_transports{"ble", "hybrid",     "internal",
                                                           "nfc", "smart-card", "usb"};

tl::unexpected<Error> malformed(std::string_view member, std::string_view why) {
    return fail(Error(
                    Errc::invalid,
                    fmt::format("The browser's answer cannot be read: {} {}.", member, why)
    )
                    .with_code("passkey_malformed"));
}

tl::unexpected<Error> refused(std::string why) {
    return fail(Error(Errc::invalid, std::move(why)).with_code("passkey_refused"));
}

// ---- JSON

Result<std::string> bytes_of(
    const boost::json::object& from, std::string_view member, std::size_t least, std::size_t most
) {
    const auto* value = from.if_contains(member);
    if (!value || !value->is_string()) return malformed(member, "is missing or no text");
    std::string_view text = value->get_string();
    // Four characters for each three bytes.
    if (text.size() > (most * 4 + 2) / 3) return malformed(member, "is too long");
    auto bytes = crypto::base64url_decode(text);
    if (!bytes) return malformed(member, "is no base64url");
    if (bytes->size() < least) return malformed(member, "is too short");
    return std::move(*bytes);
}

Result<boost::json::object> response_of(const boost::json::object& credential) {
    // toJSON() gives six members, and five in the response; browsers may come to give more.
    if (credential.size() > 32) return malformed("credential", "has too many members");
    const auto* type = credential.if_contains("type");
    if (!type || *type != "public-key") return malformed("type", "is not \"public-key\"");
    const auto* response = credential.if_contains("response");
    if (!response || !response->is_object()) return malformed("response", "is missing");
    return response->get_object();
}

/// CollectedClientData, section 5.8.1.
struct ClientData {
    std::string type;
    std::string challenge; ///< bytes
    std::string origin;
    bool cross_origin = false;
};

Result<ClientData> read_client_data(std::string_view text) {
    auto value = json::parse(text, client_data_limit);
    if (!value || !value->is_object()) return malformed("clientDataJSON", "is no JSON object");
    const auto& object = value->get_object();
    auto string = [&](std::string_view name) -> std::optional<std::string> {
        const auto* member = object.if_contains(name);
        if (!member || !member->is_string()) return std::nullopt;
        return std::string(member->get_string());
    };
    auto type = string("type"), origin = string("origin");
    if (!type || !origin) return malformed("clientDataJSON", "lacks type or origin");
    FAIRLEAD_TRY(challenge, bytes_of(object, "challenge", 1, 1024));
    ClientData data{*std::move(type), std::move(challenge), *std::move(origin), false};
    if (const auto* cross = object.if_contains("crossOrigin")) {
        if (!cross->is_bool()) return malformed("clientDataJSON", "has no sensible crossOrigin");
        data.cross_origin = cross->get_bool();
    }
    return data;
}

// ---- authenticator data, section 6.1

struct AuthenticatorData {
    std::string_view rp_id_hash;
    unsigned flags = 0;
    std::uint32_t sign_count = 0;
    std::string_view aaguid, credential_id, public_key; ///< empty unless it registers one

    bool has(unsigned bit) const { return (flags >> bit & 1u) != 0; }
    bool user_present() const { return has(0); }
    PasskeyState state() const { return {sign_count, has(2), has(3), has(4)}; }
};

Result<AuthenticatorData> read_authenticator_data(std::string_view bytes) {
    auto cut_off = [] { return malformed("authenticatorData", "is cut off"); };
    auto take = [&](std::size_t size) {
        auto part = bytes.substr(0, size);
        bytes.remove_prefix(size);
        return part;
    };
    auto number = [](std::string_view from) {
        std::uint32_t value = 0;
        for (unsigned char byte : from) value = value << 8u | byte;
        return value;
    };
    AuthenticatorData data;
    if (bytes.size() > authenticator_data_limit)
        return malformed("authenticatorData", "is too long");
    if (bytes.size() < 37) return cut_off();
    data.rp_id_hash = take(32);
    data.flags = number(take(1));
    data.sign_count = number(take(4));
    if (data.has(6)) { // attested credential data
        if (bytes.size() < 18) return cut_off();
        data.aaguid = take(16);
        auto size = number(take(2));
        if (size < shortest_id || size > longest_id)
            return malformed("authenticatorData", "has a credential id of a wrong length");
        if (bytes.size() < size) return cut_off();
        data.credential_id = take(size);
        auto rest = bytes;
        if (!Cbor::take(rest)) return malformed("authenticatorData", "holds no readable key");
        data.public_key = take(bytes.size() - rest.size());
    }
    if (data.has(7)) { // extensions
        auto map = Cbor::take(bytes);
        if (!map || map->kind() != Cbor::Kind::map)
            return malformed("authenticatorData", "holds no readable extensions");
    }
    if (!bytes.empty()) return malformed("authenticatorData", "goes on after its end");
    return data;
}

std::string uuid_of(std::string_view aaguid) {
    auto hex = crypto::hex_encode(aaguid);
    for (std::size_t at : {20, 16, 12, 8}) hex.insert(at, 1, '-');
    return hex;
}

// ---- checks that both ceremonies share

Result<> check_client_data(
    const RelyingParty& site, std::string_view bytes, std::string_view type,
    std::string_view challenge
) {
    FAIRLEAD_TRY(data, read_client_data(bytes));
    if (data.type != type)
        return refused(
            fmt::format("The browser did \"{}\" where \"{}\" was asked.", data.type, type)
        );
    if (!crypto::same(data.challenge, challenge))
        return refused("This is the answer to another request. Begin again.");
    auto own = std::find(site.origins.begin(), site.origins.end(), data.origin);
    if (own == site.origins.end())
        return refused(fmt::format(
            "The passkey was used on \"{}\". It counts on {} alone.", data.origin.substr(0, 300),
            site.origins.front()
        ));
    if (data.cross_origin) return refused("The passkey was used inside a page of another site.");
    return {};
}

Result<> check_authenticator(
    const RelyingParty& site, const AuthenticatorData& data, UserVerification user
) {
    if (!crypto::same(data.rp_id_hash, crypto::sha256(site.id).view()))
        return refused(fmt::format("The passkey was used for another site than {}.", site.id));
    if (!data.user_present())
        return refused("The authenticator does not say that somebody was there.");
    auto state = data.state();
    if (user == UserVerification::required && !state.user_verified)
        return refused("The authenticator did not check who you are. Here it has to, by a PIN, a "
                       "finger or a face.");
    if (state.backed_up && !state.backup_eligible)
        return refused("The authenticator says that a passkey is copied which cannot be copied.");
    return {};
}

/// Section 8. Only what the new key itself has signed can be checked without believing somebody.
Result<> check_statement(
    const Cbor& object, const crypto::CoseKey& key, std::string_view authenticator_data,
    std::string_view client_data
) {
    const auto* format = object.find("fmt");
    const auto* statement = object.find("attStmt");
    if (!format || !format->text() || !statement || statement->kind() != Cbor::Kind::map)
        return malformed("attestationObject", "lacks fmt or attStmt");
    if (format->text() == "none" && statement->size() != 0)
        return malformed("attestationObject", "has a statement where it says none");
    if (format->text() != "packed" || statement->find("x5c")) return {};
    const auto* algorithm = statement->find("alg");
    const auto* signature = statement->find("sig");
    if (!algorithm || algorithm->integer() != static_cast<int>(key.algorithm()) || !signature ||
        !key.verify(
            std::string(authenticator_data) + std::string(crypto::sha256(client_data).view()),
            signature->bytes().value_or("")
        ))
        return refused("The new passkey's signature over itself is wrong.");
    return {};
}

} // namespace

Result<RelyingParty> RelyingParty::of(std::string_view url, std::string_view domain) {
    auto host = url.substr(std::min(url.size(), url.find("://") + 3));
    host = host.substr(0, host.find(':', host.starts_with('[') ? host.find(']') : 0));
    auto below = "." + std::string(domain);
    if (!domain.empty() && host != domain && !host.ends_with(below))
        return fail(
            Errc::invalid,
            fmt::format(
                "\"{}\" is neither \"{}\", where the console is, nor a domain above it.", domain,
                host
            )
        );
    return RelyingParty{
        std::string(domain.empty() ? host : domain), "Fairlead", {std::string(url)}};
}

Result<PasskeyOffer> PasskeyOffer::read(const boost::json::object& credential) {
    FAIRLEAD_TRY(response, response_of(credential));
    PasskeyOffer offer;
    FAIRLEAD_TRY(id, bytes_of(credential, "rawId", shortest_id, longest_id));
    FAIRLEAD_TRY(client_data, bytes_of(response, "clientDataJSON", 1, client_data_limit));
    FAIRLEAD_TRY(attestation, bytes_of(response, "attestationObject", 1, attestation_limit));
    FAIRLEAD_TRY(told, read_client_data(client_data));
    offer.credential_id = std::move(id);
    offer.challenge = std::move(told.challenge);
    offer.client_data = std::move(client_data);
    offer.attestation_object = std::move(attestation);
    const auto* transports = response.if_contains("transports");
    if (transports && transports->is_array())
        for (std::string_view known : known_transports) {
            const auto& told_of = transports->get_array();
            if (std::find(told_of.begin(), told_of.end(), boost::json::value(known)) !=
                told_of.end())
                offer.transports.emplace_back(known);
        }
    return offer;
}

Result<PasskeyAnswer> PasskeyAnswer::read(const boost::json::object& credential) {
    FAIRLEAD_TRY(response, response_of(credential));
    PasskeyAnswer answer;
    FAIRLEAD_TRY(id, bytes_of(credential, "rawId", shortest_id, longest_id));
    FAIRLEAD_TRY(client_data, bytes_of(response, "clientDataJSON", 1, client_data_limit));
    FAIRLEAD_TRY(data, bytes_of(response, "authenticatorData", 1, authenticator_data_limit));
    FAIRLEAD_TRY(signature, bytes_of(response, "signature", 1, signature_limit));
    FAIRLEAD_TRY(told, read_client_data(client_data));
    const auto* handle = response.if_contains("userHandle");
    if (handle && !handle->is_null()) {
        FAIRLEAD_TRY(bytes, bytes_of(response, "userHandle", 0, longest_handle));
        answer.user_handle = std::move(bytes);
    }
    answer.credential_id = std::move(id);
    answer.challenge = std::move(told.challenge);
    answer.client_data = std::move(client_data);
    answer.authenticator_data = std::move(data);
    answer.signature = std::move(signature);
    return answer;
}

Result<NewPasskey> WebAuthn::registered(
    const PasskeyOffer& offer, std::string_view challenge, UserVerification user
) const {
    FAIRLEAD_CHECK(check_client_data(site_, offer.client_data, "webauthn.create", challenge));
    auto object = Cbor::parse(offer.attestation_object);
    const auto* bytes = object ? object->find("authData") : nullptr;
    if (!bytes || !bytes->bytes()) return malformed("attestationObject", "is no readable CBOR");
    FAIRLEAD_TRY(data, read_authenticator_data(*bytes->bytes()));
    FAIRLEAD_CHECK(check_authenticator(site_, data, user));
    if (data.credential_id.empty() || data.credential_id != offer.credential_id)
        return malformed("attestationObject", "is not of the passkey that rawId names");
    auto key = crypto::CoseKey::from_bytes(data.public_key);
    if (!key) return refused(key.error().message());
    FAIRLEAD_CHECK(check_statement(*object, *key, *bytes->bytes(), offer.client_data));
    return NewPasskey{std::string(data.public_key), uuid_of(data.aaguid), data.state()};
}

Result<PasskeyState> WebAuthn::used(
    const PasskeyAnswer& answer, std::string_view challenge, std::string_view public_key,
    std::int64_t sign_count, UserVerification user
) const {
    FAIRLEAD_CHECK(check_client_data(site_, answer.client_data, "webauthn.get", challenge));
    FAIRLEAD_TRY(data, read_authenticator_data(answer.authenticator_data));
    FAIRLEAD_CHECK(check_authenticator(site_, data, user));
    FAIRLEAD_TRY(key, crypto::CoseKey::from_bytes(public_key));
    auto signed_bytes =
        answer.authenticator_data + std::string(crypto::sha256(answer.client_data).view());
    if (!key.verify(signed_bytes, answer.signature))
        return refused("The passkey's signature is wrong.");
    auto state = data.state();
    if ((state.sign_count != 0 || sign_count != 0) && state.sign_count <= sign_count)
        return fail(
            Error(
                Errc::invalid,
                fmt::format(
                    "The passkey has counted to {} after it had counted to {} before: there "
                    "may be a copy of it. Sign in another way, remove it and make a new one.",
                    state.sign_count, sign_count
                )
            )
                .with_code("passkey_cloned")
        );
    return state;
}

} // namespace fairlead::access
