#include "common/runtime/core_dumps.hpp"
#include "common/runtime/log.hpp"
#include "controller/egress/names.hpp"
#include "controller/egress/server.hpp"

#include <CLI/CLI.hpp>

#include <sys/signalfd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>

namespace {

using namespace fairlead;

int told(const Error& error) {
    std::fprintf(stderr, "fairlead-egress: %s\n", error.message().c_str());
    return 1;
}

/// What both commands look at before anything is served.
Result<egress::Settings> load(const std::string& config) {
    FAIRLEAD_CHECK(egress::check_owner(config));
    return egress::load_settings(config);
}

int serve(const std::string& config) {
    auto settings = load(config);
    if (!settings) return told(settings.error());
    auto user = egress::controller_user(*settings);
    if (!user) return told(user.error());
    // A name server that is silent holds a connection's thread no longer than this.
    ::setenv("RES_OPTIONS", "timeout:2 attempts:2", 1);
    sigset_t wanted;
    ::sigemptyset(&wanted);
    ::sigaddset(&wanted, SIGTERM);
    ::sigaddset(&wanted, SIGINT);
    ::sigprocmask(SIG_BLOCK, &wanted, nullptr); // before threads, which take it over
    Descriptor stop(::signalfd(-1, &wanted, SFD_CLOEXEC));
    auto server = egress::Server::open(*settings, *user, &egress::addresses_of);
    if (!server) return told(server.error());
    if (settings->mode == egress::Mode::report)
        log::warning("REPORT MODE: NOTHING IS REFUSED. What would be is let through and logged. "
                     "Set mode: enforce when you have seen enough");
    log::info(
        "serving", {{"socket", settings->socket},
                    {"controller", settings->controller},
                    {"exceptions", settings->allow.size()}}
    );
    (*server)->run(stop.get());
    log::info("stopped");
    return 0;
}

int check(const std::string& config) {
    auto settings = load(config);
    if (!settings) return told(settings.error());
    if (auto user = egress::controller_user(*settings); !user) return told(user.error());
    std::printf("%s is fine.\n", config.c_str());
    if (settings->mode == egress::Mode::report)
        std::puts("Its mode is report: nothing is refused.");
    return 0;
}

int run(int argc, char** argv) {
    CLI::App program(
        "The one way from the Fairlead controller to addresses that users gave.", "fairlead-egress"
    );
    program.require_subcommand(1);
    std::string config = "/etc/fairlead/egress.yaml";
    int status = 0;
    auto with_config = [&](CLI::App* command) {
        command->add_option("--config", config, "The configuration file")->capture_default_str();
        return command;
    };
    with_config(program.add_subcommand("serve", "Run until SIGTERM"))->callback([&] {
        status = serve(config);
    });
    auto* settings = program.add_subcommand("config", "The configuration");
    settings->require_subcommand(1);
    with_config(settings->add_subcommand("check", "Check the file"))->callback([&] {
        status = check(config);
    });
    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return program.exit(error) == 0 ? 0 : 2;
    }
    return status;
}

} // namespace

int main(int argc, char** argv) {
    fairlead::forbid_core_dumps();
    std::signal(SIGPIPE, SIG_IGN);
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fairlead-egress: %s\n", error.what());
        return 1;
    }
}
