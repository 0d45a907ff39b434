/// What runs below this process: all of it belongs to its terminal.
#pragma once

#include <sys/types.h>

#include <optional>

namespace fairlead::terminal {

/// Whoever loses its parent below this process becomes its child from now on, so that nothing of a
/// terminal gets away.
void keep_orphans();

/// Takes the exit of every child that has ended; that of `shell` goes into `status`, as waitpid()
/// tells it. Whether any child is left.
bool reap(pid_t shell, std::optional<int>& status);

/// To every process below this one.
void signal_all(int signal);

} // namespace fairlead::terminal
