/// What the commands that people call say and do beside the link's own part.
#pragma once

#include "common/runtime/result.hpp"

namespace fairlead::app {

/// Writes the default policy where there is none, and holds the one that is there against the
/// rules: an agent that would refuse to work must not look enrolled.
Result<> ensure_policy();

/// Policy and environments, as lines on standard output. Nothing unless root asks:
/// the files are root's.
void print_overview();

/// Runs the package's remover in this process's place; an exit code only when that is not possible.
int run_uninstall();

} // namespace fairlead::app
