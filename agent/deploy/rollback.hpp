/// Back to a release that is kept: the plan of environment.rollback.
#pragma once

#include "agent/deploy/parts.hpp"

namespace fairlead::deploy {

journal::Plan rollback_plan(Site& site, proto::RollbackArgs args);

} // namespace fairlead::deploy
