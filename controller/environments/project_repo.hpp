/// The SQL of projects, and what a project says.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "proto/operations.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fairlead::environments {

struct OdooSource {
    std::string url;
    std::string branch;
    std::optional<std::string> credential_id;
};
BOOST_DESCRIBE_STRUCT(OdooSource, (), (url, branch, credential_id))

struct BranchByType {
    std::optional<std::string> development;
    std::optional<std::string> staging;
    std::optional<std::string> production;
};
BOOST_DESCRIBE_STRUCT(BranchByType, (), (development, staging, production))

struct AddonRepository {
    std::string name;
    std::string url;
    std::string branch;
    std::optional<BranchByType> branch_by_type;
    std::optional<std::string> credential_id;
    std::optional<bool> follows_environment; ///< see `follows`

    const std::string& branch_for(proto::EnvironmentType type) const;
};
BOOST_DESCRIBE_STRUCT(
    AddonRepository, (), (name, url, branch, branch_by_type, credential_id, follows_environment)
)

/// Whether the branch that an environment names for itself is the one of repository `i`: where the
/// project says so, and where there is but one and it says nothing.
bool follows(const std::vector<AddonRepository>& repositories, std::size_t i);
bool any_follows(const std::vector<AddonRepository>& repositories);

/// A row, and how many environments of each type it has.
struct Project {
    ProjectId id;
    std::string name;
    std::string slug;
    std::string odoo_version;
    std::string odoo_source; ///< OdooSource as JSON
    std::string addons;      ///< AddonRepository[] as JSON
    Timestamp created_ms;
    std::int64_t development = 0;
    std::int64_t staging = 0;
    std::int64_t production = 0;

    OdooSource source() const;
    std::vector<AddonRepository> repositories() const;
};
BOOST_DESCRIBE_STRUCT(
    Project, (),
    (id, name, slug, odoo_version, odoo_source, addons, created_ms, development, staging,
     production)
)

class ProjectRepo {
public:
    ProjectRepo(store::Connection& db, const api::OrgScope& scope)
        : db_(db), org_(scope.org()), limit_(scope.limit()) {}

    /// Errc::conflict (slug_in_use).
    Result<> insert(const Project& project);
    Result<Project> get(const ProjectId& id);
    Result<std::vector<Project>> list(std::string_view after, std::int64_t limit);
    /// Also those that the scope does not see.
    Result<std::int64_t> count();
    Result<> update(const Project& project);
    Result<> remove(const ProjectId& id);

private:
    Result<> use_credentials(const Project& project);
    store::Connection& db_;
    OrgId org_;
    std::string limit_;
};

} // namespace fairlead::environments
