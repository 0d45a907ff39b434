/// How a backup or a copy comes in place of an environment's data: backup.restore,
/// environment.clone.
#pragma once

#include "agent/deploy/site.hpp"
#include "agent/journal/engine.hpp"

namespace fairlead::backup {

journal::Plan restore_plan(deploy::Site& site, proto::RestoreArgs args);
journal::Plan clone_plan(deploy::Site& site, proto::CloneArgs args);

} // namespace fairlead::backup
