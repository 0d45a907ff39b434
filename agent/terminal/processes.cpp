#include "agent/terminal/processes.hpp"

#include "agent/host/processes.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace fairlead::terminal {

void keep_orphans() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

bool reap(pid_t shell, std::optional<int>& status) {
    for (;;) {
        int ended = 0;
        auto pid = ::waitpid(-1, &ended, WNOHANG);
        if (pid < 0 && errno == EINTR) continue;
        if (pid < 0) return false;
        if (pid == 0) return true;
        if (pid == shell) status = ended;
    }
}

void signal_all(int signal) {
    for (auto pid : host::descendants_of(::getpid())) ::kill(pid, signal);
}

} // namespace fairlead::terminal
