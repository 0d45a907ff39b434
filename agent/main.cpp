#include "agent/app/commands.hpp"
#include "agent/app/executor_main.hpp"
#include "common/runtime/log.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>

namespace {

int run(int argc, char** argv) {
    using namespace fairlead;
    CLI::App program("Fairlead's agent: runs Odoo on this server as its controller asks and its policy allows.", "fairlead-agent");
    program.require_subcommand(1);
    int status = 0;

    app::ExecutorOptions executor;
    auto* execute = program.add_subcommand("executor", "The half that works on this server; started by systemd");
    execute->add_option("--state", executor.state, "Folder of the journal")->capture_default_str();
    execute->add_option("--policy", executor.policy, "The policy file")->capture_default_str();
    execute->add_option("--socket", executor.socket, "Make this socket instead of taking systemd's");
    execute->add_option("--idle", executor.idle_seconds, "Seconds without work until it ends")->check(CLI::Range(1, 86400))->capture_default_str();
    execute->callback([&] { status = app::run_executor(executor); });

    program.add_subcommand("version", "Print the version")->callback([] { std::puts(FAIRLEAD_VERSION); });
    program.add_subcommand("uninstall", "Take the agent off this server; environments stay, and are listed")->callback([&] { status = app::run_uninstall(); });
    program.add_subcommand("environments", "The policy, and the environments of this server")->callback([] { app::print_overview(); });

    CLI11_PARSE(program, argc, argv);
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        fairlead::log::error("ended by an unexpected error", {{"why", error.what()}});
        return 70;
    }
}
