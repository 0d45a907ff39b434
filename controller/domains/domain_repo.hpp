/// The SQL of claims.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "controller/domains/ids.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::domains {

BOOST_DEFINE_ENUM_CLASS(
    State, pending, ///< claimed; nothing is routed
    verified,       ///< proved; of this organization alone
    failed          ///< not proved in time, or the proof was gone for too long
)

/// How a name was proved; none: not yet.
BOOST_DEFINE_ENUM_CLASS(Method, none, dns, file)

struct Domain {
    DomainId id;
    std::string name;
    State state = State::pending;
    std::string token; ///< of the record's value and the file's name
    Method method = Method::none;
    std::int64_t tries = 0; ///< looks since it was claimed, or since its proof was missed
    Timestamp created_ms;
    UserId created_by;
    std::string created_by_email;
    std::optional<Timestamp> expires_ms; ///< of a pending one
    std::optional<Timestamp> verified_ms;
    std::optional<Timestamp> checked_ms; ///< looked at last, with whatever result
    std::optional<Timestamp> failing_ms; ///< a verified one's proof is missing since then
    std::optional<Timestamp> failed_ms;
    std::optional<Timestamp> next_check_ms;
    std::optional<Timestamp> asked_ms; ///< a look that somebody asked for, and that is to come
    std::string error_code;            ///< of the last look; "" when it found the proof
    std::string error_message;
};
BOOST_DESCRIBE_STRUCT(
    Domain, (),
    (id, name, state, token, method, tries, created_ms, created_by, created_by_email, expires_ms,
     verified_ms, checked_ms, failing_ms, failed_ms, next_check_ms, asked_ms, error_code,
     error_message)
)

/// A name, and what its organization has said and shown of it.
struct Claimed {
    DomainId id;
    std::string name;
    State state = State::pending;
};
BOOST_DESCRIBE_STRUCT(Claimed, (), (id, name, state))

/// Looks asked for by hand: at one name, and at all of an organization's.
struct Looks {
    std::int64_t of_name = 0, of_all = 0;
};
BOOST_DESCRIBE_STRUCT(Looks, (), (of_name, of_all))

class DomainRepo {
public:
    DomainRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    Result<> insert(const Domain& domain);
    Result<std::optional<Domain>> find(const DomainId& id);
    /// Errc::not_found.
    Result<Domain> get(const DomainId& id);
    Result<std::optional<Domain>> find_by_name(std::string_view name);
    struct Filter {
        std::string state; ///< "": any
    };
    /// Newest first, below `below`.
    Result<std::vector<Domain>>
    list(const Filter& filter, std::string_view below, std::int64_t limit);
    Result<std::int64_t> count();
    /// Everything but name, token and who claimed it.
    Result<> update(const Domain& domain);
    Result<> remove(const DomainId& id);

    /// Has another organization proved `name`, a name above it or one below it, with or without a
    /// star? Whose it is stays in here.
    Result<bool> taken_by_others(std::string_view name);
    /// The claims of this organization that cover `host`, the nearest first.
    Result<std::vector<Claimed>> covering(std::string_view host);

    /// A look that was asked for by hand.
    Result<> note_look(std::string_view name, Timestamp at);
    /// Those noted after `since`, also of claims that are gone.
    Result<Looks> looks(std::string_view name, Timestamp since);
    /// The one that is due for longest.
    Result<std::optional<Domain>> due(Timestamp now);

private:
    store::Connection& db_;
    OrgId org_;
};

/// Who has proved the nearest name that covers `host`.
struct Owner {
    OrgId org_id;
    DomainId id;
    std::string name;
};
BOOST_DESCRIBE_STRUCT(Owner, (), (org_id, id, name))

/// Of all organizations: what may be routed, and to whom. `host` is normal.
Result<std::optional<Owner>> owner_of(store::Connection& db, std::string_view host);

/// An organization with something to look at, and since when.
struct Awaiting {
    OrgId org_id;
    Timestamp next_check_ms;
};
BOOST_DESCRIBE_STRUCT(Awaiting, (), (org_id, next_check_ms))

/// Of all organizations with something that is due, those that wait for longest.
Result<std::vector<Awaiting>> awaiting(store::Connection& db, Timestamp now, std::int64_t limit);
/// The next time that something is due, of any organization.
Result<std::optional<Timestamp>> next_due(store::Connection& db);

/// Of all organizations, looks by hand until `before`.
Result<> forget_looks(store::Connection& db, Timestamp before);

/// What is dropped with an organization.
Result<> erase(store::Connection& db, const api::OrgScope& scope);

} // namespace fairlead::domains
