/// What an OpenID Connect issuer publishes about itself and its keys, kept for a while (OpenID
/// Connect Discovery 1.0).
#pragma once

#include "common/runtime/clock.hpp"
#include "controller/sso/id_token.hpp"
#include "controller/sso/outside.hpp"
#include "controller/sso/provider.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace fairlead::sso {

struct Metadata {
    std::string issuer;
    std::string authorize;
    std::string token;
    std::string userinfo; ///< may be empty
    std::string jwks;
    bool basic_secret = true; ///< how the client proves itself; else in the body
    bool says_issuer = false; ///< RFC 9207: answers without `iss` are not its own
};

/// Reads an issuer's description. Errc::invalid: another issuer's, or with an address that is not
/// https.
Result<Metadata> read_metadata(std::string_view text, std::string_view issuer);

/// Thread-safe; every function may ask the issuer and so takes as long as Fetch does.
class Issuer {
public:
    /// `provider` outlives it.
    Issuer(const Provider& provider, Fetch fetch) : provider_(provider), fetch_(std::move(fetch)) {}

    /// Kept for an hour; when the issuer is away, for a day. Errc::unavailable, Errc::timeout,
    /// Errc::invalid.
    Result<std::shared_ptr<const Metadata>> metadata(Timestamp now);

    /// Checks a token with the issuer's keys. A key that is not known has them asked for again, but
    /// not twice in a minute, so that nobody can have us ask as often as they like. Errors as
    /// check_id_token.
    Result<IdToken> check(std::string_view token, std::string_view nonce, Timestamp now);

    static constexpr std::chrono::seconds fresh{3600};
    static constexpr std::chrono::seconds usable{24 * 3600};
    static constexpr std::chrono::seconds ask_again{60};
    /// Where nothing is kept and the issuer was away, this long nobody asks it.
    static constexpr std::chrono::seconds pause{5};

private:
    template <class T>
    struct Kept {
        std::shared_ptr<const T> value;
        Timestamp read{};
        Timestamp asked{}; ///< the last time, with or without success
        Timestamp failed{};
    };
    /// What is kept when it is younger than `age`, else what `read` makes of a new answer.
    template <class T, class Read>
    Result<std::shared_ptr<const T>>
    get(Kept<T>& kept, std::string url, std::chrono::seconds age, Timestamp now, Read read);
    Result<std::shared_ptr<const Jwks>>
    keys(const Metadata& metadata, std::chrono::seconds age, Timestamp now);

    const Provider& provider_;
    Fetch fetch_;
    std::mutex lock_;
    Kept<Metadata> metadata_;
    Kept<Jwks> keys_;
};

} // namespace fairlead::sso
