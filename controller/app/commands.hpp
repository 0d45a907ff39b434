/// The program's command line.
#pragma once

namespace fairlead::app {

/// Gives the exit status: 0 done, 1 refused or failed, 2 for a command line that makes no sense.
int run_command_line(int argc, char** argv);

} // namespace fairlead::app
