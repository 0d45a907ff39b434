/// The small operations on an environment: start, stop, restart, delete.
#pragma once

#include "agent/deploy/parts.hpp"

namespace fairlead::deploy {

journal::Plan start_plan(Site& site, proto::EnvironmentArgs args);
journal::Plan stop_plan(Site& site, proto::EnvironmentArgs args);
journal::Plan restart_plan(Site& site, proto::EnvironmentArgs args);
/// Everything of it: units, databases, role, user, folder, and what nothing else uses of code and
/// packages.
journal::Plan delete_plan(Site& site, proto::EnvironmentArgs args);

} // namespace fairlead::deploy
