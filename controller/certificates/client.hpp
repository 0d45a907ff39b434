/// Whoever speaks ACME (RFC 8555) for us.
#pragma once

#include "common/crypto/hash.hpp"
#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"

#include <functional>
#include <stop_token>
#include <string>

namespace fairlead::certificates {

/// Ours at the authority.
struct Account {
    std::string directory; ///< https URL of the ACME directory
    std::string contact;   ///< an e-mail address
    Secret key_pem;
};

struct Order {
    std::string name;
    std::string csr_pem; ///< for that name alone; the key stays with us
};

/// Shows the digest of a key authorization to whoever asks for the name by acme-tls/1.
struct Challenges {
    std::function<Result<>(const std::string& name, const crypto::Digest& authorization)> show;
    std::function<void(const std::string& name)> hide;
};

/// What goes wrong has one of these codes, and a sentence that anybody may read:
/// of the name: acme_dns, acme_connection, acme_challenge, acme_caa, acme_rejected, acme_refused,
///   acme_failed, acme_timeout, acme_bad_certificate;
/// of everything (concerns_all): acme_unreachable, acme_account, acme_unregistered,
///   acme_client_missing, egress_missing;
/// of either, which nobody can tell: acme_rate_limited;
/// neither: "stopped", because `stop` was requested.
/// What the authority itself said is a fact (said_fact), for the people whose name it is; of the
/// account, it is the error's detail.
class Client {
public:
    virtual ~Client() = default;
    /// Makes the account known to the authority, or its contact. Twice does no harm.
    virtual Result<> enrol(const Account& account, const std::stop_token& stop) = 0;
    /// The chain as the authority gave it, PEM, unchecked.
    virtual Result<std::string>
    issue(const Account& account, const Order& order, const std::stop_token& stop) = 0;
};

/// Another name may end alike.
bool concerns_all(const std::string& code);
/// The same name may end alike when it is asked for again, whatever becomes of others.
bool concerns_name(const std::string& code);

inline constexpr auto said_fact = "said";
/// The message, and what the authority said.
std::string sentence_of(const Error& why);

} // namespace fairlead::certificates
