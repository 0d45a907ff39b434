/// Tokens that are good once and for minutes: a sign-in that waits for its second factor, the
/// challenge of a passkey, the state of single sign-on.
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "common/runtime/secret.hpp"
#include "common/store/connection.hpp"
#include "controller/api/sealed.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::access {

/// What a token stands for.
struct Challenge {
    std::optional<UserId> user;
    std::optional<SessionId> session; ///< the session that asked, where it matters
    Secret data;                      ///< the subject's own, sealed in the store
};

/// Only hashes of tokens are stored. The kind is part of what a token is: one of another kind is
/// not found.
class Challenges {
public:
    Challenges(store::Connection& db, const crypto::Keystore& keys) : db_(db), keys_(keys) {}

    /// The oldest beyond 20 of a person go. Errc::unavailable when there are 100,000 in all.
    Result<Secret> make(
        std::string_view kind, const Challenge& what, std::chrono::seconds good_for, Timestamp now
    );
    /// Errc::not_found (challenge_invalid): unknown, used, run out, or of another kind.
    Result<Challenge> look(std::string_view kind, std::string_view token, Timestamp now);
    /// The same, and it is used up.
    Result<Challenge> take(std::string_view kind, std::string_view token, Timestamp now);
    /// A wrong answer; the fifth uses it up.
    Result<> failed(std::string_view token);
    /// Those of one kind, because a newer one is on its way.
    Result<> drop(std::string_view kind, const UserId& user);
    /// Of one person, whatever they are for.
    Result<> drop_all(const UserId& user);
    Result<> tidy(Timestamp now);

    static constexpr std::string_view prefix = "flp_";
    static constexpr std::int64_t most_failures = 5;

private:
    store::Connection& db_;
    const crypto::Keystore& keys_;
};

/// Those that are open; see api/sealed.hpp.
Result<> visit_challenges(store::Connection& db, const api::SealedVisitor& visit);

} // namespace fairlead::access
