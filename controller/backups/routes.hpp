/// The routes of storages, backup policies, backups, restores, drills and clones.
#pragma once

#include "controller/api/route_table.hpp"
#include "controller/backups/backups.hpp"
#include "controller/backups/copy_chain.hpp"

namespace fairlead::backups {

/// Both outlive the table.
void add_storage_routes(api::RouteTable& table, Backups& backups);
void add_policy_routes(api::RouteTable& table, Backups& backups);
void add_backup_routes(api::RouteTable& table, Backups& backups);
void add_copy_routes(api::RouteTable& table, Copies& copies);

inline void add_routes(api::RouteTable& table, Backups& backups, Copies& copies) {
    add_storage_routes(table, backups);
    add_policy_routes(table, backups);
    add_backup_routes(table, backups);
    add_copy_routes(table, copies);
}

} // namespace fairlead::backups
