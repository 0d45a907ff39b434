/// A passkey's authenticator and the browser in front of it, in software: every part can lie.
#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace fairlead::test {

/// What happens in one ceremony; a test changes what it wants to lie about.
struct Ceremony {
    std::string type{}; ///< of the client data; "": the right one
    std::string origin = "https://fairlead.example";
    std::string rp_id = "fairlead.example";
    bool present = true;
    bool verified = true;
    bool eligible = false; ///< for a backup
    bool backed_up = false;
    std::string more_client_data = R"(,"crossOrigin":false)";
    std::string extensions{}; ///< CBOR; "": the flag is not set
    std::string format = "none";
    std::function<void(std::string&)> alter_authenticator_data = [](std::string&) {};
    std::function<void(std::string&)> alter_signature = [](std::string&) {};
};

/// Holds one passkey and counts its uses.
class Authenticator {
public:
    enum class Algorithm { es256, eddsa, rs256 };
    explicit Authenticator(Algorithm algorithm = Algorithm::es256);
    Authenticator(Authenticator&&) noexcept;
    ~Authenticator();

    std::string id;          ///< of the credential
    std::string user_handle; ///< bytes; "": it keeps none
    std::uint32_t count = 0;
    std::uint32_t step = 1; ///< 0: it does not count
    std::string key;        ///< COSE

    /// What toJSON() of the credential would give. `challenge` is bytes.
    boost::json::object create(std::string_view challenge, const Ceremony& ceremony = {});
    boost::json::object get(std::string_view challenge, const Ceremony& ceremony = {});

    /// The challenge of the options that the controller sent.
    static std::string challenge_of(const boost::json::value& options);

private:
    struct Keys;
    std::string sign(const std::string& message) const;
    std::string authenticator_data(const Ceremony& ceremony, bool attested);

    std::unique_ptr<Keys> keys_;
};

} // namespace fairlead::test
