/// The routes of storages, backup policies, backups, restores, drills and clones.
#pragma once

#include "controller/api/route_table.hpp"
#include "controller/backups/backups.hpp"

namespace fairlead::backups {

/// `backups` outlives the table.
void add_storage_routes(api::RouteTable& table, Backups& backups);
void add_policy_routes(api::RouteTable& table, Backups& backups);
void add_backup_routes(api::RouteTable& table, Backups& backups);
void add_copy_routes(api::RouteTable& table, Backups& backups);

inline void add_routes(api::RouteTable& table, Backups& backups) {
    add_storage_routes(table, backups);
    add_policy_routes(table, backups);
    add_backup_routes(table, backups);
    add_copy_routes(table, backups);
}

} // namespace fairlead::backups
