/// The process that carries an update of the agent through, put together.
#pragma once

namespace fairlead::app {

/// The exit code. 0 when it is decided, or when it was told to end.
int run_update_watch();

} // namespace fairlead::app
