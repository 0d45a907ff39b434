/// The SQL of custom hostnames.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "controller/cloudflare/hostname.hpp"

#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace fairlead::cloudflare {

class HostnameRepo {
public:
    HostnameRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    Result<std::optional<Hostname>> find(const CustomHostnameId& id);
    /// Newest first.
    Result<std::vector<Hostname>> list(std::string_view below, std::int64_t limit);
    /// Nothing when the name has a row already, of whomever.
    Result<> insert(const Hostname& hostname);
    Result<> update(const Hostname& hostname);
    Result<> remove(const CustomHostnameId& id);
    /// Those that the zone has, or may have, because of us.
    Result<std::int64_t> held();

private:
    store::Connection& db_;
    OrgId org_;
};

// ---- of all organizations, for the controller itself ----

struct Known {
    CustomHostnameId id;
    OrgId org;
    std::string zone;
};
Result<std::map<std::string, Known>> known(store::Connection& db);

/// The next one to look at: of the organization after `last`, so that each has its turn however
/// many the others have. Names that still leave the zone wait for that.
Result<std::optional<Hostname>> due(store::Connection& db, const OrgId& last, Timestamp now);
/// When there is something to do, looks and removals; nothing when there is none at all.
Result<std::optional<Timestamp>> next_due(store::Connection& db);

Result<> add_leaving(store::Connection& db, const Leaving& leaving);
Result<std::optional<Leaving>> due_leaving(store::Connection& db, Timestamp now);
Result<> update_leaving(store::Connection& db, const Leaving& leaving);
Result<> drop_leaving(store::Connection& db, std::int64_t number);

/// How many names a zone has because of this controller.
Result<std::int64_t> held_in_all(store::Connection& db);

} // namespace fairlead::cloudflare
