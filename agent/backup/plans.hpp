/// Every operation of this server as steps: those of backups, and those of deployments, which may
/// begin with one.
#pragma once

#include "agent/deploy/plans.hpp"

namespace fairlead::backup {

/// Errc::invalid for a kind that is not known or arguments that cannot be read.
Result<journal::Plan> plan_for(deploy::Site& site, const proto::Operation& operation);

} // namespace fairlead::backup
