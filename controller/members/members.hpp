/// Who belongs to an organization, and what the organization asks of them: what the routes need.
#pragma once

#include "common/store/store.hpp"
#include "controller/access/passwords.hpp"
#include "controller/access/sessions.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/api/change.hpp"
#include "controller/api/events.hpp"
#include "controller/orgs/plans.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace fairlead::members {

/// What somebody who is invited gets to read.
struct InvitationLetter {
    std::string invitation; ///< its id
    std::string to;
    std::string subject;
    std::string text; ///< with the link
    Secret link;
    Timestamp expires;
};

/// The referenced things outlive the routes. Functions that are not set do nothing; all of them run
/// inside the transaction of the change.
struct Parts {
    store::Store& store;
    api::AuditLog& audit;
    api::EventSink& events;
    const orgs::Plans& plans;
    access::Sessions& sessions;
    access::PasswordHasher& hasher;
    std::string url; ///< where the console is: "https://fairlead.example:8443"
    orgs::Plan plan_of_new = orgs::Plan::free;

    /// Puts a letter where it leaves from. False: nobody sends mail here.
    std::function<Result<bool>(store::UnitOfWork&, const InvitationLetter&)> mail{};
    /// Takes the letter of an invitation (its id, the address) back, if it still waits.
    std::function<Result<>(store::UnitOfWork&, std::string_view, std::string_view)> unmail{};
    /// False where new people cannot register by an invitation either.
    bool may_register = true;
    /// True for the slug of a provider of single sign-on.
    std::function<bool(std::string_view)> knows_provider{};
    /// Somebody is no member any more: their keys and their Connect-As sessions there end.
    std::function<Result<>(store::UnitOfWork&, const api::OrgScope&, const UserId&)> left{};
    /// Somebody may not use Connect-As any more: their sessions of it end.
    std::function<Result<>(store::UnitOfWork&, const api::OrgScope&, const UserId&)>
        connect_as_withdrawn{};
    /// Connect-As was switched off: its sessions in this organization end.
    std::function<Result<>(store::UnitOfWork&, const api::OrgScope&)> connect_as_off{};

    api::Desk desk() const { return {store, audit, events}; }
};

/// Their open streams end once the unit is durable: what they may see has changed.
void end_streams(
    store::UnitOfWork& unit, const api::OrgScope& scope, const UserId& user, api::EventSink& events
);

} // namespace fairlead::members
