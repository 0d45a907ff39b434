/// The SQL of registration tokens.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"

#include <boost/describe.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::fleet {

struct RegistrationToken {
    TokenId id;
    OrgId org_id;
    std::string name;
    std::string labels; ///< a JSON object
    std::int64_t max_uses = 1;
    std::int64_t uses = 0;
    Timestamp expires_ms;
    Timestamp created_ms;
    UserId created_by;
    std::string created_by_email;
    std::optional<Timestamp> revoked_ms;
};
BOOST_DESCRIBE_STRUCT(
    RegistrationToken, (),
    (id, org_id, name, labels, max_uses, uses, expires_ms, created_ms, created_by, created_by_email,
     revoked_ms)
)

class TokenRepo {
public:
    TokenRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    Result<> insert(const RegistrationToken& token, std::string_view hash);
    Result<RegistrationToken> get(const TokenId& id);
    Result<std::vector<RegistrationToken>> list(std::string_view below, std::int64_t limit);
    Result<std::int64_t> count();
    Result<> revoke(const TokenId& id, Timestamp at);
    /// Takes one use, in the transaction of the enrolment. False when it has none left or may not
    /// be used now.
    Result<bool> use(const TokenId& id, Timestamp now);
    /// Forgets tokens that have been of no use for `kept`; the audit log keeps what they did.
    Result<> prune(Timestamp now);

    static constexpr auto kept = std::chrono::hours(30 * 24);

private:
    store::Connection& db_;
    OrgId org_;
};

/// Organizations that prune() has work in.
Result<std::vector<OrgId>> orgs_with_old_tokens(store::Connection& db, Timestamp now);

/// Which token this is: the one look-up before an organization is known.
Result<std::optional<RegistrationToken>>
token_by_hash(store::Connection& db, std::string_view hash);

} // namespace fairlead::fleet
