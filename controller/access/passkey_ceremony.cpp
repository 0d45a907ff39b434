#include "controller/access/passkey_ceremony.hpp"

#include "common/crypto/encoding.hpp"

#include <boost/json.hpp>

#include <chrono>

namespace fairlead::access {
namespace {

tl::unexpected<Error> over() {
    return fail(
        Error(Errc::not_found, "This attempt is over: it was used, or took too long. Begin again.")
            .with_code("challenge_invalid")
    );
}

/// PublicKeyCredentialDescriptorJSON
boost::json::array descriptors(const std::vector<Passkey>& passkeys) {
    boost::json::array list;
    for (const auto& passkey : passkeys) {
        boost::json::array transports;
        for (const auto& one : passkey.transport_list()) transports.emplace_back(one);
        list.push_back(
            {{"type", "public-key"},
             {"id", passkey.credential_id},
             {"transports", std::move(transports)}}
        );
    }
    return list;
}

} // namespace

boost::json::object PasskeyCeremony::creation_options(
    std::string_view subject, const User& user, const std::vector<Passkey>& others, Timestamp now
) const {
    boost::json::array algorithms;
    // ES256 first: what every authenticator has.
    for (int number : {-7, -8, -257})
        algorithms.push_back({{"type", "public-key"}, {"alg", number}});
    return {
        {"rp", {{"id", webauthn_.site().id}, {"name", webauthn_.site().name}}},
        {"user",
         {{"id", crypto::base64url_encode(user.id.str())},
          {"name", user.email},
          {"displayName", user.name.empty() ? user.email : user.name}}},
        {"challenge", crypto::base64url_encode(challenges_.make(subject, now))},
        {"pubKeyCredParams", std::move(algorithms)},
        {"timeout", std::chrono::milliseconds(challenges_.life()).count()},
        {"excludeCredentials", descriptors(others)},
        // A key without memory or PIN is welcome too: as a second factor.
        {"authenticatorSelection",
         {{"residentKey", "preferred"},
          {"requireResidentKey", false},
          {"userVerification", "preferred"}}},
        {"attestation", "none"}};
}

boost::json::object PasskeyCeremony::request_options(
    std::string_view subject, const std::vector<Passkey>& allowed, UserVerification user,
    Timestamp now
) const {
    return {
        {"challenge", crypto::base64url_encode(challenges_.make(subject, now))},
        {"timeout", std::chrono::milliseconds(challenges_.life()).count()},
        {"rpId", webauthn_.site().id},
        {"allowCredentials", descriptors(allowed)},
        {"userVerification", user == UserVerification::required ? "required" : "preferred"}};
}

Result<NewPasskey>
PasskeyCeremony::registered(std::string_view subject, const PasskeyOffer& offer, Timestamp now) {
    if (!challenges_.good(subject, offer.challenge, now)) return over();
    FAIRLEAD_TRY(made, webauthn_.registered(offer, offer.challenge, UserVerification::preferred));
    if (!challenges_.take(subject, offer.challenge, now)) return over();
    return std::move(made);
}

Result<PasskeyState> PasskeyCeremony::used(
    std::string_view subject, const PasskeyAnswer& answer, const Passkey& passkey,
    UserVerification user, Timestamp now
) {
    if (!challenges_.good(subject, answer.challenge, now)) return over();
    FAIRLEAD_TRY(
        state,
        webauthn_.used(answer, answer.challenge, passkey.public_key.bytes, passkey.sign_count, user)
    );
    // Only an answer that is right is remembered: wrong ones cost no memory.
    if (!challenges_.take(subject, answer.challenge, now)) return over();
    return state;
}

} // namespace fairlead::access
