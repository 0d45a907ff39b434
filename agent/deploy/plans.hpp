/// From an operation to its plan: the table of everything that this agent can do.
#pragma once

#include "agent/deploy/site.hpp"
#include "agent/journal/engine.hpp"

namespace fairlead::deploy {

/// Errc::invalid for a kind that is not in the table. The operation's arguments have passed the
/// policy.
Result<journal::Plan> plan_for(Site& site, const proto::Operation& operation);

/// What must be there before anything runs: folders with their owners and modes.
Result<> prepare_site(const Layout& layout);

} // namespace fairlead::deploy
