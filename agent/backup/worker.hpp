/// The process that moves the bytes of backups: `fairlead-agent worker`, started by the executor.
#pragma once

namespace fairlead::backup {

/// Reads one job from standard input, does it, and tells on standard output (job.hpp). Gives the
/// exit code.
int run_worker();

} // namespace fairlead::backup
