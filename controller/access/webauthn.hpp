/// What a passkey has to prove: W3C Web Authentication Level 2, sections 7.1 (registering) and 7.2
/// (using). Plain functions of their input: no store and no clock.
#pragma once

#include "common/runtime/result.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::access {

/// Who passkeys are made for: this controller.
struct RelyingParty {
    std::string id; ///< host name; a passkey stays bound to it for ever
    std::string name;
    std::vector<std::string> origins; ///< "https://fairlead.example:8443"

    /// Of the console's address. `domain` is the id where it is not the host itself but one above
    /// it. Errc::invalid for any other.
    static Result<RelyingParty> of(std::string_view url, std::string_view domain = {});
};

/// Whether the authenticator has to check the person by PIN, finger or face.
enum class UserVerification { preferred, required };

/// What navigator.credentials.create() gave, taken apart; nothing in it is checked yet.
struct PasskeyOffer {
    std::string credential_id; ///< bytes, as all strings here but `transports`
    std::string challenge;     ///< the one it says that it answers
    std::string client_data;
    std::string attestation_object;
    std::vector<std::string> transports;

    /// Of the toJSON() of a PublicKeyCredential. Errc::invalid (passkey_malformed).
    static Result<PasskeyOffer> read(const boost::json::object& credential);
};

/// What navigator.credentials.get() gave, taken apart; nothing in it is checked yet.
struct PasskeyAnswer {
    std::string credential_id; ///< bytes, as all strings here
    std::string challenge;     ///< the one it says that it answers
    std::string client_data;
    std::string authenticator_data;
    std::string signature;
    std::string user_handle; ///< empty where the authenticator keeps none

    static Result<PasskeyAnswer> read(const boost::json::object& credential);
};

/// What an authenticator says of itself with each use.
struct PasskeyState {
    std::int64_t sign_count = 0; ///< 0: it does not count
    bool user_verified = false;
    bool backup_eligible = false; ///< it can be copied to other devices
    bool backed_up = false;
};

struct NewPasskey {
    std::string public_key; ///< COSE
    std::string aaguid;     ///< the model, as a UUID; zeros where the browser hides it
    PasskeyState state;
};

/// Errors are Errc::invalid with the code passkey_malformed (not readable), passkey_refused (a
/// check failed, the message says which) or passkey_cloned (the counter did not grow).
class WebAuthn {
public:
    explicit WebAuthn(RelyingParty site) : site_(std::move(site)) {}

    const RelyingParty& site() const { return site_; }

    /// Statements about the authenticator's make are not asked for; what comes all the same is
    /// believed only so far as that a signature by the new key itself is checked.
    Result<NewPasskey>
    registered(const PasskeyOffer& offer, std::string_view challenge, UserVerification user) const;

    /// `sign_count` is the last one seen of this passkey.
    Result<PasskeyState> used(
        const PasskeyAnswer& answer, std::string_view challenge, std::string_view public_key,
        std::int64_t sign_count, UserVerification user
    ) const;

private:
    RelyingParty site_;
};

} // namespace fairlead::access
