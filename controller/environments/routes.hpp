/// The routes of projects, git credentials, environments, releases and variables.
#pragma once

#include "controller/api/route_table.hpp"
#include "controller/environments/environments.hpp"

namespace fairlead::environments {

/// `environments` outlives the table.
void add_project_routes(api::RouteTable& table, Environments& environments);
void add_credential_routes(api::RouteTable& table, Environments& environments);
void add_environment_routes(api::RouteTable& table, Environments& environments);
void add_deployment_routes(api::RouteTable& table, Environments& environments);
void add_variable_routes(api::RouteTable& table, Environments& environments);
void add_connector_routes(api::RouteTable& table, Environments& environments);
void add_found_routes(api::RouteTable& table, Environments& environments);

inline void add_routes(api::RouteTable& table, Environments& environments) {
    add_project_routes(table, environments);
    add_credential_routes(table, environments);
    add_environment_routes(table, environments);
    add_deployment_routes(table, environments);
    add_variable_routes(table, environments);
    add_connector_routes(table, environments);
    add_found_routes(table, environments);
}

} // namespace fairlead::environments
