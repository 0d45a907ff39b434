/// Whether a backup restores: backup.drill brings it up beside the live environment, and looks.
#pragma once

#include "agent/deploy/site.hpp"
#include "agent/journal/engine.hpp"

namespace fairlead::backup {

journal::Plan drill_plan(deploy::Site& site, proto::DrillArgs args);

} // namespace fairlead::backup
