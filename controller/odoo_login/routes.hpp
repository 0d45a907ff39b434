/// Routes of logging in to Odoo: /environments/{environment}/odoo.
#pragma once

#include "controller/api/route_table.hpp"
#include "controller/odoo_login/logins.hpp"

namespace fairlead::odoo_login {

void add_routes(api::RouteTable& table, Logins& logins);

} // namespace fairlead::odoo_login
