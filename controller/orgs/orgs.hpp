/// Organizations and who belongs to them.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/store/store.hpp"
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
    Result<Org> get();

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

    /// With the projects that they were limited to.
    Result<> remove(const OrgId& org, const UserId& user);

    /// The slug comes from the name, with something behind it where that is taken.
    Result<Org> create(std::string_view name, Plan plan, Timestamp now);
    Result<std::vector<OrgId>> all();

private:
    store::Connection& db_;
};

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

/// GET /api/v1/orgs/{org} and its events.
void add_org_routes(
    api::RouteTable& table, store::Store& store, api::EventSink& events,
    std::vector<Counter> counters
);

} // namespace fairlead::orgs
