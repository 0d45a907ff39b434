#include "common/runtime/core_dumps.hpp"
#include "controller/app/commands.hpp"
#include "controller/certificates/hook.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>

int main(int argc, char** argv) {
    fairlead::forbid_core_dumps();
    std::signal(SIGPIPE, SIG_IGN);
    // Called by the ACME client that a serving controller has started.
    if (const char* socket = std::getenv(fairlead::certificates::hook_variable); socket && argc > 1)
        return fairlead::certificates::run_hook(
            socket, std::span(argv + 1, static_cast<std::size_t>(argc - 1))
        );
    try {
        return fairlead::app::run_command_line(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fairlead-controller: %s\n", error.what());
        return 1;
    }
}
