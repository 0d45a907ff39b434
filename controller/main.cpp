#include "common/runtime/core_dumps.hpp"
#include "controller/app/commands.hpp"

#include <csignal>
#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
    fairlead::forbid_core_dumps();
    std::signal(SIGPIPE, SIG_IGN);
    try {
        return fairlead::app::run_command_line(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fairlead-controller: %s\n", error.what());
        return 1;
    }
}
