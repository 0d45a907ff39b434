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

/// What may be given at first and changed later.
struct EnvironmentWishes {
    std::optional<std::string> branch;
    std::optional<std::int64_t> port;
    std::optional<std::vector<std::string>> modules;
    std::optional<boost::json::object> resources;
    std::optional<std::vector<std::string>> requirements;
    std::optional<bool> system_site_packages;
    std::optional<std::int64_t> keep_releases;
    std::optional<std::vector<std::string>> domains;
    std::optional<proto::Exposure> exposure;
};
BOOST_DESCRIBE_STRUCT(
    EnvironmentWishes, (),
    (branch, port, modules, resources, requirements, system_site_packages, keep_releases, domains,
     exposure)
)

struct NewEnvironmentBody : EnvironmentWishes {
    std::string project_id;
    std::string server_id;
    std::string name;
    std::optional<std::string> slug;
    proto::EnvironmentType type = proto::EnvironmentType::development;
};
BOOST_DESCRIBE_STRUCT(
    NewEnvironmentBody, (EnvironmentWishes), (project_id, server_id, name, slug, type)
)

struct EditEnvironmentBody : EnvironmentWishes {
    std::optional<std::string> name;
};
BOOST_DESCRIBE_STRUCT(EditEnvironmentBody, (EnvironmentWishes), (name))

/// Into the row; findings go to `checks`.
void read_wishes(api::Checks& checks, const EnvironmentWishes& wishes, Environment& into);

} // namespace fairlead::environments
