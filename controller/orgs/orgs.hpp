/// Organizations and who belongs to them.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/store/store.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/api/change.hpp"
#include "controller/api/checks.hpp"
#include "controller/api/events.hpp"
#include "controller/api/principal.hpp"
#include "controller/api/route_table.hpp"
#include "controller/orgs/plans.hpp"

#include <boost/describe.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::orgs {

struct Org {
    OrgId id;
    std::string name;
    std::string slug;
    Plan plan = Plan::free;
    Timestamp created;
};
BOOST_DESCRIBE_STRUCT(Org, (), (id, name, slug, plan, created))

/// A person in an organization, with the organization's own facts, as a session shows them.
struct Membership {
    OrgId org_id;
    std::string org_name;
    std::string org_slug;
    Plan plan = Plan::free;
    std::string role;
    bool owner = false;
};
BOOST_DESCRIBE_STRUCT(Membership, (), (org_id, org_name, org_slug, plan, role, owner))

class OrgRepo {
public:
    OrgRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}
    /// Errc::not_found also when it is deleted.
    Result<Org> get();
    /// Errc::conflict (slug_in_use).
    Result<> edit(std::string_view name, std::string_view slug);
    Result<> set_plan(Plan plan);
    /// Members, roles, settings and invitations go; the row stays, without its slug.
    Result<> remove(Timestamp now);
    /// Members, and the uses that open invitations have left.
    Result<std::int64_t> seats(Timestamp now);
    Result<std::int64_t> members();

private:
    store::Connection& db_;
    OrgId org_;
};

/// What is asked before there is a scope: by person. For `access` and `app`.
class Memberships {
public:
    explicit Memberships(store::Connection& db) : db_(db) {}

    /// All of a person's, by name; at most 1,000.
    Result<std::vector<Membership>> of(const UserId& user);
    Result<std::optional<Membership>> find(const OrgId& org, const UserId& user);
    Result<>
    add(const OrgId& org, const UserId& user, std::string_view role, bool owner, Timestamp now);

    /// The slug comes from the name, with something behind it where that is taken.
    Result<Org> create(std::string_view name, Plan plan, Timestamp now);
    Result<Org> create(std::string_view name, std::string_view slug, Plan plan, Timestamp now);
    Result<std::int64_t> owned_by(const UserId& user);
    Result<std::vector<OrgId>> all();

private:
    store::Connection& db_;
};

/// 2 to 40 of a-z, 0-9 and single dashes, beginning with a letter.
void check_slug(api::Checks& checks, std::string_view field, std::string_view slug);

/// "Acme Odoo & Co" → "acme-odoo-co"; "org" where nothing is left.
std::string slug_of(std::string_view name);

/// What an organization has in numbers.
struct Counts {
    std::int64_t servers = 0;
    std::int64_t servers_online = 0;
    std::int64_t projects = 0;
    std::int64_t environments = 0;
    std::int64_t environments_running = 0;
    std::int64_t operations_active = 0;
};
BOOST_DESCRIBE_STRUCT(
    Counts, (),
    (servers, servers_online, projects, environments, environments_running, operations_active)
)

/// Adds the numbers of one subject; each subject gives `app` its own.
using Counter = std::function<Result<>(store::Connection&, const api::OrgScope&, Counts&)>;

/// Removes what one subject holds of an organization that is deleted: what could still be reached,
/// and every secret. There are no environments and no servers that are not revoked.
using Eraser = std::function<Result<>(store::Connection&, const api::OrgScope&)>;

/// What the routes need; the referenced things outlive the table.
struct RouteParts {
    store::Store& store;
    api::AuditLog& audit;
    api::EventSink& events;
    const Plans& plans;
    std::vector<Counter> counters{};
    std::vector<Eraser> erasers{};

    api::Desk desk() const { return {store, audit, events}; }
};

/// /api/v1/orgs/{org}, its plan and its events; `parts` outlives the table.
void add_org_routes(api::RouteTable& table, const RouteParts& parts);

/// Ends every member's and visitor's open streams once the unit is durable: what they may see has
/// changed.
Result<>
end_streams_of_all(store::UnitOfWork& unit, const api::OrgScope& scope, api::EventSink& events);

/// Plans::require_room for the organization of `scope`.
Result<> require_room(
    store::Connection& db, const api::OrgScope& scope, const Plans& plans, std::string_view what,
    std::int64_t count
);

} // namespace fairlead::orgs
