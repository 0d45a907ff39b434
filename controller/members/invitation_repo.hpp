/// The SQL of invitations of one organization.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::members {

struct Invitation {
    InvitationId id;
    std::string email; ///< whom it is for; "": whoever has the link
    std::string role;
    std::string role_name;
    std::optional<std::string> projects; ///< JSON list of ids; none: all
    std::int64_t max_uses = 1;
    std::int64_t uses = 0;
    Timestamp expires_ms;
    std::optional<Timestamp> revoked_ms;
    Timestamp created_ms;
    UserId created_by;
    std::string created_by_email;

    /// "open", "used_up", "expired" or "revoked".
    std::string_view status(Timestamp now) const;
};
BOOST_DESCRIBE_STRUCT(
    Invitation, (),
    (id, email, role, role_name, projects, max_uses, uses, expires_ms, revoked_ms, created_ms,
     created_by, created_by_email)
)

class InvitationRepo {
public:
    InvitationRepo(store::Connection& db, const api::OrgScope& scope)
        : db_(db), org_(scope.org()) {}

    /// `mail_hash` is of the token that the letter alone has; none where no letter goes out.
    Result<> insert(
        const Invitation& invitation, std::string_view token_hash,
        const std::optional<std::string>& mail_hash
    );
    Result<Invitation> get(const InvitationId& id);
    /// Newest first.
    Result<std::vector<Invitation>> list(std::string_view below, std::int64_t limit);
    Result<std::int64_t> count_open(Timestamp now);
    /// When the newest but so many was made: whatever became of it.
    Result<std::optional<Timestamp>> made_before(std::int64_t newer);
    /// Of one member.
    Result<std::vector<Invitation>> not_revoked(const UserId& maker);
    Result<> revoke(const InvitationId& id, Timestamp now);
    /// False when it is used up, revoked or too old.
    Result<bool> use(const InvitationId& id, Timestamp now);

    static constexpr std::int64_t most_open = 500;
    static constexpr std::int64_t most_in_a_day = 100;
    static constexpr std::string_view prefix = "flv_";

private:
    store::Connection& db_;
    OrgId org_;
};

/// Whoever holds the token is told which organization it leads into.
struct Invited {
    OrgId org;
    std::string org_name;
    Invitation invitation;
    bool by_letter = false; ///< the token came by the letter alone: it proves the address
};

tl::unexpected<Error> invitation_invalid();

/// Errc::not_found (invitation_invalid) unless it can be accepted now.
Result<Invited> invited_by(store::Connection& db, std::string_view token, Timestamp now);

} // namespace fairlead::members
