/// What whoever holds an invitation may do with it.
#pragma once

#include "common/runtime/secret.hpp"
#include "controller/access/users.hpp"
#include "controller/members/invitation_repo.hpp"
#include "controller/members/members.hpp"

namespace fairlead::members {

/// Makes `user` a member, by an invitation that is theirs; inside the caller's transaction, with
/// its entry by `actor`. Errc::not_found (invitation_invalid), Errc::forbidden
/// (invitation_for_another, email_not_verified, plan_required), Errc::conflict (already_member).
Result<Invited> accept(
    store::UnitOfWork& unit, const Parts& parts, const access::User& user, const api::Actor& actor,
    std::string_view token, Timestamp now
);

/// The same for whoever calls, in a transaction of its own.
Result<Invited> accept_as(const api::Call& call, const Parts& parts, std::string_view token);

/// Makes an account for the address that the invitation was mailed to, and accepts. The token of
/// the letter proves the address; the one that whoever invites is shown proves nothing. An account
/// that nobody has proven to be theirs becomes that account. Errc::conflict (account_exists,
/// invitation_not_bound), Errc::forbidden (registration_closed), and what `accept`
/// has.
Result<Invited> register_invited(
    const Parts& parts, api::Actor actor, std::string_view token, std::string_view name,
    const Secret& password, Timestamp now
);

} // namespace fairlead::members
