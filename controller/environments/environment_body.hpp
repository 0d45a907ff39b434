/// What people send to make or to change an environment.
#pragma once

#include "controller/environments/checks.hpp"
#include "controller/environments/environment_repo.hpp"

#include <boost/describe/class.hpp>
#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fairlead::environments {

struct NewEnvironmentBody {
    std::string project_id;
    std::string server_id;
    std::string name;
    std::optional<std::string> slug;
    proto::EnvironmentType type = proto::EnvironmentType::development;
    std::optional<std::string> branch;
    std::optional<std::int64_t> port;
    std::optional<std::vector<std::string>> modules;
    std::optional<boost::json::object> resources;
    std::optional<std::vector<std::string>> requirements;
    std::optional<bool> system_site_packages;
    std::optional<std::int64_t> keep_releases;
    std::optional<std::vector<std::string>> domains;
};
BOOST_DESCRIBE_STRUCT(
    NewEnvironmentBody, (),
    (project_id, server_id, name, slug, type, branch, port, modules, resources, requirements,
     system_site_packages, keep_releases, domains)
)

struct EditEnvironmentBody {
    std::optional<std::string> name;
    std::optional<std::string> branch;
    std::optional<std::int64_t> port;
    std::optional<std::vector<std::string>> modules;
    std::optional<boost::json::object> resources;
    std::optional<std::vector<std::string>> requirements;
    std::optional<bool> system_site_packages;
    std::optional<std::int64_t> keep_releases;
    std::optional<std::vector<std::string>> domains;
};
BOOST_DESCRIBE_STRUCT(
    EditEnvironmentBody, (),
    (name, branch, port, modules, resources, requirements, system_site_packages, keep_releases,
     domains)
)

/// What both have in common, into the row; findings go to `checks`.
void read_common(api::Checks& checks, const NewEnvironmentBody& body, Environment& into);
void read_common(api::Checks& checks, const EditEnvironmentBody& body, Environment& into);

} // namespace fairlead::environments
