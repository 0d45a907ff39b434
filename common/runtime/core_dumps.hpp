/// Keeps what this process has in memory out of files.
#pragma once

namespace fairlead {

/// No core file is written when this process, or one that it starts, crashes: memory holds keys,
/// passwords and tokens. Called first thing in `main`.
void forbid_core_dumps();

} // namespace fairlead
