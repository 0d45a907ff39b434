/// Bringing a new release live: the plan of environment.deploy.
#pragma once

#include "agent/deploy/parts.hpp"
#include "agent/journal/engine.hpp"

namespace fairlead::deploy {

journal::Plan deploy_plan(Site& site, proto::DeployArgs args);

} // namespace fairlead::deploy
