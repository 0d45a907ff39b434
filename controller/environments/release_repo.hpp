/// The SQL of releases.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fairlead::environments {

BOOST_DEFINE_ENUM_CLASS(ReleaseState, building, live, kept, removed, failed)

struct Release {
    ReleaseId id;
    EnvironmentId environment_id;
    std::uint32_t number = 0;
    ReleaseState state = ReleaseState::building;
    std::string commits = "[]";         ///< proto::Commit[] as JSON
    std::string python_packages = "[]"; ///< "name==version", as JSON
    std::string manifest_sha256;
    bool has_database_snapshot = false;
    std::string
        spec; ///< proto::EnvironmentSpec that it was made from; "" when it was found on the server
    Timestamp created_ms;
    std::optional<UserId> created_by;
    std::string created_by_email;
    std::optional<OperationId> operation_id;

    bool operator==(const Release&) const = default;
};
BOOST_DESCRIBE_STRUCT(
    Release, (),
    (id, environment_id, number, state, commits, python_packages, manifest_sha256,
     has_database_snapshot, spec, created_ms, created_by, created_by_email, operation_id)
)

class ReleaseRepo {
public:
    ReleaseRepo(store::Connection& db, const api::OrgScope& scope)
        : db_(db), org_(scope.org()), limit_(scope.limit()) {}

    /// Inserts or replaces.
    Result<> put(const Release& release);
    Result<Release> get(const EnvironmentId& environment, const ReleaseId& id);
    Result<std::optional<Release>> find(const EnvironmentId& environment, const ReleaseId& id);
    /// Newest first; below the release `below`, "" from the newest.
    Result<std::vector<Release>>
    list(const EnvironmentId& environment, std::string_view below, std::int64_t limit);
    /// Live and kept ones.
    Result<std::vector<Release>> present_ones(const EnvironmentId& environment);
    /// Drops what was removed from the server, but for the newest `kept` of it.
    Result<> forget_removed(const EnvironmentId& environment, std::int64_t kept);
    Result<> remove_all(const EnvironmentId& environment);

private:
    store::Connection& db_;
    OrgId org_;
    std::string limit_;
};

} // namespace fairlead::environments
